"""A page of JSON and a page of cells are alike to whoever takes them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayapp.store.records.cells import packed
from trayapp.store.records.digests import Digests
from trayapp.store.records.pages import CellPage, JsonPage
from trayapp.store.staging.published import Known
from trayapp.store.staging.staging import Staging

row = st.tuples(st.integers(), st.text(st.characters(exclude_categories=["Cs"]), max_size=2))
parts = st.lists(st.lists(row, min_size=1, max_size=3), max_size=5)


def raw(row):
    return json.dumps(dict(zip("ab", row, strict=True)), separators=(",", ":"), ensure_ascii=False).encode()


def cells(parts):
    """A block for each part."""
    return CellPage([packed("ab", (), list(zip(*part, strict=True)), Digests.of(map(repr_of, part))) for part in parts])


def repr_of(row):
    return repr(row).encode()


def in_both_forms(parts):
    rows = [row for part in parts for row in part]
    return rows, [cells(parts), JsonPage(map(raw, rows), Digests.of(map(repr_of, rows)))]


@given(parts, st.data())
def test_a_page_is_a_sequence_of_records(parts, data):
    rows, pages = in_both_forms(parts)
    records = [json.loads(raw(row)) for row in rows]
    places = sorted(data.draw(st.sets(st.integers(0, len(rows) - 1)))) if rows else []
    for page in pages:
        assert len(page) == len(rows)
        assert list(map(json.loads, page)) == records
        assert page[:] == list(page) == [page[place] for place in range(len(rows))]
        assert page[1:3] == list(page)[1:3]
        assert page.digests == Digests.of(map(repr_of, rows))
        picked = page.only(places)
        assert list(picked) == [page[place] for place in places]
        assert picked.digests == page.digests.only(places)
        assert json.loads(page.as_json().text) == records
    assert len(pages[0].only(places).blocks) <= 1 or len(places) == len(rows)


@given(parts, st.data())
def test_the_same_of_both_forms_is_staged(tmp_path_factory, parts, data):
    rows, pages = in_both_forms(parts)
    before = data.draw(st.lists(st.sampled_from(rows), unique=True)) if rows else []
    found = []
    for page in pages:
        staging = Staging(tmp_path_factory.getbasetemp(), Known(Digests.of(map(repr_of, before))))
        taken = staging.add_page(page)
        assert sorted([*taken.unchanged, *taken.new.digests]) == sorted(page.digests)
        staged = [record for batch in staging for record in map(json.loads, batch.page)]
        assert [each for each in staged if tuple(each.values()) not in before] == [
            json.loads(raw(row)) for row in rows if row not in before
        ]
        found.append((list(map(json.loads, taken.new)), taken.unchanged, staged, staging.missing, staging.unchanged))
        staging.close()
    assert found[0] == found[1]


def test_records_become_bytes_of_their_own_and_are_checked():
    checked = []
    text = b'[{"a":1},{"a":2}]'
    page = JsonPage([memoryview(text)[1:8], memoryview(text)[9:16]])
    own = page.own(checked.extend)
    assert list(own) == checked == [b'{"a":1}', b'{"a":2}']
    assert {type(record) for record in own} == {bytes}
    with pytest.raises(ZeroDivisionError):
        page.own(lambda records: 1 // 0)


def test_cells_need_no_check():
    page = cells([[(1, "ä")]])
    assert page.own(lambda records: 1 // 0) is page


def test_records_alike_in_another_form_have_the_digests_of_their_json():
    page = cells([[(1, "x")], [(2, "y")]])
    assert page.as_json().digests == Digests.of([b'{"a":1,"b":"x"}', b'{"a":2,"b":"y"}']) != page.digests
