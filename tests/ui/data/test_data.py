import json

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QStyleOptionViewItem

from tests.patience import quickest
from tests.ui.samples import clock, endpoint, report, shown
from trayapp.ui.data.model import DataModel
from trayapp.ui.data.view import DataView
from trayapp.ui.endpoints.model import EndpointsModel

COLUMNS = ("id", "title", "score")
MILLION = 1_000_000


class Table:
    """As many rows as one likes, made when asked for."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, stretch: slice):
        return [(number, f"Title {number}", None) for number in range(*stretch.indices(self.count))]


@pytest.fixture
def big(backend):
    backend.tables["big"] = (COLUMNS, Table(MILLION))
    backend.tables["small"] = (("key",), [("a\tb",), (b"\x00\x01",), (1.5,), ("long " * 200,)])
    return backend


@pytest.fixture
def model(big, qtbot):
    made = DataModel(big)
    made.show_endpoint("big")
    qtbot.waitUntil(lambda: made.rowCount() == MILLION)
    return made


@pytest.fixture
def view(big, qtbot):
    endpoints = EndpointsModel(clock)
    endpoints.set_snapshot(shown(endpoint("big"), endpoint("small"), endpoint("none")))
    made = DataView(big, endpoints)
    made.endpoints_kept = endpoints
    qtbot.addWidget(made)
    made.resize(700, 400)
    made.show()
    qtbot.waitUntil(lambda: made.model.rowCount() == MILLION)
    return made


def cell(model, row, column):
    return model.index(row, column).data()


def test_rows_come_when_they_are_looked_at(model, big, qtbot):
    assert cell(model, 0, 1) == "Title 0"
    assert cell(model, 500_000, 1) is None
    qtbot.waitUntil(lambda: cell(model, 500_000, 1) == "Title 500000")
    assert big.called("request_rows") == [("big", 0, 200), ("big", 500_000, 200)]


def test_scrolling_past_asks_only_for_where_it_ended(model, big, qtbot):
    for row in range(0, MILLION, 10_000):
        cell(model, row, 0)
    qtbot.waitUntil(lambda: cell(model, 990_000, 0) == "990000")
    assert len(big.called("request_rows")) <= 5


def test_memory_is_bounded(model, qtbot):
    for row in range(0, 21_000, 200):
        cell(model, row, 0)
        qtbot.waitUntil(lambda row=row: cell(model, row, 0) is not None)
    assert cell(model, 0, 0) is None
    assert cell(model, 20_800, 0) == "20800"


def test_a_table_that_shrinks_and_grows(model, big, qtbot):
    model.show_endpoint("small")
    qtbot.waitUntil(lambda: model.rowCount() == 4)
    tester = QAbstractItemModelTester(model)
    big.tables["small"] = (COLUMNS, Table(300))
    model.refresh()
    qtbot.waitUntil(lambda: model.rowCount() == 300)
    resets = []
    model.modelReset.connect(lambda: resets.append(1))
    for count in (295, 30, 500, 0, 3):
        big.tables["small"] = (COLUMNS, Table(count))
        model.refresh()
        qtbot.waitUntil(lambda count=count: model.rowCount() == count)
    assert not resets
    big.tables["small"] = (("id", "other"), Table(3))
    model.refresh()
    qtbot.waitUntil(lambda: model.columnCount() == 2)
    assert tester


def test_old_rows_stay_in_sight_until_new_ones_come(model, big, qtbot):
    big.tables["big"] = (COLUMNS, [(7, "New title", 1)] * 10)
    model.refresh()
    assert cell(model, 0, 1) == "Title 0"
    qtbot.waitUntil(lambda: cell(model, 0, 1) == "New title")


def test_answers_to_former_questions_are_dropped(model, big, qtbot):
    seen = []
    model.loaded.connect(lambda: seen.append(model.columnCount()))
    big.hold_rows = True
    cell(model, 500_000, 0)
    qtbot.waitUntil(lambda: len(big.called("request_rows")) == 2)
    model.show_endpoint("small")
    qtbot.waitUntil(lambda: len(big.called("request_rows")) == 3)
    big.answer_rows()
    assert seen == []
    big.answer_rows()
    assert (seen, model.rowCount()) == ([1], 4)


def test_values_as_people_read_them(model, qtbot):
    assert cell(model, 0, 2) == "NULL"
    model.show_endpoint("small")
    qtbot.waitUntil(lambda: model.rowCount() == 4)
    assert cell(model, 0, 0) == "a b"
    assert cell(model, 1, 0) == "<2 bytes>"
    assert cell(model, 2, 0) == "1.5"
    assert len(cell(model, 3, 0)) == 300


def test_null_is_in_italics_and_numbers_stand_at_the_right(view):
    def painted(row, column):
        option = QStyleOptionViewItem()
        index = view.model.index(row, column)
        view.table.itemDelegate().initStyleOption(option, index)
        return option.text, option.font.italic(), bool(option.displayAlignment & Qt.AlignmentFlag.AlignRight)

    assert painted(0, 0) == ("0", False, True)
    assert painted(0, 1) == ("Title 0", False, False)
    assert painted(0, 2) == ("NULL", True, False)
    assert painted(900_000, 0)[0] == "", "on its way"


def test_the_view_names_rows_and_columns(view):
    assert view.summary.text() == "Rows: 1,000,000 · columns: 3"


def test_the_view_scrolls_a_million_rows_without_waiting(view, qtbot):
    def scroll():
        view.table.scrollToTop()
        view.table.scrollToBottom()
        view.table.viewport().repaint()

    assert quickest(scroll, 0.2) < 0.2
    qtbot.waitUntil(lambda: cell(view.model, MILLION - 1, 0) == str(MILLION - 1))


def test_a_missing_table_is_explained(view, qtbot):
    view.endpoint.setCurrentIndex(2)
    qtbot.waitUntil(lambda: view.banner.title == "There is no table yet")
    assert view.pages.currentWidget() is not view.table
    view.endpoint.setCurrentIndex(1)
    qtbot.waitUntil(lambda: view.summary.text() == "Rows: 4 · columns: 1")
    assert view.pages.currentWidget() is view.table


def test_the_first_run_fills_the_page_that_had_no_table(view, big, qtbot):
    view.show_endpoint("none")
    qtbot.waitUntil(lambda: bool(view.banner.title))
    big.tables["none"] = (("id",), [(1,)])
    big.run_finished.emit(report("none", added=1))
    qtbot.waitUntil(lambda: view.model.rowCount() == 1)
    assert view.pages.currentWidget() is view.table


def test_a_run_that_changed_something_is_seen_at_once(view, big, qtbot):
    before = len(big.called("request_rows"))
    big.run_finished.emit(report("big"))
    big.run_finished.emit(report("small", added=1))
    assert len(big.called("request_rows")) == before
    big.tables["big"] = (COLUMNS, Table(17))
    big.run_finished.emit(report("big", deleted=3))
    qtbot.waitUntil(lambda: view.model.rowCount() == 17)


def test_rows_are_copied_as_json_with_what_is_nested_in_them(view, big, qtbot):
    big.tables["small"] = (
        ("id", "tags", "note", "data"),
        [(1, '["a",{"b":123456789012345678901234567890}]', "{not json", b"\xff"), (2, None, "ü", 1.5)],
    )
    view.show_endpoint("small")
    qtbot.waitUntil(lambda: view.model.rowCount() == 2)
    view.table.setCurrentIndex(view.model.index(0, 1))
    view.copy_json()
    first = {"id": 1, "tags": ["a", {"b": 123456789012345678901234567890}], "note": "{not json", "data": "/w=="}
    assert json.loads(QGuiApplication.clipboard().text()) == first
    view.table.selectAll()
    view.copy_json()
    second = {"id": 2, "tags": None, "note": "ü", "data": 1.5}
    assert json.loads(QGuiApplication.clipboard().text()) == [first, second]


def test_typing_finds_rows_and_tells_how_many_of_all(view, qtbot):
    view.show_endpoint("small")
    qtbot.waitUntil(lambda: view.model.rowCount() == 4)
    qtbot.keyClick(view, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(view.search, "LONG")
    qtbot.waitUntil(lambda: view.model.rowCount() == 1)
    assert cell(view.model, 0, 0).startswith("long long")
    assert view.summary.text() == "Rows: 1 of 4 · columns: 1"
    view.search.clear()
    qtbot.waitUntil(lambda: view.model.rowCount() == 4)
    assert view.summary.text() == "Rows: 4 · columns: 1"


def test_a_click_on_a_header_sorts_down_up_and_not_at_all(view, big, qtbot):
    big.tables["letters"] = (("letter",), [("b",), ("c",), ("a",)])
    big.tables["big"] = big.tables["letters"]
    big.run_finished.emit(report("big", deleted=1))
    qtbot.waitUntil(lambda: view.model.rowCount() == 3)
    header = view.table.horizontalHeader()

    def click():
        qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(header.sectionPosition(0) + 5, 5))

    def shows(letters):
        return lambda: "".join(filter(None, (cell(view.model, row, 0) for row in range(3)))) == letters

    click()
    qtbot.waitUntil(shows("abc"))
    click()
    qtbot.waitUntil(shows("cba"))
    click()
    qtbot.waitUntil(shows("bca"))


def test_another_table_is_shown_whole_and_in_its_own_order(view, big, qtbot):
    view.show_endpoint("small")
    qtbot.waitUntil(lambda: view.model.rowCount() == 4)
    view.search.setText("long")
    view.table.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    qtbot.waitUntil(lambda: view.model.rowCount() == 1)
    view.show_endpoint("big")
    qtbot.waitUntil(lambda: cell(view.model, 0, 1) == "Title 0" and view.model.rowCount() == MILLION)
    assert view.search.text() == ""
    assert view.table.horizontalHeader().sortIndicatorSection() == -1


def test_an_order_by_a_column_that_is_gone_is_given_up(model, big, qtbot):
    big.tables["big"] = (("other",), [(2,), (1,)])
    with qtbot.waitSignal(model.unsorted):
        model.sort(0)
    qtbot.waitUntil(lambda: model.rowCount() == 2)
    assert [cell(model, row, 0) for row in range(2)] == ["2", "1"]


def test_no_stretch_of_the_order_before_is_left(model, big, qtbot):
    big.tables["big"] = (COLUMNS, [(number, f"{number:03}", None) for number in range(401)])
    model.refresh()
    qtbot.waitUntil(lambda: model.rowCount() == 401 and cell(model, 300, 1) == "300")
    model.sort(1, Qt.SortOrder.DescendingOrder)
    qtbot.waitUntil(lambda: cell(model, 0, 1) == "400")
    assert cell(model, 300, 1) is None
    qtbot.waitUntil(lambda: cell(model, 300, 1) == "100")


def test_reading_that_takes_long_can_be_stopped(view, big, qtbot):
    big.tables["big"] = (COLUMNS, [(number, f"Title {number}", None) for number in range(9)])
    view.model.refresh()
    qtbot.waitUntil(lambda: view.model.rowCount() == 9)
    assert not view.stop.isVisible()
    view.table.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    qtbot.waitUntil(lambda: cell(view.model, 0, 1) == "Title 8")
    summary = view.summary.text()
    big.hold_rows = True
    view.search.setText("what takes long")
    qtbot.waitUntil(view.stop.isVisible)
    qtbot.mouseClick(view.stop, Qt.MouseButton.LeftButton)
    assert not view.stop.isVisible()
    assert len(big.called("stop_rows")) == 1
    assert (view.search.text(), view.summary.text()) == ("", summary)
    assert view.table.horizontalHeader().sortIndicatorSection() == 0
    assert view.table.horizontalHeader().sortIndicatorOrder() == Qt.SortOrder.DescendingOrder
    assert cell(view.model, 0, 1) == "Title 8"
    big.answer_rows()  # too late
    assert cell(view.model, 0, 1) == "Title 8"
    view.search.setText("what takes long")
    qtbot.waitUntil(view.stop.isVisible)
    big.answer_rows()
    qtbot.waitUntil(lambda: not view.stop.isVisible())
    big.hold_rows = False


def test_what_nobody_wants_any_more_is_not_read_on(view, big, qtbot):
    big.hold_rows = True
    for before, text in enumerate(("a", "ab", "abc")):
        view.model.find(text)
        asked = len(big.called("request_rows"))
        qtbot.waitUntil(lambda asked=asked: len(big.called("request_rows")) > asked)
        assert len(big.called("stop_rows")) == before
    view.show_endpoint("small")
    assert len(big.called("stop_rows")) == 3


def test_nothing_is_fetched_while_nobody_looks(view, big, qtbot):
    view.hide()
    before = len(big.called("request_rows"))
    big.tables["big"] = (COLUMNS, Table(5))
    big.run_finished.emit(report("big", deleted=3))
    qtbot.wait(20)
    assert len(big.called("request_rows")) == before
    view.show()
    qtbot.waitUntil(lambda: view.model.rowCount() == 5)


def test_cells_are_copied_as_a_table(view):
    view.table.setCurrentIndex(view.model.index(0, 0))
    selection = view.table.selectionModel()
    for row in range(2):
        for column in range(3):
            selection.select(view.model.index(row, column), selection.SelectionFlag.Select)
    view.copy()
    assert QGuiApplication.clipboard().text() == "0\tTitle 0\t\n1\tTitle 1\t"


def test_the_folder_of_the_file(view, big, qtbot):
    qtbot.mouseClick(view.folder, Qt.MouseButton.LeftButton)
    assert big.called("open_data_folder") == [()]
