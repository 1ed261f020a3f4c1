"""Fields that tell records apart, or when they changed last, guessed from the records themselves. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from trayapp.endpoints.naming import slug
from trayapp.store.mirror.schema import HASH_KEY, ONLY_KEY
from trayapp.store.records.fields import Fields
from trayapp.sync import names
from trayapp.sync.formats.sniff import Format
from trayapp.sync.records.single import id_of

_OF_ENTRIES = ("guid", "id", "link", "url")
"""What feeds identify their entries by, the surest first; titles are said again, and mended."""

_MOST_SHARED, _FEW = 0.05, 3
"""So large a share of records may have come in two forms, as some change while they are listed; or fewer than three."""


def key_for(
    records: list[Fields], table: str, alone: bool = False, format: Format | Literal["auto"] = "json"
) -> tuple[str, ...]:
    """The key to use for these records where the settings name none; one of ours when no field will do.

    alone: there is only one record, and there will never be another.
    """
    simple = plain(records)
    if alone and len(records) == 1:
        return (id_of(simple[0]) or ONLY_KEY,)
    if format == "feed":
        return next(((name,) for name in _OF_ENTRIES if _identifies(simple, (name,))), (HASH_KEY,))
    key = key_of(simple, table)
    if not key or not _is_named_like_a_key(key[0]):
        # Pages may overlap: then records come twice, which are one by what is called like a key.
        distinct = list({tuple(record.items()): record for record in simple}.values())
        of_distinct = key_of(distinct, table)
        if len(of_distinct) == 1 and _is_named_like_a_key(of_distinct[0]):
            return of_distinct
        # A record that changes or moves while it is listed comes twice, and has its id all the same.
        key = next(((name,) for name in names.IDS if _nearly_identifies(simple, name)), key)
    return key or (HASH_KEY,)


def _is_named_like_a_key(name: str) -> bool:
    return name in names.KEYS or names.OTHER_KEY.search(name) is not None


def _nearly_identifies(records: Sequence[Mapping[str, Any]], name: str) -> bool:
    shared = len(records) - len({record.get(name) for record in records})
    return _always_scalar(records, name) and 0 < shared <= _MOST_SHARED * len(records)


def tells_apart(key: tuple[str, ...], shared: int, records: int, guessed: bool) -> bool:
    """Whether this is a key, though so many of the records had the key of a different one on another page.

    guessed: it was chosen by how the first records look. Then that is no accident, unless it is called like an id.
    """
    if guessed and shared and key[0] not in names.IDS:
        return False
    return shared < _FEW or shared <= _MOST_SHARED * records


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
