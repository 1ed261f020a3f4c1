"""The parts of the endpoint's form, each by keys, and what they read back."""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any

import msgspec
import pytest
from PySide6.QtCore import QLocale, Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from trayapp.endpoints.calendar import Days, Once
from trayapp.endpoints.model import After, Auth, Endpoint, Pages, Request, Response, Settings, Table
from trayapp.endpoints.schedule import Cron, EventsOnly, Every, Manual, Schedule, TimesOfDay, with_schedule
from trayapp.endpoints.settings import complete
from trayapp.endpoints.units import Duration, TimeOfDay
from trayapp.ui.editor.form import EndpointForm, stored_in_keyring
from trayapp.ui.editor.frequency import frequency_words
from trayapp.ui.editor.key_value_editor import KeyValueEditor
from trayapp.ui.editor.response_editors import PagesEditor, RecordsEditor
from trayapp.ui.editor.schedule_editor import ScheduleEditor


@pytest.fixture(autouse=True)
def neutral_locale() -> Iterator[None]:
    before = QLocale()
    QLocale.setDefault(QLocale.c())
    yield
    QLocale.setDefault(before)


OTHER = After(endpoint="other")


def running(schedule: Schedule | None = None, **fields: Any) -> Endpoint:
    """An endpoint that runs so; without a schedule it names none."""
    endpoint = Endpoint(url="https://api.test/x", id="x", **fields)
    return endpoint if schedule is None else with_schedule(endpoint, schedule)


class FixedClock:
    def now(self) -> datetime:
        return datetime(2025, 3, 3, 12, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    def zone(self) -> tzinfo:
        return UTC


def shown(qtbot: QtBot, widget: QWidget) -> None:
    qtbot.addWidget(widget)
    widget.show()
    qtbot.waitExposed(widget)


def type_into_cell(qtbot: QtBot, editor: KeyValueEditor, text: str) -> None:
    cell = editor.table.findChild(QLineEdit)
    assert cell is not None
    qtbot.keyClicks(cell, text)
    qtbot.keyClick(cell, Qt.Key.Key_Return)
    QApplication.sendPostedEvents()


def test_rows_are_added_typed_and_removed_by_keys(qtbot: QtBot) -> None:
    editor = KeyValueEditor("headers", "Headers")
    shown(qtbot, editor)
    qtbot.keyClick(editor.table, Qt.Key.Key_Insert)
    type_into_cell(qtbot, editor, "Accept")
    assert editor.values() == {"Accept": ""}
    item = editor.table.item(0, 1)
    assert item is not None
    item.setText("text/csv")
    assert editor.values() == {"Accept": "text/csv"}
    with qtbot.waitSignal(editor.changed):
        qtbot.keyClick(editor.table, Qt.Key.Key_Delete)
    assert editor.values() == {}
    assert not editor.remove_button.isEnabled()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((("a", "1"), ("b", "2")), ""),
        ((("a", "1"), ("a", "2")), "“a” is listed twice; keep one of them."),
        ((("", "1"),), "A value has no name; give it one, or remove the row."),
        ((("", ""),), ""),
    ],
)
def test_rows_that_make_no_sense_are_said(qtbot: QtBot, rows: tuple[tuple[str, str], ...], said: str) -> None:
    editor = KeyValueEditor("params", "Parameters")
    qtbot.addWidget(editor)
    for row, (name, value) in enumerate(rows):
        qtbot.mouseClick(editor.add_button, Qt.MouseButton.LeftButton)
        for column, text in enumerate((name, value)):
            item = editor.table.item(row, column)
            assert item is not None
            item.setText(text)
    assert editor.problem() == said


def test_values_keep_their_type_unless_edited(qtbot: QtBot) -> None:
    editor = KeyValueEditor("params", "Parameters")
    qtbot.addWidget(editor)
    editor.set_values({"n": 100, "yes": True, "x": 0.5, "s": "7"})
    item = editor.table.item(0, 1)
    assert item is not None
    assert editor.values() == {"n": 100, "yes": True, "x": 0.5, "s": "7"}
    assert editor.values()["yes"] is True
    item.setText("50")
    assert editor.values()["n"] == "50"


@pytest.mark.parametrize("records", ["auto", "", "data.items", "jmes:a[].b"])
def test_records_are_read_back(qtbot: QtBot, records: str) -> None:
    editor = RecordsEditor()
    qtbot.addWidget(editor)
    editor.set_records(records)
    assert editor.records() == records


def test_a_path_is_needed_where_one_is_chosen(qtbot: QtBot) -> None:
    records, pages = RecordsEditor(), PagesEditor()
    for editor in (records, pages):
        shown(qtbot, editor)
        qtbot.keyClick(editor.choice, Qt.Key.Key_End)
        assert editor.line.isVisible()
    with pytest.raises(ValueError, match="path of the list"):
        records.records()
    with pytest.raises(ValueError, match="next page's URL"):
        pages.pages()
    qtbot.keyClicks(pages.line, "links.next")
    assert pages.pages() == Pages(kind="next_url", path="links.next")


@pytest.mark.parametrize(
    "pages",
    [
        Pages(),
        Pages(kind="none"),
        Pages(kind="link", max=3),
        Pages(kind="next_url", path="header:Next-Page"),
        Pages(kind="cursor", path="meta.cursor", param="after", size=50),
    ],
)
def test_pages_are_read_back(qtbot: QtBot, pages: Pages) -> None:
    editor = PagesEditor()
    qtbot.addWidget(editor)
    editor.set_pages(pages)
    assert editor.pages() == pages


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        (running(), "every hour"),
        (running(Every(Duration(60))), "every minute"),
        (running(Every(Duration(90))), "every 90 seconds"),
        (running(Every(Duration(5400))), "every 90 minutes"),
        (running(Every(Duration(6 * 3600))), "every 6 hours"),
        (running(Every(Duration(86400))), "every day"),
        (running(TimesOfDay((TimeOfDay(8, 0), TimeOfDay(13, 30)))), "at 08:00, 13:30"),
        (running(Cron("0 9 * * 1-5")), "on weekdays at 09:00"),
        (running(Manual()), "manually"),
    ],
)
def test_a_frequency_is_read_back_and_said(qtbot: QtBot, endpoint: Endpoint, words: str) -> None:
    editor = ScheduleEditor()
    qtbot.addWidget(editor)
    editor.set_endpoint(endpoint)
    assert editor.put_into(running(after=endpoint.after)) == endpoint
    assert editor.problem() == ""
    assert frequency_words(endpoint) == words


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        (running(), "Next runs: today 13:00, 14:00, 15:00, 16:00, 17:00"),
        (running(Every(Duration(30))), "Next runs: today 12:00:30, 12:01:00, 12:01:30, 12:02:00, 12:02:30"),
        (
            running(TimesOfDay((TimeOfDay(11, 0), TimeOfDay(13, 0)))),
            "Next runs: today 13:00; tomorrow 11:00, 13:00; Wed 11:00, 13:00",
        ),
        (
            running(Cron("0 9 1 * *")),
            "Next runs: 2025-04-01 09:00; 2025-05-01 09:00; 2025-06-01 09:00; 2025-07-01 09:00; 2025-08-01 09:00",
        ),
        (running(Manual()), ""),
    ],
)
def test_the_next_runs_are_said(qtbot: QtBot, endpoint: Endpoint, words: str) -> None:
    editor = ScheduleEditor(FixedClock())
    qtbot.addWidget(editor)
    editor.set_endpoint(endpoint)
    text = "" if editor.next_runs.isHidden() else editor.next_runs.text()
    assert text == words


EVENTS = ({"at_start": True}, {"watch": "~/in"}, {"after": OTHER})


@pytest.mark.parametrize("events", EVENTS, ids=str)
def test_what_runs_at_events_only_has_no_next_runs(qtbot: QtBot, events: dict[str, Any]) -> None:
    editor = ScheduleEditor(FixedClock())
    qtbot.addWidget(editor)
    editor.set_endpoint(running(EventsOnly(), **events))
    assert editor.next_runs.isHidden()
    editor.kind.setCurrentText("Every")
    assert not editor.next_runs.isHidden()


@pytest.mark.parametrize("events", EVENTS, ids=str)
def test_an_interval_that_is_chosen_beside_events_is_written(qtbot: QtBot, events: dict[str, Any]) -> None:
    editor = ScheduleEditor()
    qtbot.addWidget(editor)
    for before in (running(EventsOnly(), **events), running(Manual(), after=events.get("after"))):
        editor.set_endpoint(before)
        editor.kind.setCurrentText("Every")
        editor.at_start.setChecked("at_start" in events)
        editor.watch.setText(events.get("watch", ""))
        chosen = editor.put_into(before)
        assert chosen == running(**events, every=Duration(3600))


def test_a_manual_endpoint_can_go_over_to_running_after_others(qtbot: QtBot) -> None:
    editor = ScheduleEditor()
    qtbot.addWidget(editor)
    before = running(Manual(), after=OTHER)
    editor.set_endpoint(before)
    editor.kind.setCurrentText("At no fixed time")
    assert editor.problem() == ""
    assert editor.put_into(before) == running(EventsOnly(), after=OTHER)


@pytest.mark.parametrize("length", ["12.5s", "90.25s", "3600.5s"])
def test_parts_of_a_second_stay_in_an_interval_that_is_not_touched(qtbot: QtBot, length: str) -> None:
    editor = ScheduleEditor()
    qtbot.addWidget(editor)
    before = running(Every(Duration.parse(length)))
    editor.set_endpoint(before)
    editor.at_start.setChecked(True)
    assert editor.put_into(before) == msgspec.structs.replace(before, at_start=True)
    editor.count.setValue(editor.count.value() + 1)
    assert editor.put_into(before).every != before.every


@pytest.mark.parametrize(
    ("kind", "edit", "text", "problem"),
    [
        ("Every", "flex", "2h", "The flex window can't be longer than the interval (1h)."),
        ("Every", "flex", "1s", "The shortest flex window is 10s."),
        ("Every", "watch", "in/list.csv", "Write the whole path, like ~/in/list.csv."),
        ("Cron expression", "cron", "0 9 * *", "“0 9 * *” is not a cron expression"),
        ("At times of day", "at", "25:00", "'25:00'"),
        ("On days", "days", "30 feb", "No February has 30 days."),
        ("Once", "once", "soon", "'soon' is no moment"),
    ],
)
def test_what_is_wrong_with_a_schedule_is_said_at_it(
    qtbot: QtBot, kind: str, edit: str, text: str, problem: str
) -> None:
    form = EndpointForm(Settings())
    qtbot.addWidget(form)
    form.url.setText("https://api.test/x")
    form.schedule.kind.setCurrentText(kind)
    getattr(form.schedule, edit).setText(text)
    assert form._fields["every"].problem.startswith(problem)
    assert form.endpoint() is None


def test_an_interval_below_the_minimum_is_said(qtbot: QtBot) -> None:
    editor = ScheduleEditor()
    qtbot.addWidget(editor)
    editor.set_endpoint(running(Every(Duration(5))))
    assert editor.problem() == "The shortest interval is 10s."


FULL = complete(
    Settings(
        endpoint=(
            Endpoint(
                url="https://api.test/search",
                name="Search",
                tags=("daily", "büro"),
                cron="0 9 * * 1",
                request=Request(
                    method="POST", params={"a": 1}, headers={"Accept": "x/y"}, json={"q": ["é"]}, timeout=Duration(5)
                ),
                auth=Auth(kind="header", name="X-Key", prefix="Key ", secret_env="KEY"),
                response=Response(records="hits", encoding="cp932", header=3, skip=1),
                pages=Pages(kind="next_url", path="next"),
                table=Table(name="Hits", key=("a", "b"), mode="append", rename={"a": "A"}, types={"b": "text"}),
            ),
        )
    )
)


def test_an_endpoint_with_everything_is_read_back(qtbot: QtBot) -> None:
    form = EndpointForm(FULL)
    qtbot.addWidget(form)
    form.set_endpoint(FULL.endpoint[0])
    assert form.endpoint() == FULL.endpoint[0]
    assert not form.is_changed()


def test_tags_are_checked_as_they_are_typed_and_stay_when_a_preset_is_taken_over(qtbot: QtBot) -> None:
    form = EndpointForm(Settings())
    qtbot.addWidget(form)
    form.url.setText("https://api.test/x")
    form.tags.setText("daily, my work")
    assert form.endpoint() is None
    assert "“my work” is not a tag" in form._fields["tags"].problem
    form.tags.setText("daily, work,")
    form.take_over(Endpoint(url="https://api.test/y", name="Y"))
    found = form.endpoint()
    assert found is not None
    assert (found.url, found.tags) == ("https://api.test/y", ("daily", "work"))


@pytest.mark.parametrize(
    ("auth", "stored"),
    [(Auth(), False), (Auth(kind="bearer"), True), (Auth(kind="bearer", secret_env="X"), False)],
)
def test_which_endpoints_have_a_stored_secret(auth: Auth, stored: bool) -> None:
    assert stored_in_keyring(auth) is stored


@pytest.mark.parametrize(
    "endpoint",
    [
        running(Every(Duration(3600), Duration(900))),
        running(TimesOfDay(on=(Days.parse("mon"), Days.parse("last fri")))),
        running(TimesOfDay((TimeOfDay(8, 0),), (Days.parse("31"),)), at_start=True),
        running(Once.parse("2026-12-01T08:00")),
        running(Once.parse("in 10m")),
        running(EventsOnly(), at_start=True),
        running(EventsOnly(), watch="~/in/list.csv"),
        running(Every(Duration(60)), watch="~/in", at_start=True),
        running(EventsOnly(), after=OTHER),
        running(EventsOnly(), after=OTHER, at_start=True),
    ],
    ids=str,
)
def test_every_kind_of_schedule_can_be_shown_and_read_back(qtbot, endpoint):
    editor = ScheduleEditor()
    qtbot.addWidget(editor)
    editor.set_endpoint(endpoint)
    assert editor.put_into(running(after=endpoint.after)) == endpoint
    assert editor.problem() == ""


def test_days_are_shown_with_their_next_times_and_what_is_skipped(qtbot):
    editor = ScheduleEditor()
    qtbot.addWidget(editor)
    editor.kind.setCurrentText("On days")
    editor.days.setText("30 feb")
    assert "No February" in editor.problem()
    editor.days.setText("31")
    assert editor.next_runs.text().endswith("Months without such a day are skipped.")
    assert editor.next_runs.text().count("00:00") == 5
    editor.days.setText("mon")
    assert "skipped" not in editor.next_runs.text()


def test_no_fixed_time_needs_an_event(qtbot):
    editor = ScheduleEditor()
    qtbot.addWidget(editor)
    editor.kind.setCurrentText("At no fixed time")
    assert editor.problem()
    editor.at_start.setChecked(True)
    assert editor.put_into(running()) == running(EventsOnly(), at_start=True)
    editor.kind.setCurrentText("Every")
    assert editor.put_into(running()) == running(Every(Duration(3600)), at_start=True)


@pytest.mark.parametrize(
    ("endpoint", "flex", "events"),
    [
        (running(Every(Duration(3600))), True, True),
        (running(TimesOfDay((TimeOfDay.parse("08:00"),))), False, True),
        (running(Manual()), False, False),
    ],
    ids=str,
)
def test_a_schedule_shows_only_the_fields_it_has(qtbot, endpoint, flex, events):
    editor = ScheduleEditor()
    qtbot.addWidget(editor)
    editor.show()
    editor.set_endpoint(endpoint)
    assert editor.flex.isVisible() == flex
    assert editor.at_start.isVisible() == editor.watch.isVisible() == events


@pytest.mark.parametrize(
    ("typed", "header", "problem"),
    [("", "auto", ""), ("none", "none", ""), (" 7 ", 7, ""), ("0", None, "number of a line"), ("x", None, "“none”")],
)
def test_where_the_header_is_can_be_typed(qtbot: QtBot, typed: str, header: object, problem: str) -> None:
    form = EndpointForm(Settings())
    qtbot.addWidget(form)
    form.set_endpoint(Endpoint(url="https://api.test/x.csv"))
    form.text.header.setText("1")
    form.text.header.setText(typed)
    form.text.skip.setText("2")
    found = form.endpoint()
    assert problem in form._fields["response.header"].problem
    assert header is None if found is None else (found.response.header, found.response.skip) == (header, 2)
