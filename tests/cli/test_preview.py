"""What a preview found, and overruling it part by part."""

import pytest

from tests.server import Guarded, Listing, bearer, raw

CELLS = "id;näme;x,y\r\n1;a;1,2\r\n2;b;3,4\r\n".encode("cp1252")
RECORDS = [{"id": n} for n in range(23)]


@pytest.mark.parametrize("known", [False, True], ids=["URL", "ID"])
def test_each_part_can_be_overruled(cli, api, known):
    target = api.route("/cells", raw(CELLS, "text/csv"))
    if known:
        cli("add", target, "--id", "cells", "--yes")
        target = "cells"
    found = cli.json("preview", target)
    assert found["format"] == {"kind": "csv", "encoding": "cp1252", "delimiter": ";"}
    assert [column["name"] for column in found["columns"]] == ["id", "näme", "x,y"]
    assert "Format:  csv with ;, cp1252" in cli("preview", target).out
    changes = ("response.delimiter=,", "response.encoding=cp1251", 'table.key=["y"]', "pages.kind=none")
    other = cli.json("preview", target, *(word for change in changes for word in ("--set", change)))
    assert other["format"] == {"kind": "csv", "encoding": "cp1251", "delimiter": ","}
    assert [column["name"] for column in other["columns"]] == ["id;nдme;x", "y"]
    assert (other["key"], other["pages"]["proof"]) == (["y"], "The settings say that there is only one page.")
    assert len(other["requests"]) == 1


def test_what_was_overruled_is_kept_by_add_and_followed_by_sync(cli, api):
    url = api.route("/cells", raw(CELLS, "text/csv"))
    cli("add", url, "--id", "cells", "--set", "response.delimiter=,", "--yes")
    assert 'delimiter = ","' in cli("export", "cells").out
    cli("sync")
    assert cli("query", "SELECT y FROM cells").out.split()[-2:] == ["2", "4"]


def test_a_url_is_asked_as_it_is_told(cli, api, monkeypatch):
    monkeypatch.setenv("ITEMS_SECRET", "s3cret")
    url = api.route("/api/items", Guarded(bearer("s3cret"), Listing(RECORDS, pages="link")))
    assert "error" in cli.json("preview", url, code=1)
    options = ("--auth", "bearer", "--secret-env", "ITEMS_SECRET", "--header", "X-Team: blue", "--param", "a=1")
    assert cli.json("preview", url, *options)["records"]["count"] == 10
    assert (api.requests[-1].headers["X-Team"], api.requests[-1].param("a")) == ("blue", "1")


def test_an_endpoint_has_its_request_in_its_settings(cli, api):
    cli("add", api.route("/api/items", Listing(RECORDS, pages="link")), "--id", "items", "--yes")
    assert "--param is for a URL" in cli("preview", "items", "--param", "a=1", code=2).err


@pytest.mark.parametrize(
    ("body", "kind", "found"),
    [
        (b'{"id": 1}\n{"id": 2}\n', "application/x-ndjson", {"kind": "ndjson", "encoding": "utf-8"}),
        ('[{"id": 1}]'.encode("utf-16"), "application/json", {"kind": "json", "encoding": "utf-16"}),
        (b"id\tn\n1\t2\n", "text/tab-separated-values", {"kind": "csv", "encoding": "utf-8", "delimiter": "\t"}),
        (b"sep=|\nid|a,b\n1|2,3\n", "text/csv", {"kind": "csv", "encoding": "utf-8", "delimiter": "|"}),
        (
            b'<?xml version="1.0" encoding="latin-1"?><a><b id="1"/><b id="2"/></a>',
            "text/xml",
            {"kind": "xml", "encoding": "iso8859-1"},
        ),
    ],
)
def test_the_format_is_named(cli, api, body, kind, found):
    assert cli.json("preview", api.route("/x", raw(body, kind)))["format"] == found
