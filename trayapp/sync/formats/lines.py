"""NDJSON and its kin: JSON values one after another."""

import json
from typing import Any

import msgspec

from trayapp.sync.names import BESIDE_OBJECT, COMPLAINTS

_list = msgspec.json.Decoder(list[msgspec.Raw])
_SPACE = b" \t\r\n\x1e"


class BadLine(ValueError):
    """A line that is no JSON; `number` counts from 1, `last` tells whether it is the end of the text."""

    def __init__(self, number: int, start: bytes, last: bool) -> None:
        super().__init__(f"line {number}")
        self.number, self.start, self.last = number, start, last


_BOUNDARIES = (b"}{", b"} {", b"}\n{", b"}\r\n{", b"}\n\n{", b"\n},\n{", b"\n},\r\n{")
"""What is between two objects that follow each other, and in no JSON but within texts, or without indentation."""
_LOOKED_AT = 2**14


def is_several(text: bytes) -> bool:
    """Whether a text that begins with an object goes on with another one, as far as its beginning tells."""
    head = text[:_LOOKED_AT]
    if not any(map(head.__contains__, _BOUNDARIES)):
        return False
    characters = head.decode("utf-8", "replace")
    try:
        _, end = json.JSONDecoder().raw_decode(characters)
    except (ValueError, RecursionError):
        return False
    return characters[end:].lstrip(" \t\r\n,").startswith("{")


def is_lines(text: bytes) -> bool:
    """Whether the text's first line is a JSON object or list, and more follows."""
    end = text.find(b"\n")
    line = text[: max(end, 0)].strip(_SPACE).removesuffix(b",")
    if line[:1] not in (b"{", b"[") or line[-1:] not in (b"}", b"]") or not text[end : end + 1000].strip(_SPACE):
        return False
    try:
        msgspec.json.decode(line, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def to_json(text: bytes) -> bytes:
    """The values as one JSON list, each as it was sent. Raises BadLine.

    One per line, also separated as in RFC 7464 (JSON text sequences), by commas or by nothing at all; blank lines
    count for nothing.
    """
    lines = [line for line in (line.strip(_SPACE).removesuffix(b",") for line in text.split(b"\n")) if line]
    joined = b"[" + b",\n".join(lines) + b"]"
    try:
        _list.decode(joined)
    except (msgspec.DecodeError, RecursionError):
        return _one_by_one(text)
    return joined


def _one_by_one(text: bytes) -> bytes:
    """The slow way, for values that spread over lines or share one, and for what only `json` reads (NaN)."""
    characters = text.decode("utf-8", "surrogateescape").replace("\x1e", " ")
    decoder = json.JSONDecoder()
    found: list[str] = []
    position = 0
    while True:
        while position < len(characters) and characters[position] in " \t\r\n,":
            position += 1
        if position == len(characters):
            break
        try:
            _, end = decoder.raw_decode(characters, position)
        except ValueError as error:
            number = characters.count("\n", 0, position) + 1
            # Cut off in the middle: what is wrong stands at the very end of the text.
            at_end = getattr(error, "pos", 0) >= len(characters.rstrip()) or "Unterminated" in str(error)
            start = characters[position : position + 2000].encode("utf-8", "surrogateescape")
            raise BadLine(number, start, at_end) from None
        found.append(characters[position:end])
        position = end
    return ("[" + ",\n".join(found) + "]").encode("utf-8", "surrogateescape")


def complaint(values: bytes) -> bytes | None:
    """The last of the values that `to_json` gave where it is no record, but an error that ended the others."""
    tail = values[-_LONGEST_COMPLAINT:]
    if not any(name in tail for name in _COMPLAINTS):
        return None
    *others, last = map(bytes, _list.decode(values))
    if not last.startswith(b"{") or len(last) > _LONGEST_COMPLAINT:
        return None
    said, first = _members(last), _members(others[0]) if others else {}
    given = [name for name in said.keys() & COMPLAINTS if said[name]]
    is_alike = said.keys() & first.keys() and said.keys() - COMPLAINTS - BESIDE_OBJECT
    if not given or is_alike or (not others and said.keys() - COMPLAINTS - BESIDE_OBJECT):
        return None
    return None if any(f'"{name}"'.encode() in other for other in others for name in given) else last


def _members(value: bytes) -> dict[str, Any]:
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


_LONGEST_COMPLAINT = 4096
_COMPLAINTS = tuple(f'"{name}"'.encode() for name in sorted(COMPLAINTS))
