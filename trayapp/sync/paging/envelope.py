"""What stands around the records of a page: the members of its answer, by their places. Pure."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from trayapp.endpoints.paths import parse_records_path
from trayapp.sync.formats.lenient_json import mended, value_of

DEPTH = 4
"""So deep in objects beside the records members are looked for; what is deeper belongs to records of some kind."""
_LONGEST_LIST = 64 << 10
"""Bytes of JSON. Lists that tell how to go on are short; longer ones are data."""

_same = {"rel": ("rel", "relation")}
"""Members that a path takes for each other: OGC API and OpenStack write `rel`, FHIR `relation`."""
_members_of = msgspec.json.Decoder(dict[str, msgspec.Raw])
_selector = re.compile(r"(?P<name>[^\[\]]*)\[(?P<member>[^\[\]=]+)=(?P<value>[^\[\]=]*)\]")

Place = tuple[str, ...]


class Envelope(NamedTuple):
    """The members beside the records, objects taken apart: a place is the names from the outermost object on.

    A list is a member as a whole, as is an object without members. `text` is the answer as strict JSON; `records` is
    where the records begin.
    """

    text: bytes
    members: tuple[tuple[Place, Any], ...]
    records: Place = ()

    def value(self, path: str) -> object:
        """What stands at a path; None when nothing does.

        A path is names with dots between them, where a name may have dots itself ("@odata.nextLink"); after a list's
        name, `[rel=next]` takes the first of its objects whose member has that value: `links[rel=next].href`.
        """
        return _at(self.text, path)


def read_envelope(text: bytes, path: str, url: str, harmless: Sequence[str] = ()) -> Envelope:
    """The envelope of an answer's JSON text whose records are at `path`. Raises SyncError when it is no JSON at all.

    What only the lenient parser can read is read by it: a page is no end because a value on it is odd. harmless: paths
    of members that are left out, as somebody knows that they say nothing of the listing.
    """
    if text[:1] != b"{":
        return Envelope(text, ())
    records = _records_place(path)
    try:
        members = tuple(_members(_members_of.decode(text), (), records))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        text, _ = mended(text, url, error)
        members = tuple(_members(_members_of.decode(text), (), records))
    if harmless:
        members = tuple(each for each in members if not any(_is_below(each[0], path) for path in harmless))
    return Envelope(text, members, records or ())


def _is_below(place: Place, path: str) -> bool:
    return f"{'.'.join(place)}.".startswith(f"{path}.")


def _records_place(path: str) -> Place | None:
    """Where the records begin; None where that can't be told. () when the members of the answer are the records."""
    if path.startswith("jmes:") or path in ("", "auto"):
        return None  # "": an object that is the only record may say itself where the next one is
    try:
        steps = parse_records_path(path).steps
    except ValueError:
        return None
    names = []
    for step in steps:
        if step.name:
            names.append(step.name)
        if step.each:
            break
    return tuple(names)


def _members(raw: dict[str, msgspec.Raw], place: Place, records: Place | None) -> Iterator[tuple[Place, Any]]:
    if place == records:
        return
    for name, value in raw.items():
        here = (*place, name)
        if here == records:
            continue
        text = memoryview(value)
        first = bytes(text[:1])
        if first == b"{":
            inner = _members_of.decode(value) if len(here) - _shared(here, records) < DEPTH else {}
            if inner:
                yield from _members(inner, here, records)
            else:
                yield here, {}
        elif first != b"[" or len(text) <= _LONGEST_LIST:
            yield here, value_of(bytes(value))


def _shared(place: Place, records: Place | None) -> int:
    """How many names of a place lead to the records, too."""
    pairs = enumerate(zip(place, records or (), strict=False))
    return next((count for count, (one, other) in pairs if one != other), min(len(place), len(records or ())))


def _at(text: bytes, path: str) -> object:
    left = _parts(path)
    value: Any = text
    while left:
        # A name may itself have dots ("@odata.nextLink"): the longest that fits counts.
        for count in range(len(left), 0, -1):
            found = _step(value, ".".join(left[:count]))
            if found is not None:
                break
        else:
            return None
        value, left = found, left[count:]
    return value_of(bytes(value))


def _parts(path: str) -> list[str]:
    """The names of a path; dots within brackets part nothing."""
    return [part for part in re.findall(r"(?:[^.\[]|\[[^\]]*\]?)+", path) if part]


def _step(text: bytes | msgspec.Raw, name: str) -> bytes | msgspec.Raw | None:
    chosen = _selector.fullmatch(name)
    try:
        if chosen is None:
            return _members_of.decode(text).get(name)
        items = _members_of.decode(text).get(chosen["name"]) if chosen["name"] else text
        if items is None:
            return None
        for item in msgspec.json.decode(items, type=list[msgspec.Raw]):
            members = _members_of.decode(item) if bytes(memoryview(item)[:1]) == b"{" else {}
            for name in _same.get(chosen["member"], (chosen["member"],)):
                if name in members and str(value_of(bytes(members[name]))).lower() == chosen["value"].lower():
                    return item
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return None
