"""The pages of a long listing, kept while it is read, so that a run that broke off can go on where it was.

Kept in a private file of the staging folder: a line that names the format, then frames of length, checksum and
MessagePack. The first frame is the Ticket, each other a page, or a part of a chain. What a kill left half written is
not believed.
"""

import logging
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import IO, Generic, TypeVar

import msgspec
import xxhash

from trayapp.endpoints.model import Pages
from trayapp.store.records.digests import Digests
from trayapp.sync.http.request import Call
from trayapp.sync.paging.following import Walk

log = logging.getLogger(__name__)

LONG_PAGES = 10
LONG_SECONDS = 20.0
LONG_BYTES = 8 * 2**20
"""A listing is kept from so many pages, seconds, or bytes in memory on; a shorter one is read again."""

BELIEVED = timedelta(days=1)
"""How long what was kept can be gone on from."""

SUFFIX = ".pages"
_MAGIC = b"TraySync pages 2\n"
_FRAME = struct.Struct("<IQ")


class Terms(msgspec.Struct, frozen=True):
    """What must be the same for a listing to be gone on with: the request, the table, and that none was published.

    partial: whether only what changed since the cursor is listed. full: whether nothing was known of the table.
    """

    asked: str
    table: str
    published: int
    cursor: str | None
    partial: bool
    full: bool


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out of a listing before its pages: how it is read, and when it began by the server's clock.

    A chain's listings are each found out about anew.
    """

    terms: Terms
    made: datetime
    began: datetime
    path: str = ""
    format: str = "auto"
    pages: Pages = Pages()
    total: int | None = None
    total_pages: int | None = None


class KeptCall(msgspec.Struct, frozen=True):
    """A request that goes on with a listing, without the headers that its first request had."""

    url: str
    method: str
    headers: Mapping[str, str]
    body: bytes | None

    @staticmethod
    def of(call: Call, first: Call) -> "KeptCall":
        """From a call, and the first of the listing."""
        added = {name: value for name, value in call.headers.items() if first.headers.get(name) != value}
        return KeptCall(call.url, call.method, added, call.body)

    def call(self, first: Call) -> Call:
        """The call again."""
        return Call(url=self.url, method=self.method, headers={**first.headers, **self.headers}, body=self.body)

    def texts(self) -> str:
        """All that is written of it, to be searched for secrets."""
        body = (self.body or b"").decode("utf-8", "replace")
        return "\n".join([self.url, *self.headers.values(), body])


class KeptPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page: the digests of its unchanged records, the others' bytes, and where it goes on.

    newest, own: how far the cursors were followed (incremental.Tracker).
    """

    unchanged: Digests
    records: list[bytes]
    walk: Walk
    following: KeptCall
    newest: str | None = None
    own: str | None = None

    def texts(self) -> str:
        """All that is written of it but the records, to be searched for secrets."""
        return "\n".join([self.following.texts(), self.newest or "", self.own or ""])


class KeptPart(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a chain: a page of one row's listing, or its end. Digests and records as in a KeptPage.

    `is_first`: what was kept of the row before does not count. `seen` is set at the end: how the row was.
    """

    row: bytes
    is_first: bool = False
    seen: bytes = b""
    unchanged: Digests = Digests()
    records: list[bytes] = []


Frame = TypeVar("Frame", KeptPage, KeptPart)


class Journal:
    """Writes the pages of one listing. A short listing leaves no file; a disk that is full ends the keeping only."""

    def __init__(
        self, path: Path, ticket: Ticket, hide: Callable[[str], str] = str, file: IO[bytes] | None = None
    ) -> None:
        """`hide` takes secrets out of a text. `file` is an open one that holds all before."""
        self.pages = 0
        """Pages that are kept in the file by this journal."""
        self._path = path
        self._waiting = [] if file else [_MAGIC, _framed(ticket)]
        self._file = file
        self._hide = hide
        self._since = monotonic()
        self._count = 0
        self._given_up = False

    def add(self, page: KeptPage | KeptPart) -> None:
        """Keep a page."""
        if self._given_up:
            return
        text = page.texts() if isinstance(page, KeptPage) else ""
        if self._hide(text) != text:
            self._given_up = True  # the server repeats a secret in where it goes on, and a file must not hold it
            self.discard()
            return
        self._count += isinstance(page, KeptPage) or not page.seen
        self._waiting.append(_framed(page))
        size = sum(map(len, self._waiting))
        is_long = self._count >= LONG_PAGES or size >= LONG_BYTES or monotonic() - self._since >= LONG_SECONDS
        if self._file is None and not is_long:
            return
        try:
            self._write()
        except OSError as error:
            log.warning("the pages read so far can't be kept: %s", error.strerror)
            self._given_up = True
            self.discard()

    def _write(self) -> None:
        if self._file is None:
            self._path.unlink(missing_ok=True)
            handle = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o600)
            self._file = os.fdopen(handle, "wb")
        self._file.write(b"".join(self._waiting))
        self._file.flush()
        self.pages = self._count
        self._waiting = []

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing for the next run."""
        return not self._path.exists()

    def close(self) -> None:
        """Leave what is kept for the next run."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._given_up = True

    def discard(self) -> None:
        """Throw away what is kept: the listing was read to its end, or can't be gone on with."""
        self.close()
        self._path.unlink(missing_ok=True)


class Kept(Generic[Frame]):
    """A listing that broke off, as it was kept."""

    def __init__(self, path: Path, ticket: Ticket, file: IO[bytes], kind: type[Frame]) -> None:
        self.ticket = ticket
        self._path = path
        self._file = file
        self._decoder: msgspec.msgpack.Decoder[Frame] = msgspec.msgpack.Decoder(kind)
        self._start = file.tell()
        self.last: Frame | None = None
        self.count = 0
        end = self._start
        for page in self._frames():
            self.last, end = page, file.tell()
            self.count += 1
        self._end = end

    def _frames(self) -> Iterator[Frame]:
        self._file.seek(self._start)
        while (payload := _payload(self._file)) is not None:
            yield self._decoder.decode(payload)

    def __iter__(self) -> Iterator[Frame]:
        """The pages in the order they were read."""
        return self._frames()

    def journal(self, hide: Callable[[str], str] = str) -> Journal:
        """Go on keeping behind the last page."""
        self._file.truncate(self._end)
        self._file.seek(self._end)
        return Journal(self._path, self.ticket, hide, self._file)

    def discard(self) -> None:
        """Throw it away."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def _framed(value: object) -> bytes:
    payload = msgspec.msgpack.encode(value)
    return _FRAME.pack(len(payload), xxhash.xxh3_64_intdigest(payload)) + payload


def _payload(file: IO[bytes]) -> bytes | None:
    head = file.read(_FRAME.size)
    if len(head) < _FRAME.size:
        return None
    size, digest = _FRAME.unpack(head)
    payload = file.read(size)
    return payload if len(payload) == size and xxhash.xxh3_64_intdigest(payload) == digest else None


def path_for(folder: Path, id: str) -> Path:
    """Where an endpoint's listing is kept; the digest tells ids apart that a file system takes for the same."""
    return folder / f"{id}-{xxhash.xxh3_64_hexdigest(id.encode())[:8]}{SUFFIX}"


def load(path: Path, terms: Terms, now: datetime, kind: type[Frame]) -> Kept[Frame] | None:
    """What was kept on these terms, in frames of this kind; anything else there is thrown away."""
    try:
        file = path.open("r+b")
    except FileNotFoundError:
        return None
    kept = _read(path, file, kind)
    if kept is not None and kept.count and kept.ticket.terms == terms and _is_recent(kept.ticket.made, now):
        return kept
    file.close()
    path.unlink(missing_ok=True)
    return None


def _read(path: Path, file: IO[bytes], kind: type[Frame]) -> Kept[Frame] | None:
    if file.read(len(_MAGIC)) != _MAGIC:
        return None
    payload = _payload(file)
    if payload is None:
        return None
    try:
        return Kept(path, msgspec.msgpack.decode(payload, type=Ticket), file, kind)
    except msgspec.DecodeError:
        return None


def _is_recent(made: datetime, now: datetime) -> bool:
    return timedelta(0) <= now - made < BELIEVED


def clean(folder: Path, now: datetime) -> None:
    """Remove what is too old to be gone on with; at the start of the program."""
    for path in folder.glob(f"*{SUFFIX}"):
        if not _is_recent(datetime.fromtimestamp(path.stat().st_mtime, UTC), now):
            path.unlink(missing_ok=True)
