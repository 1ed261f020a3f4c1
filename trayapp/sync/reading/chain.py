"""One listing for each row of a query, read two at a time as if all were one."""

import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
import xxhash

from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.placeholders import Unfillable, Value, filled, names_in
from trayapp.messages import Message, say, say_count
from trayapp.store.file.database import Store
from trayapp.store.reading.query import queried
from trayapp.store.records.pages import JsonPage, Page
from trayapp.sync.cancel import INTERNAL, Cancelled, CancelToken
from trayapp.sync.detection.resolver import SourceResolver
from trayapp.sync.errors import SyncError
from trayapp.sync.evidence import Evidence, Lack, weakest
from trayapp.sync.http.auth import Access, Credentials
from trayapp.sync.http.client import Client
from trayapp.sync.http.failures import too_large
from trayapp.sync.http.request import first_call
from trayapp.sync.http.transport import Deadline
from trayapp.sync.paging.following import Walk, first_page
from trayapp.sync.paging.listing import Listing, too_many_pages
from trayapp.sync.records.extraction import own_records

AT_ONCE = 2
"""Listings read at the same time."""

MOST_ROWS = 1_000_000
MOST_TEXT = 200 * 10**6
"""Rows of `after.each`, and characters in those of their values that requests are made of: they are kept in memory."""

_NOTHING_THERE = (404, 410)
_WAITING = 4
"""Pages that may wait to be taken."""

_names = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encode = msgspec.msgpack.Encoder().encode

Row = Mapping[str, Value]


class ParentRow(msgspec.Struct, frozen=True, gc=False):
    """A row of `after.each`: what it fills in; `id` tells it apart by that, `seen` is a digest of all its columns."""

    values: Row
    id: bytes
    seen: bytes


def parent_rows(endpoint: Endpoint, store: Store, cancel: CancelToken) -> list[ParentRow]:
    """The rows of `after.each`, none twice that fill in the same.

    SyncError when the query lacks a column, or gives too much; StoreErrors when it can't be run; Cancelled, also after
    `limits.run`.
    """
    assert endpoint.after is not None
    wanted = names_in(endpoint)
    deadline = Deadline(endpoint.limits.run)

    def check() -> None:
        cancel.check()
        deadline.check()

    with queried(store, endpoint.after.each, check) as (columns, rows):
        missing = [name for name in wanted if name not in columns]
        if missing:
            raise SyncError(
                say("The query has no column {column}", column=missing[0]),
                say("The request needs {{{column}}}; the query gives {columns}.", column=missing[0], columns=columns)
                if columns
                else say("The request needs {{{column}}}; the query gives no columns.", column=missing[0]),
                say("Name a column so in after.each (SELECT … AS …), or correct the placeholder."),
                code="query",
                field="after.each",
            )
        positions = [columns.index(name) for name in wanted]
        seen: dict[tuple[Value, ...], set[bytes]] = {}
        size = 0
        for number, row in enumerate(rows, 1):
            values = tuple(row[position] for position in positions)
            size += sum(len(value) for value in values if isinstance(value, str | bytes))
            if number > MOST_ROWS or size > MOST_TEXT:
                raise _too_much()
            forms = seen.setdefault(values, set())
            forms.add(xxhash.xxh3_128_digest(_encode([columns, row])))
    return [
        ParentRow(dict(zip(wanted, values, strict=True)), _encode(values), _one(forms))
        for values, forms in seen.items()
    ]


def _too_much() -> SyncError:
    return SyncError(
        say("The query gives too much"),
        say(
            "It may give up to {rows} rows, and {size} MB of text for requests.",
            rows=f"{MOST_ROWS:,}",
            size=str(MOST_TEXT // 10**6),
        ),
        say("Have after.each give fewer rows."),
        code="query",
        field="after.each",
    )


def _one(digests: set[bytes]) -> bytes:
    """One digest for several, whatever their order."""
    return digests.pop() if len(digests) == 1 else xxhash.xxh3_128_digest(b"".join(sorted(digests)))


def one_of(endpoint: Endpoint, store: Store, cancel: CancelToken) -> Endpoint:
    """The endpoint filled from the first row that will do, to be tried out. Errors as `parent_rows`."""
    for row in parent_rows(endpoint, store, cancel):
        try:
            return filled(endpoint, row.values)
        except Unfillable:
            continue
    raise SyncError(
        say("There is no row to test with"),
        say("The query in after.each gives no row whose values can be used in a request."),
        say("First sync the endpoint whose table the query reads."),
        code="query",
        field="after.each",
    )


class _Page(msgspec.Struct, frozen=True, gc=False):
    row: ParentRow
    records: Page


class _End(msgspec.Struct, frozen=True, gc=False):
    row: ParentRow


class Chain:
    """One walk over the listings of all rows; iterating gives the records of page after page, in no fixed order.

    `others`: how many rows the query gives besides these. `row` is the one that the newest page is of; `ended` is
    called with each row whose listing was read completely, after all its pages were taken. `is_feed`: feeds were read.
    The other attributes are those of a Listing, for all listings together. Proven only if every one was, and
    every row could be asked for. A row at whose address there is nothing (404) has no records, unless that is so for
    all. Raises SyncErrors and Cancelled.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        rows: Sequence[ParentRow],
        resolver: SourceResolver,
        client: Callable[[CancelToken], Client],
        cancel: CancelToken,
        others: int = 0,
        ended: Callable[[ParentRow], None] = lambda _: None,
    ) -> None:
        self.evidence: Evidence = "unproven"
        self.lacking: Lack | None = None
        self.shifting = False
        self.warnings: list[Message] = []
        self.walk = Walk()
        self.row: ParentRow | None = None
        self.is_feed = False
        self._endpoint = endpoint
        self._rows = rows
        self._resolver = resolver
        self._new_client = client
        self._cancel = cancel
        self._others = others
        self._ended = ended
        self._own = CancelToken()  # ends the other requests when one fails
        self._left = iter(rows)
        self._pages: queue.Queue[_Page | _End | BaseException | None] = queue.Queue(_WAITING)
        self._lock = threading.Lock()
        self._listings: list[Listing] = []
        self._clients: list[Client] = []
        self._nothing: list[tuple[ParentRow, SyncError]] = []
        self._unfilled: list[Unfillable] = []
        self._fields = [name for name in endpoint.table.key if name in names_in(endpoint)]

    def __iter__(self) -> Iterator[Page]:
        threads = [threading.Thread(target=self._work, name="chain", daemon=True) for _ in self._rows[:AT_ONCE]]
        cancel = self._stop
        self._cancel.on_cancel(cancel)
        try:
            for thread in threads:
                thread.start()
            yield from self._taken(len(threads))
        finally:
            self._cancel.forget(cancel)
            self._own.cancel(INTERNAL)
            for thread in threads:
                thread.join()
        self._finish()

    def _stop(self) -> None:
        self._own.cancel(self._cancel.reason)

    def _taken(self, working: int) -> Iterator[Page]:
        while working:
            self._cancel.check()
            try:
                found = self._pages.get(timeout=0.2)
            except queue.Empty:
                continue  # after a stop nobody may be left to put anything
            if found is None:
                working -= 1
            elif isinstance(found, BaseException):
                raise found
            elif isinstance(found, _End):
                self._ended(found.row)
            else:
                self.row = found.row
                self.walk.step(found.records)
                self._check_limits()
                yield found.records

    def _check_limits(self) -> None:
        limits = self._endpoint.limits
        if self.walk.pages > limits.pages:
            raise too_many_pages(limits.pages)
        with self._lock:
            received = sum(client.bytes for client in self._clients)
        if received > limits.bytes.bytes:
            raise too_large(say("The responses are larger than the limit of {limit}.", limit=str(limits.bytes)))

    def _work(self) -> None:
        try:
            client = self._new_client(self._own)
            with self._lock:
                self._clients.append(client)
            try:
                while (row := self._next_row()) is not None:
                    self._read(row, client)
            finally:
                client.close()
        except Cancelled as stop:
            self._put(stop)
        except BaseException as error:  # noqa: BLE001  it is raised again in the consumer's thread
            self._put(error)
        self._put(None)

    def _next_row(self) -> ParentRow | None:
        with self._lock:
            return next(self._left, None)

    def _put(self, found: _Page | _End | BaseException | None) -> None:
        while True:
            try:
                self._pages.put(found, timeout=0.1)
                return
            except queue.Full:
                if self._own.cancelled:
                    return  # nobody takes pages any more

    def _read(self, row: ParentRow, client: Client) -> None:
        try:
            endpoint = filled(self._endpoint, row.values)
        except Unfillable as error:
            with self._lock:
                self._unfilled.append(error)
            return
        call = first_page(first_call(endpoint), endpoint.pages)
        try:
            answer = client.fetch(call)
        except SyncError as error:
            if error.status not in _NOTHING_THERE:
                raise
            with self._lock:
                self._nothing.append((row, error))
            return
        resolved = self._resolver.resolve(client, call, answer, self._endpoint.url)
        listing = resolved.listing(client)
        with self._lock:
            self._listings.append(listing)
            self.is_feed = self.is_feed or resolved.endpoint.response.format == "feed"
            self.warnings += [warning for warning in resolved.warnings if warning not in self.warnings]
        for records in listing:
            self._own.check()
            owned = own_records(records, resolved.source.path, self._endpoint.url, utf8=False)
            fields = {name: row.values[name] for name in self._fields}
            self._put(_Page(row, JsonPage(with_fields(owned, fields))))
        if listing.complete:
            self._put(_End(row))

    def _finish(self) -> None:
        asked = len(self._rows) - len(self._unfilled)
        is_nowhere = bool(self._nothing) and len(self._nothing) == asked
        if is_nowhere and not self._others:
            raise self._nothing[0][1]
        self.shifting = any(listing.shifting for listing in self._listings)
        if not is_nowhere and not self._unfilled:
            self.evidence = weakest(listing.evidence for listing in self._listings)
        self.lacking = next((listing.lacking for listing in self._listings if listing.lacking is not None), None)
        for listing in self._listings:
            self.warnings += [warning for warning in listing.warnings if warning not in self.warnings]
        if is_nowhere:
            self.warnings.append(
                say(
                    "None of {number} addresses exists on the server (404). Nothing was deleted.",
                    number=asked,
                )
            )
        elif self._nothing:
            self.warnings.append(
                say(
                    "{missing} of {number} addresses do not exist on the server (404) and count as empty lists.",
                    missing=len(self._nothing),
                    number=asked,
                )
            )
            for row, _ in self._nothing:
                self._ended(row)
        if self._unfilled:
            self.warnings.append(
                say_count(
                    "A row of the query was left out: {reason}. Nothing was deleted, as its records may still be there."
                    " If it has none, exclude the row in after.each.",
                    "{count} rows of the query were left out: {reason}. Nothing was deleted, as their records may still"
                    " be there. If they have none, exclude the rows in after.each.",
                    len(self._unfilled),
                    reason=str(self._unfilled[0]),
                )
            )


def with_fields(records: Sequence[bytes], fields: Row) -> list[bytes]:
    """The raw records, each with these fields where it has none of that name."""
    records = list(records)
    for name, value in fields.items():
        quoted = msgspec.json.encode(name)
        member = b"{" + quoted + b":" + msgspec.json.encode(value)
        records = [record if _has(record, name, quoted) else _joined(member, record) for record in records]
    return records


def _has(record: bytes, name: str, quoted: bytes) -> bool:
    if quoted not in record:
        return False
    try:
        return name in _names.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return True  # what only a lenient reader takes is left as it is; a key that is missing is told later


def _joined(member: bytes, record: bytes) -> bytes:
    rest = record.lstrip()[1:].lstrip()
    return member + (b"" if rest.startswith(b"}") else b",") + rest


class SharedAccess:
    """An Access for several clients at once: credentials are renewed by one at a time."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._lock = threading.Lock()

    @property
    def proxy_password(self) -> str | None:
        """The password for the proxy."""
        return self._access.proxy_password

    def current(self) -> Credentials:
        """The credentials for a request made now."""
        with self._lock:
            return self._access.current()

    def renewed(self, refused: Credentials) -> Credentials | None:
        """Others in place of refused ones; those that another client got meanwhile, if there are any."""
        with self._lock:
            now = self._access.current()
            return now if now != refused else self._access.renewed(refused)
