"""What servers send in place of one JSON value."""

import json

import pytest

from tests.server import json_reply, raw
from tests.sync.mirroring import as_stored, mirroring
from trayapp.endpoints.model import Response
from trayapp.errors import UserError
from trayapp.sync.formats import lines, script

ROWS = [{"id": n, "name": f"Rów }}{{ {n}", "tags": ["a", {"b": n}]} for n in range(30)]
LINES = [json.dumps(row, ensure_ascii=False) for row in ROWS]
PLAIN = [json.dumps({"id": n, "tags": ["a"]}) for n in range(30)]
PRETTY = [json.dumps(row, ensure_ascii=False, indent=2) for row in ROWS]


@pytest.fixture
def mirror(tmp_path):
    with mirroring(tmp_path) as mirror:
        yield mirror


SEVERAL = {
    "pretty": "\n".join(PRETTY) + "\n",
    "pretty, Windows": "\r\n".join(each.replace("\n", "\r\n") for each in PRETTY),
    "pretty with tabs and blank lines": "\n\n".join(json.dumps(row, indent="\t") for row in ROWS),
    "glued": "".join(LINES),
    "glued and pretty": "".join(PRETTY),
    "commas": ",\n".join(LINES) + ",\n",
    "commas, pretty": ",\n".join(PRETTY),
    "lines": "\n".join(LINES),
}


@pytest.mark.parametrize("text", SEVERAL.values(), ids=SEVERAL)
@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/x-ndjson"])
def test_objects_one_after_another_are_read(mirror, text, kind):
    assert mirror.add(raw(text.encode(), kind)) == as_stored(ROWS)
    assert mirror.preview.endpoint.response.format == "ndjson"


@pytest.mark.parametrize(
    "text", [", ".join(PLAIN), " \t ".join(PLAIN), "[1]" + PLAIN[0]], ids=["commas", "tabs", "a list"]
)
def test_what_is_not_known_for_several_values_is_refused_by_the_name_of_the_setting(mirror, text):
    with pytest.raises(UserError) as error:
        mirror.add(raw(text.encode(), "application/json"))
    assert (error.value.problem.field, "ndjson" in error.value.next) == ("response.format", True)
    if text[0] == "{":
        assert mirror.sync(raw(text.encode()), response=Response(format="ndjson")) == [
            {"id": n, "tags": '["a"]'} for n in range(30)
        ]


def test_one_object_with_such_texts_in_it_is_one():
    for value in ({"a": "}{", "items": ROWS}, {"a": {"b": "}\n{"}, "c": [{}, {}]}):
        for indent in (None, 0, 2):
            assert not lines.is_several(json.dumps(value, indent=indent).encode())


SCRIPTS = {
    "JSONP": "cb123({data});",
    "JSONP behind a comment": "/**/ jQuery.cb_1({data})",
    "JSONP that asks first": "typeof cb === 'function' && cb({data});",
    "a variable": "var data = {data};",
    "a constant": "const DATA={data}\n",
    "a member": "window.__STATE__ = {data};",
    "a member by name": 'window["x-y"].z = {data} ;\n',
    "a module": "export default {data};",
}


@pytest.mark.parametrize("form", SCRIPTS.values(), ids=SCRIPTS)
@pytest.mark.parametrize("inner", [{"rows": ROWS}, ROWS], ids=["object", "list"])
@pytest.mark.parametrize("kind", ["application/javascript", "text/plain"])
def test_json_in_a_script_is_read(mirror, form, inner, kind):
    text = form.replace("{data}", json.dumps(inner, ensure_ascii=False, indent=1))
    assert mirror.add(raw(text.encode(), kind)) == as_stored(ROWS)


@pytest.mark.parametrize(
    "text", ["cb([1]", "f(1, [2])", "a == [1]", "hello, {x}", "[1]", '{"a": 1}', "if (x) {y}", "a = [1] + b"]
)
def test_other_texts_are_no_script_with_json(text):
    assert script.data(text.encode()) is None


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize(
    ("form", "kind"),
    [("[{}]", "application/json"), ('{{"items": [{}]}}', "application/json"), ("{}", "application/x-ndjson")],
)
def test_what_is_no_number_becomes_null_and_is_told(mirror, number, form, kind):
    joint = "\n" if kind.endswith("ndjson") else ","
    text = form.format(
        joint.join(f'{{"id": {n}, "v": {number if n == 3 else n}.0}}'.replace(f"{number}.0", number) for n in range(9))
    )
    rows = mirror.add(raw(text.encode(), kind))
    assert [row["v"] for row in rows] == [None if n == 3 else n for n in range(9)]
    for warnings in (mirror.report.warnings, mirror.preview.warnings):
        assert sum("NaN" in str(warning) for warning in warnings) == 1
    mirror.add(raw(text.replace(number, "3.0").encode(), kind))
    assert not any("NaN" in str(warning) for warning in mirror.report.warnings)


ERRORS = ['{"error": "timeout while streaming"}', '{"errors": [{"message": "timeout while streaming"}], "line": 30}']


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("joint", ["\n", ""])
def test_an_error_in_the_place_of_the_last_line_fails_the_run_in_the_servers_words(mirror, error, joint, monkeypatch):
    monkeypatch.setattr("trayapp.sync.http.retry.backoff", lambda *_: 0.0, raising=False)
    text, kind = joint.join(LINES), "application/x-ndjson"
    mirror.add(raw(text.encode(), kind))
    mirror.api.route("/items", raw(f"{joint.join(LINES[:20])}{joint}{error}\n".encode(), kind))
    assert mirror.run(mirror.preview.endpoint) is None
    assert "timeout while streaming" in str(mirror.report.problem.cause)
    assert mirror.rows() == as_stored(ROWS)
    with pytest.raises(UserError, match="timeout while streaming"):
        mirror.add(raw(f"{text}{joint}{error}".encode(), kind))


@pytest.mark.parametrize(
    "records",
    [
        [{"id": 1, "error": None}, {"id": 2, "error": "broken"}],
        [{"id": 1, "name": "a"}, {"id": 2, "name": "b", "errors": 3}],
        [{"error": "a"}, {"error": "b"}],
    ],
    ids=["all have one", "a record with one more", "a log of errors"],
)
def test_records_about_errors_are_records(mirror, records):
    body = "\n".join(map(json.dumps, records)).encode()
    assert mirror.sync(raw(body, "application/x-ndjson")) == as_stored(records)


def test_a_page_of_json_stays_json(mirror):
    mirror.add(json_reply({"items": ROWS}))
    assert mirror.preview.endpoint.response.format == "auto"
