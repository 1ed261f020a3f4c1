"""JSON as servers send it, which is not always as strict as RFC 8259 has it."""

import json
from typing import Any

import msgspec

from trayapp.sync.formats.faults import no_json, too_deep, unreadable

OUTLINED = 100
"""Items of a list by which it is told what kind of list it is."""

_raw_list = msgspec.json.Decoder(list[msgspec.Raw])


def parse(text: bytes, url: str) -> Any:
    """The whole body as Python values. Raises SyncError when it is no JSON; NaN and lone surrogates are let through."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return msgspec.json.decode(mended(text, url, error))
    except RecursionError:
        raise too_deep(url) from None


def outline(text: bytes, url: str) -> Any:
    """As `parse`, but of a list only the first items: enough to tell what kind of answer it is."""
    if text[:1] != b"[":
        return parse(text, url)
    try:
        return [msgspec.json.decode(item) for item in _raw_list.decode(text)[:OUTLINED]]
    except (msgspec.DecodeError, RecursionError):
        return parse(text, url)


def mended(text: bytes, url: str, error: Exception) -> bytes:
    """Strict JSON from what the strict parser refused with that error, but servers send.

    NaN and Infinity become null, lone surrogates U+FFFD; numbers stay as they are written. Raises SyncError when it is
    no JSON at all.
    """
    try:
        value = json.loads(
            text.decode(), parse_constant=lambda _: None, parse_float=_token, parse_int=_token, strict=False
        )
        return msgspec.json.encode(_clean(value))
    except RecursionError:
        raise too_deep(url) from None
    except UnicodeDecodeError:
        raise unreadable(url, "UTF-8") from None
    except ValueError:
        raise no_json(text, url, error) from None


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
