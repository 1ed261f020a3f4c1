"""Answers that are meant to exhaust memory or processor: refused in words, before they do."""

import pytest

from tests import bombs
from tests.server import ApiServer

pytestmark = [pytest.mark.slow, pytest.mark.measures]

MOST = 250
"""MiB of a whole process, about 50 of them before it asks for anything."""


def refused(figures):
    """It ended as a failed run does, and said why."""
    assert figures.code == 1, figures.said
    assert "Traceback" not in figures.said, figures.said
    assert "MemoryError" not in figures.said
    return True


NAMES = [
    "gzip", "zstd", "br", "gzip, br, zstd", "zip", ".gz in gzip", "gzip of csv", "string", "never a record", "no data",
    "csv, quoted cell", "csv, quoted line", "csv, quoted cells", "csv, line", "ndjson, line",
    "later record of braces", "after the records", "xml, text",
    "deep json", "xml, entities", "error page", "small gzip", "small zstd", "small gzip below the brake",
]  # fmt: skip
"""Of all bombs one of each kind."""


@pytest.mark.parametrize("name", NAMES)
def test_no_answer_takes_much_memory(home, name):
    with ApiServer() as api:
        (endpoint,) = bombs.configure(home, [api.route("/items", bombs.BOMBS[name]())])
        figures = bombs.run(home, "sync", endpoint)
    assert name in bombs.HARMLESS or refused(figures)
    assert figures.peak < (200 if name.startswith("small") else MOST)
    if name.startswith("small") and name not in bombs.HARMLESS:
        assert figures.cpu < bombs.ALLOWED_CPU, figures


@pytest.mark.parametrize("name", ["gzip", "csv, quoted cell"])
def test_a_preview_takes_no_more(home, name):
    with ApiServer() as api:
        figures = bombs.run(home, "preview", api.route("/items", bombs.BOMBS[name]()))
    assert refused(figures)
    assert figures.peak < MOST


@pytest.mark.parametrize(
    "kinds", [("gzip", "zstd", "br", "string"), ("csv, line", "later record", "ndjson, line", "xml, text")]
)
def test_nor_do_four_at_once(home, kinds):
    with ApiServer() as one, ApiServer() as other:
        servers = (one, one, other, other)  # of one server, two endpoints run at a time
        urls = [
            api.route(f"/{n}", bombs.BOMBS[kind]()) for n, (api, kind) in enumerate(zip(servers, kinds, strict=True))
        ]
        figures = bombs.run(home, "sync", *bombs.configure(home, urls))
    assert refused(figures)
    assert figures.peak < MOST
