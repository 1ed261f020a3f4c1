"""Secrets taken out of texts, however a server or a library wrote them there. Nothing but the standard library."""

import base64
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

SHORTEST = 4
"""Characters. What is shorter is guessed in no time and part of many words: it is hidden only where it is a value, that
is behind an equals sign, a colon or an opening quote, and not within a word."""

_LAYERS = 4
"""So many encodings may lie over each other: JSON in a query in HTML, a query in a query."""

_MARGIN = 4096
"""Characters: no secret is longer in any of its spellings, but for long ones that are encoded several times."""

_CODED = re.compile(
    rb"%([0-9a-f]{2})"
    rb"|\\(?:u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})|u([0-9a-f]{4})|x([0-9a-f]{2})|(\\)|)"
    rb"|&(#[0-9]{1,7}|#x[0-9a-f]{1,6}|amp|lt|gt|quot|apos);"
)
_NAMED = {b"amp": b"&", b"lt": b"<", b"gt": b">", b"quot": b'"', b"apos": b"'"}
# In queries a plus is a space; servers change the case of what they repeat.
_ALIKE = bytes.maketrans(b"+ABCDEFGHIJKLMNOPQRSTUVWXYZ", b" abcdefghijklmnopqrstuvwxyz")


def scrubbed(text: str, secrets: Iterable[str], blot: str = "…") -> str:
    """The text with each of the secrets replaced by `blot`, in time linear to the text's length.

    A secret is found with any of its characters percent-encoded (twice, too), escaped as in JSON or HTML, with a plus
    for a space, in any case, and as a whole in hexadecimal digits or Base64, with other things around it, too.
    """
    needles = {needle for secret in secrets for needle in _needles(secret)}
    if not needles or not text:
        return text
    found: list[tuple[int, int]] = []
    raw = text.encode("utf-8", "surrogatepass")
    seen = raw.translate(_ALIKE)
    starts: list[int] | None = None
    for _ in range(_LAYERS + 1):
        for needle, is_short in needles:
            for start in _places(seen, needle, is_short):
                end = start + len(needle)
                found.append((start, end) if starts is None else (starts[start], starts[end]))
        if _CODED.search(seen) is None:
            break
        seen, starts = _decoded(seen, starts)
    return _blotted(raw, found, blot.encode()) if found else text


def hidden_start(text: str, length: int, hide: Callable[[str], str]) -> str:
    """The first `length` characters, at most, of the text without secrets. `hide` sees little more than these.

    What is cut off is thrown away with a margin: half a secret would not be known for one.
    """
    seen = hide(text[: length + _MARGIN])
    return (seen if len(text) <= length + _MARGIN else seen[:-_MARGIN])[:length]


@lru_cache(maxsize=256)
def _needles(secret: str) -> frozenset[tuple[bytes, bool]]:
    """What to look for, and whether it is short: the secret as it is, and with what looks encoded in it undone."""
    found = set()
    for cased in {secret, secret.lower(), secret.upper()}:
        plain = cased.encode("utf-8", "surrogatepass").translate(_ALIKE)
        for _ in range(_LAYERS + 1):
            found.add(plain)
            plain, _ = _decoded(plain, None)
    raw = secret.encode("utf-8", "surrogatepass")
    if len(raw) >= SHORTEST:
        found |= {packed.encode().translate(_ALIKE) for packed in _packed(raw)}
    return frozenset((needle, min(len(secret), len(needle)) < SHORTEST) for needle in found if needle)


def _packed(secret: bytes) -> Iterator[str]:
    """The secret in hexadecimal digits, and in Base64 (RFC 4648, both alphabets) behind 0, 1 or 2 other bytes.

    What a digit shares with its neighbours is left out.
    """
    yield secret.hex()
    alone = base64.b64encode(secret).decode()
    yield alone
    yield alone.rstrip("=")
    for before in range(3):
        after = -(before + len(secret)) % 3
        coded = base64.b64encode(bytes(before) + secret + bytes(after)).decode()
        begin, end = (0, 2, 3)[before], len(coded) - (0, 2, 3)[after]
        # The two digits 62 and 63 differ between the alphabets.
        yield coded[begin:end]
        yield coded[begin:end].replace("+", "-").replace("/", "_")


def _decoded(text: bytes, starts: list[int] | None) -> tuple[bytes, list[int]]:
    """One layer of encodings undone, and for each byte (and the end) where in the very first text it began."""
    pieces: list[bytes] = []
    at: list[int] = []
    done = 0
    for match in _CODED.finditer(text):
        meaning = _meaning(match)
        begin, end = match.span()
        pieces += (text[done:begin], meaning)
        at += range(done, begin) if starts is None else starts[done:begin]
        at += [begin if starts is None else starts[begin]] * len(meaning)
        done = end
    pieces.append(text[done:])
    at += range(done, len(text) + 1) if starts is None else starts[done:]
    return b"".join(pieces).translate(_ALIKE), at


def _meaning(match: re.Match[bytes]) -> bytes:
    percent, high, low, unit, byte, backslash, entity = match.groups()
    if percent or byte:
        return bytes([int(percent or byte, 16)])
    if high:
        return chr(0x10000 + ((int(high, 16) & 0x3FF) << 10) + (int(low, 16) & 0x3FF)).encode()
    if unit:
        return chr(int(unit, 16)).encode("utf-8", "surrogatepass")
    if entity is None:
        return backslash or b""  # before anything else, it only says to take that as it is
    if entity in _NAMED:
        return _NAMED[entity]
    number = int(entity[2:], 16) if entity[1:2] == b"x" else int(entity[1:])
    return chr(min(number, 0x10FFFF)).encode("utf-8", "surrogatepass")


def _places(text: bytes, needle: bytes, is_short: bool) -> Iterator[int]:
    start = text.find(needle)
    while start >= 0:
        if not is_short or _is_value(text, start, start + len(needle)):
            yield start
        start = text.find(needle, start + 1)


def _is_value(text: bytes, start: int, end: int) -> bool:
    before, after = text[max(0, start - 2) : start], text[end : end + 1]
    is_behind = before.endswith((b"=", b":", b'"', b"'", b"= ", b": "))
    return is_behind and not (after.isalnum() or after == b"_" or after >= b"\x80")


def _blotted(raw: bytes, found: list[tuple[int, int]], blot: bytes) -> str:
    pieces: list[bytes] = []
    done = 0
    for begin, end in sorted(found):
        start = begin
        while 0x80 <= raw[start] < 0xC0:  # what looks encoded in a secret need not be whole characters
            start -= 1
        while start > done and raw[start - 1] == ord("\\"):  # the escape of the first character
            start -= 1
        if start > done or not pieces:
            pieces += (raw[done:start], blot)
        done = max(done, end)
        while done < len(raw) and 0x80 <= raw[done] < 0xC0:
            done += 1
    pieces.append(raw[done:])
    return b"".join(pieces).decode("utf-8", "surrogatepass")
