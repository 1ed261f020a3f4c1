"""Sentences for people: filled, counted, enumerated, translated, and stored so that another language can have them."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayapp.messages import (
    NOTHING,
    Message,
    foreign,
    from_plain,
    listing,
    say,
    say_count,
    set_language,
    to_plain,
    tr,
    tr_count,
)


def test_places_are_filled_and_numbers_are_grouped() -> None:
    assert str(say("{table} has {count} rows", table="orders", count=1234567)) == "orders has 1,234,567 rows"
    assert tr("{a} {b}", a=0.5, b=-1200) == "0.5 -1,200"


def test_braces_in_foreign_words_stay() -> None:
    assert str(say("The server said: {text}", text="{oops} {0}")) == "The server said: {oops} {0}"
    assert str(foreign("100 % {of} it")) == "100 % {of} it"
    assert foreign("") == NOTHING
    assert str(NOTHING) == ""
    assert not NOTHING


@pytest.mark.parametrize(("count", "words"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1000, "1,000 rows")])
def test_one_and_many(count: int, words: str) -> None:
    assert (
        str(say_count("{count} row", "{count} rows", count)) == tr_count("{count} row", "{count} rows", count) == words
    )


@pytest.mark.parametrize(
    ("items", "words"), [((), ""), (("a",), "a"), (("a", "b"), "a and b"), (("a", "b", "c"), "a, b and c")]
)
def test_enumerations(items: tuple[str, ...], words: str) -> None:
    assert str(say("{items}", items=listing(items))) == words


def test_another_language_its_plurals_and_its_numbers(german: None) -> None:
    taken = say("The id {id} is taken", id="a")
    assert str(taken) == "Die Kennung a ist vergeben"
    assert taken.english() == "The id a is taken"
    assert str(say_count("{count} new", "{count} new", 1)) == "1 neuer"
    assert str(say("{all}", all=listing(("a", say_count("{count} new", "{count} new", 1200))))) == "a und 1.200 neue"
    assert str(say("not translated")) == "not translated"


def test_what_is_stored_is_read_in_the_language_of_today(german: None) -> None:
    stored = to_plain(say("{parts}", parts=(say_count("{count} new", "{count} new", 2),)))
    assert str(from_plain(stored)) == "2 neue"
    set_language("en")
    assert str(from_plain(stored)) == "2 new"


def test_a_language_without_a_catalogue_is_english(tmp_path: Path) -> None:
    set_language("fr", tmp_path)
    assert tr("{count} rows", count=1) == "1 rows"
    set_language("en")


words = st.text(max_size=20)


def inside(arguments: st.SearchStrategy) -> st.SearchStrategy:
    return st.builds(Message, st.just("<{x}>"), st.fixed_dictionaries({"x": arguments}), st.just(""))


arguments = st.recursive(
    words | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: inside(inner) | st.lists(words | inside(inner), max_size=3).map(tuple),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["x", "y", "count"]), arguments))
def test_every_message_comes_back_from_the_database_as_it_was(args: dict[str, object]) -> None:
    message = Message("".join(f"{{{name}}}" for name in args) or "-", args)  # type: ignore[arg-type]
    assert from_plain(json.loads(json.dumps(to_plain(message)))) == message
    assert str(message) == message.english()
