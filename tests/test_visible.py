import json
import tomllib

import pytest
import tomlkit
from hypothesis import example, given
from hypothesis import strategies as st

from tests.hostile import ACTING, ESCAPES, MARKUP, acting
from trayapp.visible import breakable, elided, escaped, shortened, unmarked, visible

ANY = st.text(st.characters(codec=None, categories=None) | st.sampled_from(sorted(ACTING)) | st.sampled_from("\n \t<"))
WRITABLE = sorted(ACTING - set(map(chr, range(0xD800, 0xE000))))
ENCODABLE = st.text(st.characters(codec="utf-8") | st.sampled_from(WRITABLE))


@given(ANY)
@example(ESCAPES)
@example("".join(sorted(ACTING)))
def test_nothing_is_left_that_would_be_obeyed(text):
    assert acting(visible(text)) == set()
    assert acting(elided(text, 40), "") == set()
    assert acting(shortened(text, 40, 3)) == set()
    visible(text).encode()  # nor what can't be written anywhere


@given(ANY)
def test_of_what_is_drawn_nothing_is_lost(text):
    shown = iter(visible(text))
    assert all(char in shown for char in text if char not in ACTING), "in the same order"


def test_every_acting_character_leaves_a_sign():
    for char in ACTING - set("\t\n"):
        assert visible(f"a{char}b") not in ("ab", f"a{char}b"), hex(ord(char))
    assert visible("a\r\nb\tc") == "a\nb c"
    assert visible("\x1b[2J") == "␛[2J"


@pytest.mark.parametrize("text", ["Zürich – 東京 😀", "می\u200cخواهم", "👩\u200d🚀", "e\u0301", "a\u00a0b"])
def test_what_people_write_stays_as_it_is(text):
    assert visible(text) == text


@given(ANY, st.integers(2, 60))
def test_elided_is_one_line_of_that_length(text, length):
    line = elided(text, length)
    assert len(line) <= length
    assert len(line.splitlines()) <= 1
    if len(text) <= length and text == " ".join(text.split()):
        assert line == visible(text)


@given(ANY, st.integers(2, 60), st.integers(1, 5))
def test_what_is_shortened_says_so(text, length, lines):
    short = shortened(text, length, lines)
    assert len(short) <= length
    assert short.count("\n") < lines
    assert short == visible(text) or short.endswith("…") or "\r\n" in text


@pytest.mark.parametrize("text", ["x" * 20_000, "<" * 20_000, "\x1b" * 20_000, "word " * 4000, "a\n" * 10_000])
def test_long_texts_get_an_end_and_places_to_break(text):
    short = breakable(shortened(text))
    assert len(short) <= 1000 * 81 / 80
    assert short.endswith("…")
    assert short.count("\n") < 24
    assert max(map(len, short.replace("\u200b", " ").split())) <= 81


def test_addresses_and_sentences_are_not_broken():
    for text in ("https://api.example.com/repos/some-owner/some-repository/issues?per_page=100", "word " * 100):
        assert breakable(text) == text


@given(ANY)
@example(MARKUP)
def test_unmarked_text_has_no_tags(text):
    assert "<" not in unmarked(text)


@given(st.recursive(ENCODABLE, lambda inner: st.dictionaries(ENCODABLE, inner, max_size=3), max_leaves=5))
@example({ESCAPES: ESCAPES})
def test_escaped_json_is_visible_and_means_the_same(document):
    text = escaped(json.dumps(document, ensure_ascii=False, indent=2))
    assert acting(text) == set()
    assert json.loads(text) == document


@given(st.dictionaries(ENCODABLE, ENCODABLE, max_size=3))
@example({ESCAPES: ESCAPES})
def test_escaped_toml_is_visible_and_means_the_same(document):
    text = escaped(tomlkit.dumps(document))
    assert acting(text) == set()
    assert tomllib.loads(text) == document
