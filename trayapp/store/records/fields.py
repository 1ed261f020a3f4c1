"""Raw records (bytes of JSON objects) as fields with their kinds."""

import json
import math
from collections.abc import Sequence
from typing import Any

import msgspec

from trayapp.messages import say
from trayapp.store.errors import StoreError
from trayapp.store.records.values import Kind, SqlValue, classify

Fields = dict[str, tuple[Kind, SqlValue]]

_page = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_record = msgspec.json.Decoder(dict[str, msgspec.Raw])


def decode_records(records: Sequence[bytes]) -> list[Fields]:
    """Each record's fields, in their order. Raises StoreError for what is no object."""
    try:
        decoded = _page.decode(b"[" + b",".join(records) + b"]")
        return [{name: classify(bytes(raw)) for name, raw in record.items()} for record in decoded]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return [_lenient(record) for record in records]


def _lenient(record: bytes) -> Fields:
    """What msgspec refuses but servers send: NaN (becomes null) and lone surrogates (become U+FFFD)."""
    try:
        return {name: classify(bytes(raw)) for name, raw in _record.decode(record).items()}
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        value = json.loads(record)
    except UnicodeDecodeError as error:
        raise StoreError(
            say("The response's encoding is wrong"),
            say("A record is not valid UTF-8: “{record}”.", record=record[max(0, error.start - 20) : error.end]),
            say(
                "Set response.encoding to what the text is written in, for example windows-1252, windows-1251 or cp932."
            ),
        ) from error
    except (ValueError, RecursionError) as error:
        raise StoreError(
            say("A record can't be read"),
            say("The server sent “{record}”, which is not valid JSON.", record=record[:40]),
        ) from error
    if not isinstance(value, dict):
        raise StoreError(
            say("A record can't be read"),
            say("The server sent “{record}” where an object is expected.", record=record[:40]),
        )
    clean = json.dumps(_clean(value), ensure_ascii=False).encode()
    return {name: classify(bytes(raw)) for name, raw in _record.decode(clean).items()}


def _clean(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(name): _clean(item) for name, item in value.items()}
    return value
