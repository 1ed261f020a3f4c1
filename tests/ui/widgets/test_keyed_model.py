from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSortFilterProxyModel, Qt
from PySide6.QtTest import QAbstractItemModelTester

from trayapp.ui.widgets.keyed_model import KeyedModel

pytestmark = pytest.mark.usefixtures("qapp")
_ROOT = QModelIndex()


class Pairs(KeyedModel[tuple[str, int]]):
    def __init__(self) -> None:
        super().__init__(lambda pair: pair[0], 2)

    def data(self, index: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        return self.item(index.row())[index.column()] if role == Qt.ItemDataRole.DisplayRole else None


LISTS = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 2)), unique_by=lambda pair: pair[0], max_size=8)


def contents(model: Any) -> list[tuple[str, int]]:
    return [(model.index(row, 0).data(), model.index(row, 1).data()) for row in range(model.rowCount())]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(LISTS, min_size=1, max_size=5))
def test_any_list_follows_any_other_without_a_reset(lists):
    model = Pairs()
    tester = QAbstractItemModelTester(model)
    proxy = QSortFilterProxyModel()
    proxy.setSourceModel(model)
    proxy.sort(0)
    resets: list[None] = []
    model.modelReset.connect(lambda: resets.append(None))
    for items in lists:
        kept = {key: QPersistentModelIndex(model.index(model.row_of(key), 0)) for key, _ in contents(model)}
        model.set_items(items)
        assert contents(model) == items
        assert contents(proxy) == sorted(items)
        left = {key for key, _ in items}
        for key, index in kept.items():
            assert index.isValid() == (key in left)
            assert not index.isValid() or index.data() == key
    assert not resets
    del tester


def changes_of(model: Pairs) -> list[tuple[str, int, int]]:
    seen: list[tuple[str, int, int]] = []
    model.dataChanged.connect(lambda first, last: seen.append(("changed", first.row(), last.row())))
    model.rowsInserted.connect(lambda _p, first, last: seen.append(("inserted", first, last)))
    model.rowsRemoved.connect(lambda _p, first, last: seen.append(("removed", first, last)))
    model.layoutChanged.connect(lambda: seen.append(("moved", 0, 0)))
    return seen


def test_only_what_differs_is_told():
    model = Pairs()
    model.set_items([("a", 1), ("b", 1), ("c", 1), ("d", 1)])
    seen = changes_of(model)
    model.set_items([("a", 1), ("b", 2), ("c", 2), ("d", 1)])
    assert seen == [("changed", 1, 2)]
    seen.clear()
    model.set_items([("a", 1), ("b", 2), ("c", 2), ("d", 1)])
    assert seen == []
    model.set_items([("new", 0), ("a", 1), ("b", 2), ("c", 2)])
    assert seen == [("removed", 3, 3), ("inserted", 0, 0)]


def test_rows_are_found_by_key():
    model = Pairs()
    model.set_items([("a", 1), ("b", 1)])
    assert (model.row_of("b"), model.row_of("z")) == (1, -1)
