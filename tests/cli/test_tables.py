"""Tables that the command line makes of what an address gives, and the keys of their rows."""

import pytest

from tests.server import json_reply, raw

BANK = 'Konto:;"DE00 1234"\r\n\r\nTag;Wer;Betrag\r\n' + "".join(
    f"{n:02d}.02.2026;Łódź {n};-{n},50\r\n" for n in range(1, 6)
)


def test_a_banks_table_with_all_its_oddities(cli, api):
    url = api.route("/bank", raw(f"{BANK}\r\nSumme;;-17,50\r\n".encode("cp1250"), "text/csv"))
    found = cli("add", url, "--id", "bank", "--set", "table.types.Betrag=real", "--yes").out
    assert "1 line above" in found.replace("A line above", "1 line above")
    assert "Windows-1250" in found
    assert "Summe" in found
    cli("sync")
    rows = cli.json("query", "SELECT Wer, Betrag, typeof(Betrag) AS type FROM bank")["rows"]
    assert [tuple(row.values()) if isinstance(row, dict) else tuple(row) for row in rows] == [
        (f"Łódź {n}", -n - 0.5, "real") for n in range(1, 6)
    ]


@pytest.mark.parametrize("setting", ["response.header=none", "response.header=1", "response.skip=2"])
def test_where_the_header_is_can_be_set(cli, api, setting):
    cli("add", api.route("/t", raw(b"a,1\nb,2\nc,3\nd,4\n", "text/csv")), "--id", "t", "--set", setting, "--yes")
    assert setting.split("=")[1] in cli("show", "t").out
    cli("sync")
    rows = cli.json("query", "SELECT * FROM t")["rows"]
    assert len(rows) == {"response.header=none": 4, "response.header=1": 3, "response.skip=2": 2}[setting]


def test_a_guessed_key_is_not_saved_as_one_that_was_chosen(cli, api):
    records = [{"number": n if n < 40 else n - 40, "name": f"Town {n % 7}", "size": n % 90} for n in range(100)]

    def pages(seen):
        start = int(seen.param("from", "0"))
        more = {"Link": f'</t?from={start + 20}>; rel="next"'} if start < 80 else {}
        return json_reply(records[start : start + 20]).with_headers(**more)

    saved = cli.json("add", api.route("/t", pages), "--id", "t", "--yes")
    assert (saved["preview"]["key"], saved["endpoint"]["table"].get("key")) == (["number"], None)
    assert "100 new" in cli("sync").out
    assert "o changes" in cli("sync").out


@pytest.mark.parametrize(
    ("typed", "key"), [("name", ["name"]), ('"name"', ["name"]), ('["id", "name"]', ["id", "name"])]
)
def test_one_word_is_a_key_of_one_field(cli, api, typed, key):
    url = api.route("/t", json_reply([{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]))
    saved = cli.json("add", url, "--id", "t", "--set", f"table.key={typed}", "--yes")
    assert saved["endpoint"]["table"]["key"] == key
    cli("edit", "t", "--set", "tags=daily")
    assert 'tags = ["daily"]' in cli("show", "t").out
