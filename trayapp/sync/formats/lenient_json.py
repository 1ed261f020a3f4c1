"""JSON as servers send it, which is not always as strict as RFC 8259 has it."""

import json
from collections.abc import Callable
from typing import Any

import msgspec

from trayapp.store.records.values import is_exact
from trayapp.sync.formats.faults import no_json, too_deep, unreadable

OUTLINED = 100
"""Items of a list by which it is told what kind of list it is."""

_MOST_DIGITS = 40
"""Of an integer: what is longer is text in the table."""

_raw_list = msgspec.json.Decoder(list[msgspec.Raw])


def parse(text: bytes, url: str) -> Any:
    """The whole body as Python values. Raises SyncError when it is no JSON; NaN and lone surrogates are let through.

    Numbers that Python has no value for (`1e400`, thousands of digits) are texts, as they are in the table.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _read(text, url, error, exact_float, _exact_integer)
    except RecursionError:
        raise too_deep(url) from None


def value_of(text: bytes) -> Any:
    """One value within a body, as `parse` has it; None for what is no JSON."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    except RecursionError:
        return None
    try:
        return _lenient(text, exact_float, _exact_integer)
    except (ValueError, RecursionError):
        return None


def outline(text: bytes, url: str) -> Any:
    """As `parse`, but of a list only the first items: enough to tell what kind of answer it is."""
    if text[:1] != b"[":
        return parse(text, url)
    try:
        return [msgspec.json.decode(item) for item in _raw_list.decode(text)[:OUTLINED]]
    except (msgspec.DecodeError, RecursionError):
        return parse(text, url)


def mended(text: bytes, url: str, error: Exception) -> tuple[bytes, int]:
    """Strict JSON from what the strict parser refused with that error, but servers send; how many NaN were in it.

    NaN and Infinity become null, lone surrogates U+FFFD; numbers stay as they are written. Raises SyncError when it is
    no JSON at all.
    """
    constants: list[str] = []
    return msgspec.json.encode(_read(text, url, error, _token, _token, constants.append)), len(constants)


def _read(
    text: bytes,
    url: str,
    error: Exception,
    real: Callable[[str], Any],
    integer: Callable[[str], Any],
    constant: Callable[[str], None] = lambda _: None,
) -> Any:
    try:
        return _lenient(text, real, integer, constant)
    except RecursionError:
        raise too_deep(url) from None
    except UnicodeDecodeError:
        raise unreadable(url, "UTF-8") from None
    except ValueError:
        raise no_json(text, url, error) from None


def _lenient(
    text: bytes,
    real: Callable[[str], Any],
    integer: Callable[[str], Any],
    constant: Callable[[str], None] = lambda _: None,
) -> Any:
    return _clean(json.loads(text.decode(), parse_constant=constant, parse_float=real, parse_int=integer, strict=False))


def exact_float(number: str) -> float | str:
    """A double where it holds the number exactly, else the number's digits: what the table would hold, too."""
    real = float(number)
    return real if is_exact(number, real) else number


def _exact_integer(number: str) -> int | str:
    return int(number) if len(number) <= _MOST_DIGITS else number


def _token(number: str) -> msgspec.Raw:
    return msgspec.Raw(number.encode())


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(name): _clean(item) for name, item in value.items()}
    return value
