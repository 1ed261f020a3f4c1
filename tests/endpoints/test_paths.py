import pytest

from trayapp.endpoints.model import Endpoint, Response
from trayapp.endpoints.paths import RecordsPath, Step, is_plain, parse_records_path
from trayapp.endpoints.validate import check_endpoint


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", RecordsPath()),
        ("data.items", RecordsPath(steps=(Step("data"), Step("items")))),
        ("data list", RecordsPath(steps=(Step("data list"),))),
        ("edges[].node", RecordsPath(steps=(Step("edges", "items"), Step("node")))),
        ("[].a", RecordsPath(steps=(Step("", "items"), Step("a")))),
        ("*", RecordsPath(steps=(Step("", "values"),))),
        ("data.* as code", RecordsPath(steps=(Step("data", "values"),), field="code")),
        ("a.*.b", RecordsPath(steps=(Step("a", "values"), Step("b")))),
        ("ids as the id", RecordsPath(steps=(Step("ids"),), field="the id")),
        ("as id", RecordsPath(field="id")),
        ("rows with meta.columns", RecordsPath(steps=(Step("rows"),), names="meta.columns")),
        ("with first row", RecordsPath(names="first row")),
        ("hourly zipped", RecordsPath(steps=(Step("hourly"),), zipped=True)),
        ("features flat properties", RecordsPath(steps=(Step("features"),), flat="properties")),
        ("* as id flat fields", RecordsPath(steps=(Step("", "values"),), field="id", flat="fields")),
    ],
)
def test_a_path_says_where_records_are(text, path):
    assert parse_records_path(text) == path


@pytest.mark.parametrize("text", ["a..b", ".a", "a.", "a[0]", "[]x", "a[].[]b", "a as b with c", "x zipped with c"])
def test_what_is_no_path_is_refused_in_words(text):
    problems = check_endpoint(Endpoint(url="http://x/", response=Response(records=text)))
    assert [problem.path for problem in problems] == ["response.records"]


@pytest.mark.parametrize("name", ["", "a.b", "*", "x[]", "as", "a as b", " a"])
def test_names_a_path_would_read_otherwise_are_known(name):
    assert not is_plain(name)


@pytest.mark.parametrize("delimiter", ["", "ab", "a", '"', "\n"])
def test_what_separates_no_cells_is_refused(delimiter):
    problems = check_endpoint(Endpoint(url="http://x/", response=Response(delimiter=delimiter)))
    assert [problem.path for problem in problems] == ["response.delimiter"]


def test_an_unknown_encoding_is_refused():
    problems = check_endpoint(Endpoint(url="http://x/", response=Response(encoding="utf-9")))
    assert [problem.path for problem in problems] == ["response.encoding"]
