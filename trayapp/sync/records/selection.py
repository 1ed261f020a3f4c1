"""The records of an answer, each still the bytes of one JSON object, found by a records path."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import msgspec

from trayapp.endpoints.paths import FIRST_ROW, RecordsPath, Step, names_path
from trayapp.messages import NOTHING, Message, say
from trayapp.sync.formats.values import field_names

_list = msgspec.json.Decoder(list[msgspec.Raw])
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NAMES_OF_COLUMNS = ("name", "fieldName", "id", "key", "field", "label", "title")


class NoRecords(ValueError):
    """Nothing that could be records stands at the path; `why`, for people. `hint` says what would help."""

    def __init__(self, why: Message, hint: Message = NOTHING) -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint


def select(text: bytes, path: RecordsPath) -> list[bytes]:
    """The records at `path` in a JSON text. Raises NoRecords, and msgspec.DecodeError for what is no strict JSON."""
    body = msgspec.Raw(text)
    if path.field:
        records = _keyed(body, path)
    elif path.names:
        records = _named(body, path)
    elif path.zipped:
        records = _zipped(_single(body, path.steps))
    else:
        records = _items(body, path.steps)
    if path.flat:
        records = [_flattened(record, path.flat) for record in records]
    check_objects(records)
    return records


def cut(text: bytes, path: RecordsPath) -> Sequence[bytes]:
    """Like `select`, only faster: each record may be a view of the text, and is not proven to be an object.

    `bytes` makes a record of its own from a view, and check_objects is for those that are used.
    """
    if path.field or path.names or path.zipped or path.flat or any(step.each for step in path.steps):
        return select(text, path)
    found = _single(msgspec.Raw(text), path.steps)
    return _list.decode(found) if _first(found) == b"[" else select(text, path)


def check_objects(records: Sequence[bytes]) -> None:
    """Raise NoRecords when one is no object."""
    if not set(map(itemgetter(0), records)) <= {ord("{")}:
        raise _no_objects(next(record for record in records if record[:1] != b"{"))


def _items(body: msgspec.Raw, steps: Sequence[Step]) -> list[bytes]:
    """What is listed at the end of the steps; the whole body may also be a single object."""
    if not any(step.each for step in steps):
        found = _single(body, steps)
        first = _first(found)
        if first == b"[":
            return list(map(bytes, _list.decode(found)))
        if first == b"{" and not steps:
            return [bytes(found)]
        raise NoRecords(
            say("The path leads to {kind}, not to a list.", kind=_kind(first)),
            say('To read that object as one row, use "jmes:{path}".', path=".".join(step.name for step in steps))
            if first == b"{"
            else NOTHING,
        )
    *before, last = steps
    if last.each:
        return [bytes(item) for item in _walk(body, steps)]
    records: list[bytes] = []
    for found in _walk(body, before, whole=False):
        value = _required(found, last.name)
        if _first(value) == b"n":
            continue  # GraphQL's answer for a node one may not see
        if _first(value) == b"[":
            records += [bytes(item) for item in _list.decode(value)]
        else:
            records.append(bytes(value))
    return records


def _single(body: msgspec.Raw, steps: Sequence[Step]) -> msgspec.Raw:
    for step in steps:
        if step.each:
            raise NoRecords(say("The path must lead to one place, not to several."), say("Leave out [] and *."))
        body = _required(body, step.name)
    return body


def _required(value: msgspec.Raw, name: str) -> msgspec.Raw:
    found = _member(value, name) if _first(value) == b"{" else None
    if found is None:
        raise _missing(name)
    return found


def _missing(name: str) -> NoRecords:
    return NoRecords(say("The response has no “{name}” there.", name=name))


def _walk(body: msgspec.Raw, steps: Sequence[Step], whole: bool = True) -> list[msgspec.Raw]:
    """Everything the steps lead to, which are the `whole` path or the first part of one.

    Only a path's last step, with `[]`, may lead to nothing, from an object or null.
    """
    values = [body]
    for position, step in enumerate(steps, 1):
        optional = whole and step.each == "items" and position == len(steps)
        after: list[msgspec.Raw] = []
        for value in values:
            if step.name:
                found = _member(value, step.name) if _first(value) == b"{" else None
                if found is None and not (optional and _first(value) in b"{n"):
                    raise _missing(step.name)
                if found is None:
                    continue
                value = found
            after += _spread(value, step)
        values = after
    return values


def _spread(value: msgspec.Raw, step: Step) -> list[msgspec.Raw]:
    first = _first(value)
    if step.each == "items":
        return _list.decode(value) if first == b"[" else [] if first == b"n" else [value]
    if step.each == "values":
        return list(_map(value).values())
    return [value]


def _map(value: msgspec.Raw) -> dict[str, msgspec.Raw]:
    if _first(value) == b"{":
        return _object.decode(value)
    if _first(value) == b"n" or bytes(value).split() == [b"[", b"]"] or bytes(value) == b"[]":
        return {}  # an empty map from PHP is an empty list
    raise NoRecords(
        say("The path leads to {kind}, not to an object whose values are records.", kind=_kind(_first(value)))
    )


def _keyed(body: msgspec.Raw, path: RecordsPath) -> list[bytes]:
    """`… as FIELD`: the keys of a map, or the plain values of a list, as a field."""
    field = msgspec.json.encode(path.field)
    *before, last = path.steps or (Step(""),)
    if last.each != "values":
        values = _walk(body, path.steps) if any(step.each for step in path.steps) else [_single(body, path.steps)]
        items = [item for value in values for item in (_list.decode(value) if _first(value) == b"[" else [value])]
        for item in items:
            if _first(item) in (b"{", b"["):
                raise NoRecords(say("“as” names the keys of a map, or the plain values of a list."))
        return [b"{" + field + b":" + bytes(item) + b"}" for item in items]
    records: list[bytes] = []
    for value in _walk(body, (*before, Step(last.name))) if before or last.name else [body]:
        for key, item in _map(value).items():
            if _first(item) == b"{":
                members = _object.decode(item)
                members.pop(path.field, None)
                records.append(_built({path.field: msgspec.json.encode(key), **members}))
            elif _first(item) == b"[":
                raise NoRecords(say("The values of the map are lists."))
            else:
                records.append(_built({path.field: msgspec.json.encode(key), "value": item}))
    return records


def _named(body: msgspec.Raw, path: RecordsPath) -> list[bytes]:
    """`… with …`: rows that are lists, their fields named by another list or the first row."""
    rows = [_row(row) for row in _items(body, path.steps)]
    if path.names == FIRST_ROW:
        header = rows.pop(0) if rows else []
    else:
        steps = names_path(path)
        header = _walk(body, steps) if any(step.each for step in steps) else _list.decode(_single(body, steps))
    names = [msgspec.json.encode(name) + b":" for name in field_names([_name(item) for item in header])]
    records = []
    for row in rows:
        if len(row) > len(names):
            raise NoRecords(
                say("A row has {values} values, but there are only {names} names.", values=len(row), names=len(names))
            )
        records.append(b"{" + b",".join([n + bytes(value) for n, value in zip(names, row, strict=False)]) + b"}")
    return records


def _row(row: bytes) -> list[msgspec.Raw]:
    if row[:1] != b"[":
        raise NoRecords(say("A row is {kind}, not a list.", kind=_kind(row[:1])))
    return _list.decode(row)


def _name(item: msgspec.Raw) -> str:
    if _first(item) == b"{":
        members = _object.decode(item)
        found = next((members[name] for name in _NAMES_OF_COLUMNS if name in members), None)
        return _name(found) if found is not None and _first(found) != b"{" else ""
    if _first(item) == b'"':
        return msgspec.json.decode(item, type=str)
    return "" if _first(item) == b"n" else bytes(item).decode()


def _zipped(value: msgspec.Raw) -> list[bytes]:
    """`… zipped`: an object of lists, all as long, one list for each field."""
    columns = {
        name: _list.decode(column)
        for name, column in (_object.decode(value) if _first(value) == b"{" else {}).items()
        if _first(column) == b"["
    }
    if not columns:
        raise NoRecords(say("The path does not lead to an object of lists."))
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        raise NoRecords(say("The lists there differ in length."))
    names = [msgspec.json.encode(name) + b":" for name in columns]
    return [
        b"{" + b",".join([name + bytes(value) for name, value in zip(names, row, strict=True)]) + b"}"
        for row in zip(*columns.values(), strict=True)
    ]


def _flattened(record: bytes, field: str) -> bytes:
    """The record with the members of its object `field` beside its own; a name that both have is `field.name` there.

    GeoJSON's constant `"type": "Feature"` (RFC 7946 section 3.2) is left out.
    """
    if record[:1] != b"{":
        raise _no_objects(record)
    members = _object.decode(record)
    inner = members.get(field)
    if inner is None or _first(inner) != b"{":
        if inner is None or _first(inner) == b"n":
            members.pop(field, None)
            if bytes(members.get("type", b"")) == b'"Feature"':
                del members["type"]
            return _built(members)
        raise NoRecords(say("“{field}” is not an object in every record.", field=field))
    if bytes(members.get("type", b"")) == b'"Feature"':
        del members["type"]
    built: dict[str, bytes | msgspec.Raw] = {}
    for name, value in members.items():
        if name == field:
            for own, item in _object.decode(inner).items():
                built[own if own not in members or own == field else f"{field}.{own}"] = item
        else:
            built[name] = value
    return _built(built)


def _built(members: dict[str, Any]) -> bytes:
    return b"{" + b",".join(msgspec.json.encode(name) + b":" + bytes(value) for name, value in members.items()) + b"}"


def _member(value: msgspec.Raw, name: str) -> msgspec.Raw | None:
    return _object.decode(value).get(name)


def _first(value: msgspec.Raw) -> bytes:
    return bytes(memoryview(value)[:1])


def _kind(first: bytes) -> Message:
    kinds = {
        b"{": say("an object"),
        b"[": say("a list"),
        b'"': say("a text"),
        b"n": say("null"),
        b"t": say("true"),
        b"f": say("false"),
    }
    return kinds.get(first, say("a number"))


def _no_objects(record: bytes) -> NoRecords:
    first = record[:1]
    hint = say("To make a record of each value, add “as NAME” to the path.")
    if first == b"[":
        hint = say("If the column names are in the first row, add “with first row” to the path, else “with PATH”.")
    elif first == b"n":
        hint = NOTHING
    return NoRecords(say("The list has {kind} in it, where an object is needed.", kind=_kind(first)), hint)
