"""What others write comes in as an error with words at worst, and in time: what was found, and a search for more."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.engine import CORPUS, KINDS, WORDS, Edit, corpus, edited, fault
from tests.fuzz.targets import TARGETS

SECONDS = 1.0
"""Of a search in one target: all of them together take less than a minute."""
REPEATED = 64_000
_UNITS = (
    b"9",
    b"a",
    b" ",
    b"\n",
    b'"',
    b"\\",
    b"[",
    b"{",
    b"<",
    b"<a>",
    b"&",
    b"%",
    b"=",
    b",",
    b";",
    b"a.",
    b"-",
    b"\xff",
)


def test_every_target_has_a_corpus():
    assert {folder.name for folder in CORPUS.iterdir()} == {*TARGETS}
    size = sum(file.stat().st_size for file in CORPUS.rglob("*") if file.is_file())
    assert size < 2_000_000


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_found_once_is_taken(name):
    saved = corpus(name)
    assert saved
    assert {file: found.place for file, data in saved.items() if (found := fault(name, data))} == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_long_inputs_are_taken_in_time(name):
    """Each small unit of 64 KB by itself, and in the middle of something that is well formed."""
    start = max(corpus(name).values(), key=len)
    for unit in _UNITS:
        repeated = unit * (REPEATED // len(unit))
        for data in (repeated, start[: len(start) // 2] + repeated):
            found = fault(name, data)
            assert found is None, (unit, found)


@pytest.mark.slow
@pytest.mark.parametrize(
    "header",
    [
        "Set-Cookie",
        "Content-Type",
        "Location",
        "Content-Encoding",
        "Transfer-Encoding",
        "Link",
        "Content-Length",
        "Date",
    ],
)
@pytest.mark.parametrize("start", [b"", b"a=b; expires=", b"a=b; Max-Age=", b"text/html; charset="])
def test_long_headers_are_taken_in_time(header, start):
    """Also by the libraries, which read some of them unasked."""
    for unit in _UNITS:
        if unit != b"\n":
            value = start + unit * (60_000 // len(unit))
            found = fault("answered", b"HTTP/1.1 200 OK\r\n%b: %b\r\n\r\n[]" % (header.encode(), value))
            assert found is None, (unit, found)


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_a_search_finds_nothing_new(name):
    seeds = list(corpus(name).values())
    words = st.sampled_from(WORDS) | st.binary(max_size=8) | st.sampled_from(seeds).map(lambda seed: seed[:30])
    kinds = st.integers(0, KINDS - 1).filter(lambda kind: kind != 6)  # what is long is tried above
    edit = st.builds(Edit, kinds, st.floats(0, 1), st.integers(0, 300), words)
    end = time.monotonic() + SECONDS

    @settings(max_examples=200, deadline=None, database=None)
    @given(st.sampled_from(seeds), st.lists(edit, min_size=1, max_size=6))
    def search(seed, edits):
        if time.monotonic() < end:
            found = fault(name, edited(seed, edits))
            assert found is None, found

    search()
