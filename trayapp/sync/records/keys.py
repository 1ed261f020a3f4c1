"""Fields that tell records apart, or when they changed last, guessed from the records themselves. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from trayapp.endpoints.naming import slug
from trayapp.store.mirror.schema import HASH_KEY, ONLY_KEY
from trayapp.store.records.fields import Fields
from trayapp.sync import names
from trayapp.sync.records.single import id_of


def key_for(records: list[Fields], table: str, alone: bool = False) -> tuple[str, ...]:
    """The key to use for these records where the settings name none; one of ours when no field will do.

    alone: there is only one record, and there will never be another.
    """
    simple = plain(records)
    if alone and len(records) == 1:
        return (id_of(simple[0]) or ONLY_KEY,)
    return key_of(simple, table) or (HASH_KEY,)


def key_of(records: Sequence[Mapping[str, Any]], table: str) -> tuple[str, ...]:
    """The field, or two fields, that tell these records apart; () when there are none or nothing is unique.

    A usual name wins, then the first fitting field; only texts and integers, present and different in every record.
    """
    if not records:
        return ()
    singular = slug(table).removesuffix("s")
    preferred = (*names.KEYS[:1], f"{singular}_id", f"{singular}Id", f"{singular}_key", *names.KEYS[1:])
    fields = [name for name in records[0] if _identifies(records, (name,))]
    for name in preferred:
        if name in fields:
            return (name,)
    likely = [name for name in fields if names.OTHER_KEY.search(name)]
    if likely or (fields and len(records) > 1):
        return ((likely or fields)[0],)
    scalars = [name for name in records[0] if _always_scalar(records, name)][:12]
    for index, one in enumerate(scalars):
        for other in scalars[index + 1 :]:
            if len(records) > 1 and _identifies(records, (one, other)):
                return one, other
    return ()


def _always_scalar(records: Sequence[Mapping[str, Any]], name: str) -> bool:
    values = (record.get(name) for record in records)
    return all(isinstance(value, str | int) and not isinstance(value, bool) and value != "" for value in values)


def _identifies(records: Sequence[Mapping[str, Any]], fields: tuple[str, ...]) -> bool:
    if not all(_always_scalar(records, name) for name in fields):
        return False
    return len({tuple(record[name] for name in fields) for record in records}) == len(records)


def cursor_fields(records: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Fields that look like the time of the last change, which incremental runs could ask by."""
    if not records:
        return ()
    return tuple(name for name in records[0] if names.CHANGE_TIME.search(name) and _always_scalar(records, name))


def plain(records: list[Fields]) -> list[dict[str, object]]:
    """Only what can be part of a key or cursor: texts and integers as they are, else None."""
    return [
        {name: value if kind in ("text", "integer", "long") else None for name, (kind, value) in record.items()}
        for record in records
    ]
