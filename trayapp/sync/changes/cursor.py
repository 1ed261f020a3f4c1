"""Asking only for what changed: how cursors are read, compared and written, and when the whole listing is due. Pure."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from typing import Any, Literal
from urllib.parse import parse_qsl

import msgspec
import xxhash

from trayapp.endpoints.model import Endpoint, Incremental, Pages
from trayapp.messages import Message, say
from trayapp.store.bookkeeping.endpoint_states import Marks
from trayapp.sync.errors import SyncError
from trayapp.sync.http.header_values import http_date
from trayapp.sync.http.links import joined, origin, place_of
from trayapp.sync.http.request import Answer, Call
from trayapp.sync.paging.envelope import Envelope
from trayapp.sync.paging.following import placed, value_at, value_of

_EARLIEST = datetime(1000, 1, 1, tzinfo=UTC)
"""A year of four digits however it is written; what is said to be older has no date, which some write as year 1."""
FULL_EVERY = timedelta(days=1)
"""How often a mirror's whole listing is read where the settings don't say: nothing else finds deletes."""

_EXPIRED = re.compile(
    r"expired|too old|no longer (valid|available)|(invalid|unknown|stale|bad) [\w ]{0,20}(token|cursor|sequence|since)"
    r"|full (re)?-?sync|resync|\b(sync|delta|page)[ _-]?(token|state)\b",
    re.IGNORECASE,
)

_NOTHING_FOUND = re.compile(
    r"\b(no|zero|0|any)\b[\w ,'-]{0,60}\b(found|match\w*|correspond\w*|results?|records?|rows?|items?|entries|data"
    r"|changes|updates|available|exist\w*|return\w*)\b|\bnothing\b|\bempty\b|\bup to date\b"
    r"|(?:\bnot|n't) (find|found|exist)\b.{0,60}\b(match\w*|correspond\w*|criteri\w+|filters?|results?|period|range"
    r"|since|after|between)\b",
    re.IGNORECASE,
)
_OTHER_THINGS = re.compile(
    r"\b(route|resource|endpoint|url|uri|path|page|handler|method|version|host|application|service|cursor|token"
    r"|api|key|static|webpage|file|tenant|account|project|user|permission|access)s?\b",
    re.IGNORECASE,
)

Style = Literal["text", "number", "epoch", "epoch_ms", "iso", "mail"]


class Cursor(msgspec.Struct, frozen=True):
    """A cursor's text, as the server wrote it, and what it means: `value` compares with others of the same order.

    Times are aware UTC datetimes, numbers integers, anything else is text.
    """

    text: str
    style: Style
    value: datetime | int | str

    @property
    def order(self) -> str:
        """What kind of value it is: only cursors of one kind compare."""
        return "time" if isinstance(self.value, datetime) else "number" if self.style == "number" else "text"


def parsed(text: str) -> Cursor:
    """A cursor from its text: an integer, an epoch time, an ISO 8601 or e-mail date, else just text.

    Integers from 1e8 to 1e11 are epoch seconds, from 1e11 to 1e14 milliseconds; a wrong guess only asks for more.
    """
    if re.fullmatch(r"[+-]?\d+", text):
        number = int(text) if len(text) <= 40 else None
        if number is not None and 1e8 <= number < 1e14:
            seconds = number if number < 1e11 else number / 1000
            return Cursor(text, "epoch" if number < 1e11 else "epoch_ms", _moment(seconds))
        return Cursor(text, "text", text) if number is None else Cursor(text, "number", number)
    if re.fullmatch(r"\d{9,10}\.\d+", text):
        return Cursor(text, "epoch", _moment(float(text)))
    if re.match(r"\d{4}-\d\d", text):
        try:
            return Cursor(text, "iso", _utc(datetime.fromisoformat(text)))
        except (ValueError, OverflowError):
            return Cursor(text, "text", text)
    if re.match(r"[A-Z][a-z]{2}, \d", text):
        date = http_date(text)
        return Cursor(text, "text", text) if date is None else Cursor(text, "mail", date)
    return Cursor(text, "text", text)


def _moment(seconds: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class Newest:
    """The newest cursor met so far. `mixed` when there were values that do not compare: then there is none."""

    def __init__(self, cursor: str | None = None) -> None:
        self.cursor = parsed(cursor) if cursor else None
        self.mixed = False

    @property
    def text(self) -> str | None:
        """The newest cursor as the server wrote it."""
        return None if self.cursor is None or self.mixed else self.cursor.text

    def see(self, text: str | None) -> None:
        """Take a record's cursor into account; None is no cursor."""
        if not text or (self.cursor is not None and text == self.cursor.text):
            return
        cursor = parsed(text)
        if self.cursor is None:
            self.cursor = cursor
        elif cursor.order != self.cursor.order:
            self.mixed = True
        elif cursor.value > self.cursor.value:  # type: ignore[operator]
            self.cursor = cursor


def values_of(records: Sequence[bytes], path: str) -> list[str | None]:
    """What stands at a dotted path in each raw record, as text; None where there is nothing or no text or number."""
    try:
        items = _decoder(path).decode(b"[" + b",".join(records) + b"]")
    except (msgspec.DecodeError, UnicodeDecodeError):
        items = []
    values = [_reached(item) for item in items]
    if any(values) or (items and "." not in path):
        return values
    # Values on the way that are no objects, names with dots in them, and JSON that only a lenient reader takes.
    return [_scalar(value_at(bytes(record), path)) for record in records]


@cache
def _decoder(path: str) -> "msgspec.json.Decoder[list[Any]]":
    """A decoder that passes over everything but the value at the path."""
    shape: Any = msgspec.Raw
    default: Any = msgspec.Raw(b"null")
    for name in reversed(path.split(".")):
        shape = msgspec.defstruct("Level", [("inner", shape, msgspec.field(name=name, default=default))])
        shape, default = shape | None, None
    return msgspec.json.Decoder(list[shape])


def _reached(item: Any) -> str | None:
    while item is not None and not isinstance(item, msgspec.Raw):
        item = item.inner
    raw = b"" if item is None else bytes(item)
    if raw.startswith(b'"'):
        return msgspec.json.decode(raw, type=str)
    return raw.decode() if raw[:1].isdigit() or raw.startswith(b"-") else None


def _scalar(value: object) -> str | None:
    is_one = isinstance(value, str | int | float) and not isinstance(value, bool)
    return str(value) if is_one else None


def fingerprint(endpoint: Endpoint) -> str:
    """What tells whether two runs asked for the same: every setting that decides what the server lists."""
    incremental = endpoint.incremental or Incremental()
    parts = (
        endpoint.url,
        endpoint.request,
        endpoint.auth,
        endpoint.response,
        endpoint.pages,
        (incremental.field, incremental.path, incremental.param, incremental.into, incremental.format),
        (incremental.initial, incremental.deleted),
    )
    return xxhash.xxh3_64_hexdigest(msgspec.json.encode(parts, enc_hook=str, order="sorted"))


def asks_for_changes(endpoint: Endpoint) -> bool:
    """Whether the settings say how to ask only for what changed."""
    return endpoint.incremental is not None and bool(endpoint.incremental.field or endpoint.incremental.path)


def is_partial(endpoint: Endpoint, marks: Marks, now: datetime) -> bool:
    """Whether the next run asks only for what changed since the cursor: there is one, and no whole listing is due.

    marks: those of this very request, and for a table that is as the settings say.
    """
    incremental = endpoint.incremental
    if incremental is None or not asks_for_changes(endpoint) or marks.cursor is None:
        return False
    every = FULL_EVERY if endpoint.deletes else None
    if incremental.full_every is not None:
        every = timedelta(seconds=incremental.full_every.seconds)
    # A clock that was set back makes the whole listing due: nobody knows how old the last one is.
    return every is None or (marks.last_full is not None and timedelta(0) <= now - marks.last_full < every)


def since(call: Call, incremental: Incremental, cursor: str | None) -> Call:
    """The first request of a listing: for what changed since the cursor, or for all (from `initial` on) if None.

    SyncError when the cursor can't be written as the settings say, or is an address of another server.
    """
    if cursor is None:
        return (
            _with(call, incremental, written(parsed(incremental.initial), incremental)) if incremental.initial else call
        )
    if incremental.path and not incremental.param:
        url = joined(call.url, cursor)
        if origin(url) != origin(call.url):
            raise SyncError(
                say("The cursor leads to another server"),
                say("{address} continues at {target}.", address=place_of(call.url), target=place_of(url)),
                say("Check incremental.path."),
                code="other_server",
                field="incremental.path",
            )
        return msgspec.structs.replace(call, url=url)
    newest = parsed(cursor)
    if incremental.lookback.seconds and isinstance(newest.value, datetime):
        lookback = timedelta(seconds=incremental.lookback.seconds)
        newest = _moved(newest, max(newest.value, _EARLIEST + lookback) - lookback)
    return _with(call, incremental, written(newest, incremental))


def _with(call: Call, incremental: Incremental, text: str) -> Call:
    value: str | int = int(text) if re.fullmatch(r"0|-?[1-9]\d{0,17}", text) else text
    return placed(call, Pages(into=incremental.into), incremental.param, value)


def written(cursor: Cursor, incremental: Incremental) -> str:
    """The cursor as `format` says. SyncError when it is no time and the format is one of times."""
    format = incremental.format
    if "{" in format:
        return re.sub(r"\{([^{}]*)\}", lambda match: _as(cursor, match[1]), format)
    return _as(cursor, format)


def _as(cursor: Cursor, format: str) -> str:
    if not format or (cursor.style == "number" and format.startswith("epoch")):
        return cursor.text
    moment = cursor.value
    if not isinstance(moment, datetime):
        raise SyncError(
            say("The cursor is not a time"),
            say("“{cursor}” can't be written as {format}.", cursor=cursor.text, format=format),
            say("Correct incremental.format or incremental.field."),
            code="cursor",
            field="incremental.format",
        )
    if format == "epoch":
        return str(_since_epoch(moment) // 1_000_000)
    if format == "epoch_ms":
        return str(_since_epoch(moment) // 1000)
    if format == "http_date":
        return format_datetime(moment, usegmt=True)
    return moment.strftime({"iso": "%Y-%m-%dT%H:%M:%SZ", "date": "%Y-%m-%d"}.get(format, format))


def _since_epoch(moment: datetime) -> int:
    """Microseconds, exactly."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def next_cursor(newest: Newest, began: datetime) -> str | None:
    """The cursor for the next run: the newest met, but none after this run began, as others may have been missed.

    began: by the server's clock. None when there is no cursor.
    """
    cursor = newest.cursor
    if cursor is None or newest.mixed:
        return None
    if isinstance(cursor.value, datetime) and cursor.value > began:
        return _moved(cursor, began).text
    return cursor.text


def _moved(cursor: Cursor, moment: datetime) -> Cursor:
    """The same way of writing for another time, rounded down to what it can express."""
    microseconds = _since_epoch(moment)
    if cursor.style == "epoch":
        digits = len(cursor.text.partition(".")[2])
        whole, rest = divmod(microseconds, 1_000_000)
        text = f"{whole}.{_fraction(rest, digits)}" if digits else str(whole)
    elif cursor.style == "epoch_ms":
        text = str(microseconds // 1000)
    elif cursor.style == "mail":
        text = format_datetime(moment, usegmt=True)
    else:
        text = _iso_like(cursor.text, moment)
    return Cursor(text, cursor.style, moment)


def _fraction(microseconds: int, digits: int) -> str:
    return f"{microseconds:06d}".ljust(digits, "0")[:digits]


def _iso_like(text: str, moment: datetime) -> str:
    match = re.fullmatch(r"\d{4}-\d\d-\d\d(?:([T ])\d\d:\d\d(:\d\d(?:[.,](\d+))?)?)?(Z|[+-]\d\d:?\d\d)?", text)
    if match is None:
        return moment.isoformat()
    separator, seconds, digits, offset = match.groups()
    if offset and offset != "Z":
        moment = moment.astimezone(datetime.fromisoformat(text).tzinfo)
    if not separator:
        return moment.strftime("%Y-%m-%d")
    written = moment.strftime(f"%Y-%m-%d{separator}%H:%M")
    if seconds:
        written += moment.strftime(":%S")
    if digits:
        written += f".{_fraction(moment.microsecond, len(digits))}"
    return written + (offset or "")


def without_secrets(marks: Marks, endpoint: Endpoint, hide: Callable[[str], str]) -> Marks:
    """The marks without what servers repeat of the secrets that they got; `hide` takes secrets out of a text.

    A key in the query of an address is left out: it is added to every request. A mark that holds one all the same is
    forgotten, which makes the next listing a whole one.
    """
    if marks.cursor and endpoint.auth.kind == "query" and hide(marks.cursor) != marks.cursor:
        address, mark, query = marks.cursor.partition("?")
        kept = [piece for piece in query.split("&") if endpoint.auth.name not in dict(parse_qsl(piece, True))]
        marks = msgspec.structs.replace(marks, cursor=f"{address}{mark}{'&'.join(kept)}")
    texts = {"cursor": marks.cursor, "etag": marks.etag, "last_modified": marks.last_modified}
    told = {name: None for name, text in texts.items() if text and hide(text) != text}
    return msgspec.structs.replace(marks, **told) if told else marks


def is_expired(error: SyncError) -> bool:
    """Whether the server refused a cursor because it is too old: only the whole listing helps."""
    if error.status == 410:
        return True
    return error.status in (400, 404, 409, 412, 422) and bool(_EXPIRED.search(error.said))


def says_nothing_new(error: SyncError) -> bool:
    """Whether the answer to the question for what changed was that nothing did: no content, or 404 in such words.

    Words about addresses and cursors don't count: those are of something else that was not found.
    """
    if error.problem.code == "empty":
        return True
    return error.status == 404 and bool(_NOTHING_FOUND.search(error.said)) and not _OTHER_THINGS.search(error.said)


def server_time(answer: Answer) -> datetime | None:
    """When the server answered by its own clock (the Date header); None where it does not say."""
    return http_date(answer.headers.get("Date", ""))


class Tracker:
    """Follows the cursor of one listing, page by page: the newest of a field, or the server's own."""

    def __init__(self, incremental: Incremental, pages: Pages, cursor: str | None = None) -> None:
        self._incremental = incremental
        # Where the listing goes on by the cursor itself, the last page's counts; else the first one's, as what
        # changed while the listing was read must come again.
        self._last_counts = pages.kind == "cursor" and pages.path == incremental.path
        self._before = cursor
        self.newest = Newest(cursor if incremental.field else None)
        self.own: str | None = None

    def see(self, answer: Answer, envelope: Envelope, records: Sequence[bytes]) -> None:
        """Take one page into account."""
        if self._incremental.field:
            for value in values_of(records, self._incremental.field):
                self.newest.see(value)
        elif self.own is None or self._last_counts:
            value = _scalar(value_of(answer, envelope, self._incremental.path))
            self.own = value or self.own

    def go_on(self, newest: str | None, own: str | None) -> None:
        """Take up where the same listing was followed before."""
        self.newest.see(newest)
        self.own = own

    def cursor(self, began: datetime) -> str | None:
        """The next run's cursor; `began` as in `next_cursor`."""
        if self._incremental.field:
            return next_cursor(self.newest, began)
        return self.own or self._before

    def warnings(self) -> list[Message]:
        """What people should know about the cursors met."""
        if self.newest.mixed:
            return [
                say(
                    "The values of {field} can't be compared, so every run reads the whole list.",
                    field=self._incremental.field,
                )
            ]
        cursor = self.newest.cursor
        if self._incremental.lookback.seconds and cursor is not None and cursor.order != "time":
            return [
                say("{field} holds no times, so incremental.lookback has no effect.", field=self._incremental.field)
            ]
        return []
