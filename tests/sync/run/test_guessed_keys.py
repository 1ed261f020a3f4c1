"""Keys that were guessed from the first records, and what later ones show of them."""

import pytest

from tests.server import json_reply, raw
from tests.sync.mirroring import mirroring
from trayapp.endpoints.model import Table


@pytest.fixture
def mirror(tmp_path):
    with mirroring(tmp_path) as mirror:
        yield mirror


def pages_of(records, size=20):
    """A listing in pages, each named by the one before."""

    def reply(seen):
        start = int(seen.param("from", "0"))
        page = records[start : start + size]
        more = start + size < len(records)
        links = {"Link": f'<{seen.path}?from={start + size}>; rel="next"'} if more else {}
        return json_reply(page).with_headers(**links)

    return reply


def places(count, field="number", again=2000):
    """Records of which the field begins anew after so many."""
    return [{field: n % again + 1, "name": f"Town {n % 7}", "size": n} for n in range(count)]


@pytest.mark.parametrize("field", ["number", "code", "position", "id"])
def test_a_guess_that_repeats_on_another_page_is_dropped_and_told_at_the_first_run(mirror, field):
    many = places(2200, field)
    assert len(mirror.sync(pages_of(many, 1000))) == 2200
    assert any(f"of {field}," in str(warning) for warning in mirror.report.warnings)
    mirror.sync(pages_of(many, 1000))
    assert (mirror.report.added, mirror.report.changed, mirror.report.unchanged) == (0, 0, 2200)


def test_a_single_shared_value_of_a_guess_is_enough_to_drop_it(mirror):
    records = [*({"number": n, "name": f"Town {n % 7}"} for n in range(2000)), {"number": 5, "name": "Z"}]
    assert len(mirror.sync(pages_of(records, 1000))) == 2001
    assert any("of number," in str(warning) for warning in mirror.report.warnings)


@pytest.mark.parametrize("later", [{"number": None, "name": "Z"}, {"number": 5, "name": "Z"}])
def test_a_guess_that_is_missing_or_ambiguous_far_behind_is_dropped_too(mirror, later):
    records = [{"number": n, "name": f"Town {n % 50}"} for n in range(2000)]
    records += [{"number": 9000, "name": "A"}, later] if later["number"] is None else [later, later | {"name": "Y"}]
    assert len(mirror.sync(json_reply(records))) == 2002
    assert any("number" in str(warning) for warning in mirror.report.warnings)


@pytest.mark.parametrize("settings", [{}, {"key": ("number",)}], ids=["guessed", "explicit"])
def test_a_key_that_repeats_later_fails_the_run_in_words_and_keeps_the_rows(mirror, settings):
    table = Table(name="items", **settings)
    before = mirror.sync(pages_of(places(20, again=40)), table=table)
    assert mirror.sync(pages_of(places(100, again=40)), table=table) is None
    assert (str(mirror.report.problem.title), mirror.report.problem.field) == ("number is not unique", "table.key")
    assert "60" in str(mirror.report.problem.cause)
    assert mirror.rows() == before


def test_an_explicit_key_is_not_dropped_at_the_first_run(mirror):
    assert mirror.sync(pages_of(places(100, again=40)), table=Table(name="items", key=("number",))) is None
    assert mirror.report.problem.field == "table.key"


def test_a_record_that_changes_while_it_is_listed_is_no_reason_to_drop_its_id(mirror):
    records = [{"id": n, "name": f"Town {n}"} for n in range(60)]
    moved = [*records[:40], records[3] | {"name": "changed"}, *records[40:]]
    rows = mirror.sync(pages_of(moved))
    assert (len(rows), mirror.types()["id"]) == (60, "INTEGER")
    assert next(row["name"] for row in rows if row["id"] == 3) == "changed"


@pytest.mark.parametrize("field", ["id", "number", "shelf_no"])
@pytest.mark.parametrize("overlap", [1, 4])
def test_records_on_pages_that_overlap_are_one_by_what_is_called_like_a_key(mirror, field, overlap):
    records = [{"name": f"Town {n % 9}", field: n} for n in range(45)]

    def reply(seen):
        start = int(seen.param("cursor", "0"))
        more = start + 10 < len(records)
        return json_reply({"items": records[start : start + 10], "next_cursor": start + 10 - overlap if more else None})

    assert sorted(row[field] for row in mirror.sync(reply)) == list(range(45))
    assert len(mirror.sync(reply)) == 45
    assert (mirror.report.added, mirror.report.changed) == (0, 0)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_equal_records_without_a_key_are_a_row_each_wherever_they_stand(mirror, form):
    records = [{"kind": f"k{n % 5}", "size": n % 3} for n in range(40)]

    def reply(seen):
        found = pages_of(records, 13)(seen)
        if form == "json":
            return found
        start = int(seen.param("from", "0"))
        body = "".join(["kind,size\n", *(f"{each['kind']},{each['size']}\n" for each in records[start : start + 13])])
        return raw(body.encode(), "text/csv").with_headers(**{k: v for k, v in found.headers.items() if k == "Link"})

    rows = mirror.sync(reply)
    assert sorted((row["kind"], row["size"]) for row in rows) == sorted(
        (each["kind"], each["size"]) for each in records
    )
    mirror.sync(reply)
    assert (mirror.report.added, mirror.report.deleted, mirror.report.unchanged) == (0, 0, 40)
