"""What is wide costs in proportion to its width; what is too wide is refused at once, in words."""

import itertools
import json

import pytest

from tests.patience import quickest_cpu
from tests.server import raw
from tests.sync.mirroring import mirroring
from trayapp.endpoints.model import Response
from trayapp.store.errors import StoreError
from trayapp.store.mirror.schema import MAX_NAME

WIDE = 1900


@pytest.fixture
def mirror(tmp_path):
    with mirroring(tmp_path) as mirror:
        yield mirror


def body(value):
    return raw(json.dumps(value).encode())


def csv(*rows):
    return raw("".join(",".join(map(str, row)) + "\n" for row in rows).encode(), "text/csv")


def xml(inside):
    return raw(f"<all>{inside}</all>".encode(), "text/xml")


def names(count):
    return [f"field_{number}" for number in range(count)]


def cases(count):
    """Names that differ only in their letters' case."""
    letters = [(letter, letter.upper()) for letter in "abcdefghijklmnopq"]
    return ["".join(name) for name in itertools.islice(itertools.product(*letters), count)]


KINDS = {
    "fields": lambda n: body([{"id": 1, **dict.fromkeys(names(n), "x")}]),
    "fields called alike": lambda n: body([{"id": 1, **dict.fromkeys(cases(n), "x")}]),
    "new ones in every record": lambda n: body(
        [{"id": i, **{f"f{i}_{j}": i for j in range(9)}} for i in range(n // 9)]
    ),
    "an object alone": lambda n: body({"id": 1, **dict.fromkeys(names(n), "x")}),
    "rows with names": lambda n: body([["id", *names(n)], [1, *range(n)]]),
    "columns": lambda n: body({name: [1, 2, 3] for name in ["id", *names(n)]}),
    "CSV": lambda n: csv(["id", *names(n)], [1, *range(n)]),
    "CSV with one name": lambda n: csv(["id", *["c"] * n], [1, *range(n)]),
    "CSV without names": lambda n: csv(["id", *[""] * n], [1, *range(1, n + 1)]),
    "CSV with a long row": lambda n: csv(["id", "b"], *[[i, i] for i in range(2, 200)], [1, *range(1, n + 1)]),
    "attributes": lambda n: xml("<b id='1' " + " ".join(f"{name}='1'" for name in names(n)) + "/>"),
    "elements": lambda n: xml(f"<b><id>1</id>{''.join(f'<{name}>1</{name}>' for name in names(n))}</b>"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_wide_record_is_mirrored_with_all_its_fields(mirror, kind):
    reply = KINDS[kind](WIDE)
    replies = iter(range(100))
    took = quickest_cpu(lambda: mirror.add(reply, f"/{next(replies)}"), 1.5)
    assert mirror.report.problem is None, mirror.report.problem
    assert len(mirror.types()) >= WIDE
    assert all(value is not None for value in next(row for row in mirror.rows() if row["id"] == 1).values()) or (
        kind == "new ones in every record"
    )
    assert took < 1.5


@pytest.mark.parametrize("kind", KINDS)
def test_what_no_table_can_hold_is_refused_at_once(mirror, kind):
    reply = KINDS[kind](20_000)
    problems = []

    def refused():
        with pytest.raises(StoreError) as error:
            mirror.add(reply)
        mirror.sync(reply)
        problems[:] = [error.value.problem, mirror.report.problem]

    assert quickest_cpu(refused, 6) < 6
    for problem in problems:
        assert problem.code == "too_wide"
        assert "table.ignore" in str(problem.next)
        assert "response.records" in str(problem.next)
    assert mirror.rows() == []


def test_some_of_too_many_fields_can_be_selected(mirror):
    reply = KINDS["fields"](3000)
    path = "jmes:[].{id: id, last: field_2999}"
    assert mirror.sync(reply, response=Response(records=path)) == [{"id": 1, "last": "x"}]


@pytest.mark.parametrize("letter", ["x", "é"])
def test_a_long_name_is_taken_and_a_longer_one_refused(mirror, letter):
    assert mirror.add(body([{"id": 1, letter * MAX_NAME: 2}])) == [{"id": 1, letter * MAX_NAME: 2}]
    for length in (MAX_NAME + 1, 4_000_000):
        mirror.sync(body([{"id": 1, letter * length: 2}]), f"/{length}")
        problem = mirror.report.problem
        assert (problem.code, problem.field) == ("long_name", "table.ignore")
        assert f"{length:,}" in str(problem.cause)
        assert len(str(problem.cause)) < 200


def test_a_long_table_gets_many_columns_as_well(mirror):
    few = [{"id": number} for number in range(2000)]
    mirror.sync(body(few))
    wide = [{"id": 0, **dict.fromkeys(names(30), 7)}, *few[1:]]
    assert mirror.sync(body(wide))[0] == wide[0]
    assert (mirror.report.changed, mirror.report.unchanged) == (1, 1999)
