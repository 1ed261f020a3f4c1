"""Asking only whether anything is new: conditional requests (RFC 9110 section 13) for listings of one page. Pure."""

from datetime import datetime, timedelta

import msgspec
import xxhash

from trayapp.endpoints.model import Endpoint
from trayapp.store.bookkeeping.endpoint_states import Marks
from trayapp.sync.http.header_values import http_date
from trayapp.sync.http.intake import windows
from trayapp.sync.http.request import Answer, Call
from trayapp.sync.names import TELLING_HEADER
from trayapp.sync.paging.following import Walk
from trayapp.sync.paging.signs import looks_cut

BELIEVED = timedelta(days=1)
"""How long a server is believed that nothing is new before the whole answer is looked at again."""


def can_ask(endpoint: Endpoint, marks: Marks, now: datetime) -> bool:
    """Whether it makes sense to ask only whether anything is new.

    marks: those of this very request, and for a table that is as the settings say.
    """
    return marks.digest is not None and endpoint.table.mode != "append" and _is_recent(marks, now)


def asking(call: Call, marks: Marks) -> Call:
    """The call that is answered with 304 when nothing is new. Only GET can ask so."""
    headers = dict(call.headers)
    if marks.etag is not None and call.method == "GET":
        headers.setdefault("If-None-Match", marks.etag)
    if marks.last_modified is not None and call.method == "GET":
        headers.setdefault("If-Modified-Since", marks.last_modified)
    return msgspec.structs.replace(call, headers=headers)


def is_unmodified(answer: Answer, marks: Marks) -> bool:
    """Whether the answer to such a call is what it was: a 304, or the same bytes once more.

    The same ETag with other bytes does not count, as nothing is gained by believing it.
    """
    return answer.status == 304 or digest(answer) == marks.digest


def marked(before: Marks, answer: Answer, now: datetime) -> Marks:
    """The marks with what this answer, a whole listing in one page, can be told apart by at the next run."""
    found = msgspec.structs.replace(
        before,
        etag=answer.headers.get("ETag") or None,
        last_modified=_last_modified(answer),
        digest=digest(answer),
    )
    # The same answer within the time it is believed leaves everything as it was, so that nothing is written.
    is_same = found == before and _is_recent(before, now)
    return before if is_same else msgspec.structs.replace(found, last_full=now)


def _is_recent(marks: Marks, now: datetime) -> bool:
    return marks.last_full is not None and timedelta(0) <= now - marks.last_full < BELIEVED


def is_whole(endpoint: Endpoint, walk: Walk) -> bool:
    """Whether a listing that was walked so far will show anything new by its first answer.

    A page that is just full may get a second one while it stays the same.
    """
    return walk.pages == 1 and (endpoint.pages.kind == "none" or not looks_cut(walk.count))


def digest(answer: Answer) -> str:
    """A digest of the body and of the headers that say how the listing goes on."""
    hasher = xxhash.xxh3_128()
    for window in windows(answer.body if answer.kept is None else answer.kept):
        hasher.update(window)
    if answer.large is not None:
        hasher.update(answer.large.digest)
    for name, value in sorted((name.lower(), value) for name, value in answer.headers.items()):
        if TELLING_HEADER.search(name):
            hasher.update(f"\n{name}: {value}".encode())
    return hasher.hexdigest()


def _last_modified(answer: Answer) -> str | None:
    """The server's Last-Modified, if the content can't have changed again in that same second (RFC 9110 8.8.2.2)."""
    value = answer.headers.get("Last-Modified", "")
    modified, sent = http_date(value), http_date(answer.headers.get("Date", ""))
    if modified is None or sent is None:
        return None
    return value if sent - modified >= timedelta(seconds=2) else None
