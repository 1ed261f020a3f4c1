"""Answers without a list of records that may be records all the same: one object, or a list of plain values.

The signs are weak: a server's complaint is an object too, and so is a listing that is empty. Pure.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from trayapp.endpoints.paths import is_plain
from trayapp.sync import names
from trayapp.sync.formats.sniff import Format
from trayapp.sync.names import folded
from trayapp.sync.records import shapes

VALUE_FIELD = "value"
"""The field that takes plain values."""


class Guess(msgspec.Struct, frozen=True):
    """Where the records seem to be. alone: the answer is one record; weak: it has no list of records."""

    path: str
    alone: bool = False
    weak: bool = False


def guess(body: Any, format: Format) -> Guess | None:
    """The likeliest place of the records in an answer; None when there is none."""
    values = values_path(body)
    found = None if values is not None and isinstance(body, list) else shapes.records_path(body, format)
    if found is not None:
        return Guess(found)
    if values is not None:
        return Guess(values, weak=True)
    path = object_path(body) if format == "json" else element_path(body) if format == "xml" else None
    return None if path is None else Guess(path, alone=True, weak=True)


def object_path(body: Any) -> str | None:
    """The path to the one object that the answer is, "" for all of it; None where it may be something else."""
    if not _is_record(body):
        return None
    others = body.keys() - names.BESIDE_OBJECT - names.COMPLAINTS
    for holder in names.RECORD_HOLDERS:
        if others == {holder} and isinstance(body[holder], dict) and not has_id(body):
            return f"{holder}[]" if _is_record(body[holder]) else None
    return ""


def element_path(body: Any) -> str | None:
    """The path to the root element of an XML document that has plain members only; None where it may be something else.

    Without its elements a listing looks alike: what is empty and called like several things is taken for one.
    """
    ((root, inside),) = body.items() if isinstance(body, dict) and len(body) == 1 else ((None, None),)
    if root is None or not isinstance(inside, dict) or folded(root.rpartition(":")[2]) in names.COMPLAINTS:
        return None
    if any(isinstance(item, dict) or (isinstance(item, list) and not _is_values(item)) for item in inside.values()):
        return None
    if any(item is None and name.lower().endswith("s") for name, item in inside.items()):
        return None
    if not is_plain(root) or not _is_record({names.usual(name): item for name, item in inside.items()}):
        return None
    return f"{root}[]"


def values_path(body: Any) -> str | None:
    """The path to a list of plain values that is all the answer has; None when there is none."""
    if isinstance(body, list):
        return f"as {VALUE_FIELD}" if _is_values(body) else None
    if not isinstance(body, dict) or says_error(body):
        return None
    others = body.keys() - names.BESIDE_OBJECT - names.COMPLAINTS - names.OF_LISTING
    name = next(iter(others)) if len(others) == 1 else ""
    return f"{name} as {VALUE_FIELD}" if name and is_plain(name) and _is_values(body[name]) else None


def says_error(body: Mapping[str, Any]) -> bool:
    """Whether an object is a complaint and nothing else. A job that failed has an error too, but more besides."""
    others = body.keys() - names.BESIDE_OBJECT - names.COMPLAINTS - {*names.IDS}
    failed = any(body.get(name) for name in names.COMPLAINTS) or any(
        body.get(name) is False for name in names.SUCCESS_FLAGS
    )
    if failed:
        return len(others) < 2
    return not others and not has_id(body) and any(body.get(name) for name in names.COMPLAINT_TEXTS)


def id_of(record: Mapping[str, Any]) -> str:
    """The field that is the object's own id; "" when it has none."""
    return next((name for name in names.IDS if _is_id(record.get(name))), "")


def has_id(body: Mapping[str, Any]) -> bool:
    """Whether the object has an id of its own."""
    return bool(id_of(body))


def _is_record(body: Any) -> bool:
    if not isinstance(body, dict) or says_error(body):
        return False
    if has_id(body):
        return not (body.keys() & names.OF_LISTING and any(item == [] for item in body.values()))
    if shapes.are_ids(body):
        return False
    others = [body[name] for name in body.keys() - names.BESIDE_OBJECT - names.COMPLAINTS]
    if body.keys() & names.OF_LISTING or all(item is None for item in others):
        return False
    # An empty list or object may be a listing without records, and a list of others one of what we don't know.
    return all(_is_values(item) if isinstance(item, list) else item != {} for item in others)


def _is_values(items: Any) -> bool:
    return isinstance(items, list) and bool(items) and not any(isinstance(item, dict | list) for item in items)


def _is_id(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""
