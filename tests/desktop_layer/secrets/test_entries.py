"""What a keyring holds of a secret and its destinations."""

import hashlib
import json
from collections.abc import Iterator

import pytest

from tests.memory_keyring import MemoryKeyring
from trayapp.desktop.secrets import entries
from trayapp.desktop.secrets.entries import Kept
from trayapp.desktop.secrets.parts import SERVICE

HERE = frozenset({"https://a.example"})


@pytest.fixture
def keyring() -> Iterator[MemoryKeyring]:
    MemoryKeyring.reset()
    yield MemoryKeyring()
    MemoryKeyring.reset()


def test_only_the_last_secret_and_the_one_before_have_destinations(keyring: MemoryKeyring) -> None:
    for value in ("one", "two", "three"):
        entries.write(keyring, "a/secret", Kept(value, HERE), None)
    digests = {hashlib.sha256(value.encode()).hexdigest() for value in ("two", "three")}
    assert json.loads(MemoryKeyring.kept[SERVICE, "a/secret/for"]) == {key: [*HERE] for key in digests}
    MemoryKeyring.kept[SERVICE, "a/secret"] = "one"
    assert entries.read(keyring, "a/secret") == Kept("one", frozenset())


@pytest.mark.parametrize("garbled", ["", "[]", "{", '{"x": 1}', "null", "{}"])
def test_what_can_t_be_read_is_not_the_same_as_never_said(keyring: MemoryKeyring, garbled: str) -> None:
    """What was never said is taken as allowed once, after an update."""
    MemoryKeyring.kept[SERVICE, "a/secret"] = "one"
    assert entries.read(keyring, "a/secret") == Kept("one", None)
    MemoryKeyring.kept[SERVICE, "a/secret/for"] = garbled
    assert entries.read(keyring, "a/secret") == Kept("one", frozenset())
