"""A secret with the destinations it may be sent to, in a keyring.

The secret is the entry ID/FIELD, as it is, for people and other tools. Beside it ID/FIELD/for has its destinations: a
JSON object from the secret's SHA-256 to them. A secret that another tool put there, or that a crash left, has none.
"""

import hashlib
from typing import TYPE_CHECKING

import msgspec

from trayapp.desktop.secrets import parts

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend


class Kept(msgspec.Struct, frozen=True):
    """A stored secret, and the destinations that a person gave it for; None where it has no entry of them."""

    value: str
    to: frozenset[str] | None

    def __repr__(self) -> str:
        return f"Kept(…, {self.to!r})"


def read(keyring: "KeyringBackend", username: str) -> Kept | None:
    """The secret of that name; None where there is none."""
    value = parts.read(keyring, username)
    if value is None:
        return None
    given = _destinations(keyring, username)
    return Kept(value, None if given is None else frozenset(given.get(_digest(value), ())))


def write(keyring: "KeyringBackend", username: str, kept: Kept, limit: int | None) -> None:
    """Replace the secret of that name; `limit` is the longest entry, in characters.

    The destinations are written first, together with those of the secret that is still there: whichever of the two
    secrets a crash leaves, it has its own.
    """
    old = parts.read(keyring, username)
    given = _destinations(keyring, username) or {}
    still = {} if old is None or _digest(old) not in given else {_digest(old): given[_digest(old)]}
    both = msgspec.json.encode({**still, _digest(kept.value): sorted(kept.to or ())}).decode()
    parts.write(keyring, _for(username), both, limit)
    parts.write(keyring, username, kept.value, limit)


def delete(keyring: "KeyringBackend", username: str) -> bool:
    """Delete the secret of that name and its destinations; False where there was none."""
    was_there = parts.delete(keyring, username)
    parts.delete(keyring, _for(username))
    return was_there


def _destinations(keyring: "KeyringBackend", username: str) -> dict[str, list[str]] | None:
    """By the secret's digest; None where there is no such entry, empty where it can't be read."""
    text = parts.read(keyring, _for(username))
    try:
        return None if text is None else msgspec.json.decode(text, type=dict[str, list[str]])
    except msgspec.DecodeError:
        return {}


def _for(username: str) -> str:
    return f"{username}/for"


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
