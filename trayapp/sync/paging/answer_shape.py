"""What a listing's answers look like, and what in one of them says that it is not all there. Pure.

Servers send part of the data, or none, with status 200: GraphQL beside `errors`, Overpass with a `remark`,
Elasticsearch with `timed_out` and failed shards, Alpha Vantage with a `Note`.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from trayapp.sync import names
from trayapp.sync.http.request import Answer
from trayapp.sync.names import plain
from trayapp.sync.paging.envelope import DEPTH, Envelope, Place

_MANY = 20
"""Members of an object. One with more is a map, whose names change with the data."""


class AnswerShape(msgspec.Struct, frozen=True):
    """How answers are made: their statuses, media types, and the members beside the records that had a value."""

    statuses: tuple[int, ...] = ()
    media: tuple[str, ...] = ()
    members: tuple[str, ...] = ()

    def beyond(self, known: "AnswerShape") -> str | None:
        """What this one has that no answer had before: a member's path, or the status or type; None if nothing."""
        new = sorted({*self.members} - {*known.members})
        if new:
            return new[0]
        if statuses := {*self.statuses} - {*known.statuses}:
            return f"status {min(statuses)}"
        return min({*self.media} - {*known.media}, default=None)

    def widened(self, other: "AnswerShape | None") -> "AnswerShape":
        """The shape of answers of which some look like the one and some like the other."""
        if other is None:
            return self
        return AnswerShape(
            tuple(sorted({*self.statuses, *other.statuses})),
            tuple(sorted({*self.media, *other.media})),
            tuple(sorted({*self.members, *other.members})),
        )


def shape_of(answer: Answer, envelope: Envelope) -> AnswerShape:
    """The shape of one answer."""
    media = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return AnswerShape((answer.status,), (media,), tuple(sorted(_paths(envelope))))


def failure_in(envelope: Envelope) -> tuple[str, str] | None:
    """(path, the server's words) of a member which says that the answer is not all there; None if none does."""
    for place, value in envelope.members:
        if _says_failure(place, value):
            return ".".join(place), _words(value)
    return None


def _says_failure(place: Place, value: Any) -> bool:
    last = plain(place[-1])
    if names.SUCCESS_FLAG.fullmatch(last):
        return value is False or str(value).lower() in ("false", "no")
    if _is_nothing(value):
        return False
    if any(names.FAILURE.fullmatch(plain(name)) for name in place):
        return True
    if names.STATE.fullmatch(last):
        return re.fullmatch(names.FAILED_STATES, _words(value).lower()) is not None
    return names.REMARK.fullmatch(last) is not None and re.search(names.ALARMING, _words(value).lower()) is not None


def _is_nothing(value: Any) -> bool:
    if not value or isinstance(value, dict | list):
        return not value
    return str(value).lower() in ("0", "false", "none", "null", "ok")


def _words(value: Any, depth: int = 0) -> str:
    """What a member says in words: a text, or the first one in what it has, if not far down."""
    if isinstance(value, dict | list) and depth == DEPTH:
        return ""
    if isinstance(value, dict):
        said = (value.get(name) for name in (*names.COMPLAINT_WORDS, *value))
        return next((words for inner in said if inner is not None and (words := _words(inner, depth + 1))), "")
    if isinstance(value, list):
        return next((words for inner in value if (words := _words(inner, depth + 1))), "")
    return "" if value is None else str(value)[:1000]


def _is_links(value: Any) -> bool:
    """Whether a member is a list of links, as OGC API has them."""
    return isinstance(value, list) and any(isinstance(each, dict) and "rel" in each for each in value)


def _paths(envelope: Envelope) -> Iterator[str]:
    """The members with a value, two levels deep; of an object with many only its own path."""
    below: dict[Place, set[str]] = {}
    for place, value in envelope.members:
        if not _is_nothing(value) and not any(map(names.is_of_paging, place)) and not _is_links(value):
            below.setdefault(place[:1], set()).add(".".join(place[:2]))
    for place, paths in below.items():
        yield from [".".join(place)] if len(paths) > _MANY else paths
