"""Secrets that can be found again: each a mark that is there nowhere else, told by the field it was given in."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
_HEAD, _TAIL = "k9MARK", "KRAM9k"
"""How all marks begin and end: content with neither holds none."""
_WINDOW = 12
"""Characters of a mark's head or tail that are looked for: half a secret is one, too."""
ODD = '"&/+=% <'
"""Characters that JSON, HTML, queries and addresses write in another way."""


class Leak(NamedTuple):
    """A mark that was found: what it was, where, and how it was written there."""

    secret: str
    place: str
    spelling: str

    def __str__(self) -> str:
        return f"{self.secret} in {self.place} ({self.spelling})"


class Marks:
    """The marks of a journey by what they are, such as "bearer, add". Each call with a new name makes one."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._by_name: dict[str, str] = {}

    def __call__(self, name: str, odd: str = ODD) -> str:
        """The mark of that name; `odd` stands in its middle."""
        if name not in self._by_name:
            digest = hashlib.sha512(f"{self._seed} {name}".encode()).digest()
            letters = "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest)
            self._by_name[name] = f"{_HEAD}{letters[:12]}{odd}{letters[12:24]}{_TAIL}"
            self.__dict__.pop("_needles", None)
        return self._by_name[name]

    @property
    def names(self) -> Mapping[str, str]:
        return self._by_name

    def leaks(self, place: str, content: bytes) -> Iterator[Leak]:
        """Every mark in the content, each once, in whatever encoding. Case counts only in Base64."""
        as_is, folded = content, content.lower()
        if not any(needle in (as_is if spelling == "base64" else folded) for spelling, needle in _ANY):
            return
        for name, spellings in self._needles.items():
            for spelling, needles in spellings.items():
                within = as_is if spelling == "base64" else folded
                if any(needle in within for needle in needles):
                    yield Leak(name, place, spelling)
                    break

    @cached_property
    def _needles(self) -> dict[str, dict[str, list[bytes]]]:
        # Head and tail have only letters and digits: JSON, HTML and queries leave them as they are.
        parts = {name: [mark[:_WINDOW].encode(), mark[-_WINDOW:].encode()] for name, mark in self._by_name.items()}
        return {name: _spelled(each) for name, each in parts.items()}


def _spelled(parts: list[bytes]) -> dict[str, list[bytes]]:
    low = [part.lower() for part in parts]
    return {
        "as it is": low,
        "UTF-16": [part.decode().encode(order) for part in low for order in ("utf-16-le", "utf-16-be")],
        "hexadecimal": [part.hex().encode() for part in parts],
        "percent-encoded": ["".join(f"%{byte:02x}" for byte in part).encode() for part in parts],
        "JSON-escaped": ["".join(f"\\u{byte:04x}" for byte in part).encode() for part in parts],
        "base64": [coded for part in parts for coded in _base64(part)],
    }


def _base64(part: bytes) -> Iterator[bytes]:
    """The digits that stand for nothing but the part, behind 0, 1 or 2 other bytes."""
    for before in range(3):
        coded = base64.b64encode(bytes(before) + part)
        begin, after = (0, 2, 3)[before], (before + len(part)) % 3
        whole = len(coded) - (0, 4, 4)[after]
        yield coded[begin : whole + (0, 1, 2)[after]]


_ANY = [
    (spelling, needle) for spelling, needles in _spelled([_HEAD.encode(), _TAIL.encode()]).items() for needle in needles
]
