"""Where an answer keeps its records, guessed from its shape: the records path a person would have written."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from trayapp.endpoints.paths import is_plain
from trayapp.sync.formats.sniff import Format
from trayapp.sync.names import BESIDE_RECORDS, ERRORS, FIELD_LISTS, RECORD_LISTS, TIME_COLUMN

KEY_FIELD = "_key"
"""The field that takes the keys of an object whose values are the records."""

_ID = re.compile(r"-?\d+|[0-9a-fA-F-]{32,36}|[A-Z]{2,5}|(?=.*\d)[\w.:-]{4,}|-[\w-]{8,}")
_DEPTH = 4
_CLOSE = 3.0
"""Points by which the likeliest records must be ahead of others to be beyond doubt; 10 records are one."""

_Names = tuple[str, ...]


def records_path(body: Any, format: Format = "json") -> str | None:
    """The path (see endpoints.paths) to the likeliest records, "" for a top-level list; None when there are none."""
    if isinstance(body, list):
        if _is_pair(body):
            return "jmes:[1]"
        return "with first row" if _has_header_row(body) else ""
    headers = list(_headers(body, ()))
    found = max(_candidates(body, (), headers), key=lambda candidate: candidate[0], default=None)
    if format == "xml":
        # One element is no list to be seen, but it is as many as there are.
        path = found[1] if found else _only_child(body)
        return f"{path}[]" if path and " " not in path else path
    return found[1] if found else None


def rival(body: Any) -> str | None:
    """The path to another list that is as likely to be the records, None when there is none."""
    if not isinstance(body, dict):
        return None
    found = sorted(_candidates(body, (), list(_headers(body, ()))), reverse=True)
    return found[1][1] if len(found) > 1 and found[1][0] > max(0.0, found[0][0] - _CLOSE) else None


def _candidates(value: Any, names: _Names, headers: Sequence[tuple[_Names, int]]) -> Iterator[tuple[float, str]]:
    if not isinstance(value, dict) or len(names) > _DEPTH:
        return
    if ERRORS & {*names}:
        return  # some servers answer 200 with nothing but their complaints
    penalty = 2.0 * (len(names) - 1)
    beside = bool(BESIDE_RECORDS & {*names})
    if not beside and _is_map(value):
        yield 1.5 + _weight(value) - penalty + _known(names), _words((*names, "*"), f" as {KEY_FIELD}")
        return
    if not beside and _is_columnar(value, at_top=not names):
        timed = any(TIME_COLUMN.match(name) for name in value)
        yield 1.0 + 4 * timed + _weight(next(iter(value.values()))) - penalty, _words(names, " zipped").strip()
        return
    for name, item in value.items():
        if isinstance(item, list):
            found = _list(value, (*names, name), item, headers)
            if found is not None:
                yield found
        else:
            yield from _candidates(item, (*names, name), headers)


def _list(
    parent: Mapping[str, Any], names: _Names, items: Sequence[Any], headers: Sequence[tuple[_Names, int]]
) -> tuple[float, str] | None:
    if ERRORS & {*names}:
        return None
    known = _known(names)
    if not items and not known:
        return None
    score = known + _weight(items) - 2.0 * (len(names) - 1) - (30 if BESIDE_RECORDS & {*names} else 0)
    if names[-1] == "edges" and all(isinstance(item, dict) and "node" in item for item in items):
        return score, _words(names, "[].node")
    if parent.get("type") == "FeatureCollection" and names[-1] == "features":
        return score, _words(names, " flat properties")
    if all(isinstance(item, dict) for item in items):
        if not items and (header := _header_for(names, None, headers)):
            return score, _words(names, f" with {header}")
        return score, _words(names)
    if all(isinstance(item, list) for item in items):
        header = _header_for(names, len(items[0]), headers)
        if header is not None:
            return score, _words(names, f" with {header}")
        if _has_header_row(items):
            return score - 1, _words(names, " with first row")
    return None


def _words(names: _Names, more: str = "") -> str:
    """The names as a path; as a JMESPath where one of them would be read otherwise."""
    if all(is_plain(name) or (name == "*" and index == len(names) - 1) for index, name in enumerate(names)):
        return ".".join(names) + more
    return "jmes:" + ".".join(msgspec.json.encode(name).decode() for name in names)


def _known(names: _Names) -> float:
    return 5.0 if names and names[-1] in RECORD_LISTS else 0.0


def _weight(items: Any) -> float:
    return min(len(items), 100) / 10


def _headers(value: Any, names: _Names) -> Iterator[tuple[_Names, int]]:
    """Every list that could name the fields of rows, with its length."""
    if not isinstance(value, dict) or len(names) > _DEPTH:
        return
    for name, item in value.items():
        if not is_plain(name):
            continue
        place = (*names, name)
        if not isinstance(item, list):
            yield from _headers(item, place)
        elif name in FIELD_LISTS and item and all(_is_name(one) for one in item):
            yield place, len(item)


def _is_name(item: Any) -> bool:
    if isinstance(item, dict):
        return any(isinstance(item.get(name), str) for name in ("name", "fieldName", "id", "key", "field", "label"))
    return isinstance(item, str)


def _header_for(names: _Names, width: int | None, headers: Sequence[tuple[_Names, int]]) -> str | None:
    """The list of names nearest to the rows; for no rows at all, only one beside them."""
    fitting = [place for place, length in headers if place != names and width in (length, None)]
    if width is None:
        fitting = [place for place in fitting if place[:-1] == names[:-1]]
    fitting = [place for place in fitting if " " not in ".".join(place)]
    nearest = min(fitting, key=lambda place: (place[:-1] != names[:-1], len(place)), default=None)
    return ".".join(nearest) if nearest else None


def _has_header_row(rows: Sequence[Any]) -> bool:
    if len(rows) < 2 or not all(isinstance(row, list) for row in rows):
        return False
    first = rows[0]
    names = [name for name in first if isinstance(name, str) and name and not re.fullmatch(r"[\d.,:TZ+-]+", name)]
    return len(names) == len(first) > 0 and len({*names}) == len(names) and all(len(row) <= len(first) for row in rows)


def _is_map(value: Mapping[str, Any]) -> bool:
    """Whether an object's values are clearly records: all objects, much alike, under keys that are no words."""
    members = list(value.values())
    if not members or not all(isinstance(member, dict) and member for member in members):
        return False
    if BESIDE_RECORDS & {*value}:
        return False
    common = set(members[0]).intersection(*members)
    if len(common) * 2 < max(map(len, members)):
        return False
    if all(_ID.fullmatch(key) or key in member.values() for key, member in value.items()):
        return True
    return len(members) >= 3 and all({*member} == {*members[0]} for member in members)


def _is_pair(body: Sequence[Any]) -> bool:
    """Whether a list is the facts about a page and its records, as the World Bank's."""
    if len(body) != 2 or not isinstance(body[0], dict) or not isinstance(body[1], list):
        return False
    return bool(body[1]) and all(isinstance(item, dict) for item in body[1])


def are_ids(value: Mapping[str, Any]) -> bool:
    """Whether an object's names are numbers or times: what stands under them are records, not fields of one."""
    return len(value) > 1 and all(re.fullmatch(r"[.:TZ+-]*\d[\d.:TZ+-]*", name) for name in value)


def _is_columnar(value: Mapping[str, Any], at_top: bool) -> bool:
    """Whether an object holds the columns of a table: lists of plain values, all as long."""
    columns = list(value.values())
    if len(columns) < (3 if at_top else 2) or not all(isinstance(column, list) for column in columns):
        return False
    if len({len(column) for column in columns}) != 1 or len(columns[0]) < 2:
        return False
    if are_ids(value):
        return False
    return not any(isinstance(item, dict | list) for column in columns for item in column[:10])


def _only_child(body: Any) -> str | None:
    """The path to the one element that a document's root has, if that has members of its own."""
    if not isinstance(body, dict) or len(body) != 1:
        return None
    ((root, inside),) = body.items()
    children = [name for name, item in inside.items() if isinstance(item, dict)] if isinstance(inside, dict) else []
    return _words((root, children[0])) if len(children) == 1 else None
