import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester

from tests.ui.samples import clock, run
from trayapp.ui.activity.model import SORT, ActivityFilter, ActivityModel, Column
from trayapp.ui.activity.view import ActivityView

RUNS = (
    run(1, "orders", added=3, changed=1200, sentence="3 new, 1,200 changed."),
    run(2, "issues", status="skipped", reason="metered network", sentence=""),
    run(3, "weather", status="failed", sentence="The server did not answer."),
    run(60 * 24, "issues", status="held", sentence="2 deletions need your confirmation."),
)


@pytest.fixture
def view(backend, qtbot):
    backend.runs = RUNS
    made = ActivityView(backend, clock)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitUntil(lambda: made.model.rowCount() == len(RUNS))
    return made


def column(view: ActivityView, number: Column) -> list[str]:
    return [view.filtered.index(row, number).data() for row in range(view.filtered.rowCount())]


def test_runs_are_listed_with_what_happened(view):
    assert column(view, Column.ENDPOINT) == ["Orders", "Issues", "Weather", "Issues"]
    assert column(view, Column.OUTCOME) == ["Succeeded", "Skipped", "Failed", "Needs you"]
    assert column(view, Column.WHAT)[:2] == ["3 new, 1,200 changed.", "metered network"]
    assert column(view, Column.CHANGED) == ["1,200", "", "", ""]
    assert column(view, Column.TOOK)[:2] == ["2.0 s", ""]
    assert column(view, Column.STARTED)[3].startswith("yesterday")


def test_every_outcome_has_its_own_sign(view):
    cells = [view.filtered.index(row, Column.OUTCOME) for row in range(4)]
    signs = {bytes(cell.data(Qt.ItemDataRole.DecorationRole).pixmap(16).toImage().constBits()) for cell in cells}
    assert len(signs) == 4


@pytest.mark.parametrize(
    ("text", "found"), [("WEATHER", 1), ("issues deletions", 1), ("metered", 1), ("nothing such", 0), ("", 4)]
)
def test_filter_by_text(view, qtbot, text, found):
    qtbot.keyClicks(view.filter, text)
    assert view.filtered.rowCount() == found


def test_filter_by_status(view):
    view.status.setCurrentIndex(view.status.findData("failed"))
    assert column(view, Column.ENDPOINT) == ["Weather"]
    view.filter.setText("orders")
    assert column(view, Column.ENDPOINT) == []


def test_new_runs_appear_without_losing_the_selection(view, backend):
    view.table.selectRow(2)
    backend.runs_changed.emit((run(0, "orders"), *RUNS[:-1]))
    assert view.filtered.rowCount() == 4
    assert view.table.currentIndex().row() == 3
    assert view.table.currentIndex().siblingAtColumn(Column.ENDPOINT).data() == "Weather"


def test_sorting_by_a_number(view):
    view.table.sortByColumn(Column.CHANGED, Qt.SortOrder.DescendingOrder)
    assert column(view, Column.ENDPOINT)[0] == "Orders"


def test_activating_a_run_leads_to_its_endpoint(view, qtbot):
    view.table.selectRow(0)
    with qtbot.waitSignal(view.endpoint_requested) as asked:
        qtbot.keyClick(view.table, Qt.Key.Key_Return)
    assert asked.args == ["orders"]


def test_without_runs_it_says_so(backend, qtbot):
    view = ActivityView(backend, clock)
    qtbot.addWidget(view)
    view.show()
    assert view.empty.isVisible()
    backend.runs_changed.emit(RUNS)
    assert not view.empty.isVisible()
    assert view.table.isVisible()


def test_the_chart_says_its_numbers_and_paints(view):
    assert view.chart.accessibleDescription() == "3 new, 1,200 changed, 0 deleted"
    picture = view.chart.grab().toImage()
    colours = {picture.pixelColor(x, picture.height() // 2).name() for x in range(picture.width())}
    assert len(colours) > 2


@pytest.mark.usefixtures("qapp")
def test_the_models_keep_qts_rules():
    model = ActivityModel(clock)
    testers = [QAbstractItemModelTester(model)]
    filtered = ActivityFilter()
    filtered.setSourceModel(model)
    testers.append(QAbstractItemModelTester(filtered))
    model.set_runs(RUNS)
    filtered.set_status("failed")
    filtered.sort(Column.TOOK)
    model.set_runs((run(0), *RUNS[1:]))
    assert [model.index(0, number).data(SORT) is not None for number in Column] == [True] * len(Column)
    assert testers
