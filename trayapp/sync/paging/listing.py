"""Walking a listing from its first page to its end."""

from collections.abc import Iterator

import msgspec
import xxhash

from trayapp.endpoints.model import Endpoint, Pages
from trayapp.messages import Message, say, say_count
from trayapp.store.records.pages import Page
from trayapp.sync.errors import SyncError
from trayapp.sync.formats.text import Body, read
from trayapp.sync.http.client import Client
from trayapp.sync.http.links import place_of
from trayapp.sync.http.request import Answer, Call
from trayapp.sync.paging.following import (
    MOST_EMPTY,
    MOST_EMPTY_BY_TOKEN,
    Walk,
    is_past_the_end,
    may_shift,
    next_call,
    upcoming,
)
from trayapp.sync.paging.prefetch import Prefetcher
from trayapp.sync.paging.probe import SecondPage
from trayapp.sync.records.extraction import check_records, cut_records, is_large_list, pieces_of, records_of


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A listing as it was found: its first request, where its records are, how it goes on, its advertised totals."""

    call: Call
    path: str
    pages: Pages
    total: int | None = None
    total_pages: int | None = None


class Listing:
    """One walk over a listing; iterating gives the records of page after page.

    `first` and `second` are pages that were fetched before, and need not be again; `page` is the first, read, with its
    `records`. `start` and `walk` go on with a walk that was broken off: the next request, and how far it was.
    `prefetcher` fetches pages that can be told beforehand.
    With each page, `answer` and `text` are what it was read from and `following` is the request for the next, if any.
    After the end, `complete` says whether everything was read, `shifting` whether rows could have moved between pages,
    and `warnings` what people should know. Raises SyncErrors and Cancelled. Call `own_records` for what is used.
    """

    def __init__(
        self,
        client: Client,
        endpoint: Endpoint,
        source: Source,
        first: Answer | None = None,
        second: SecondPage | None = None,
        start: Call | None = None,
        walk: Walk | None = None,
        prefetcher: Prefetcher | None = None,
        page: Body | None = None,
        records: Page | None = None,
    ) -> None:
        self.complete = False
        self.shifting = False
        self.warnings: list[Message] = []
        self.walk = walk or Walk(total=source.total, total_pages=source.total_pages)
        self.answer: Answer | None = None
        self.text = b""
        self.following: Call | None = None
        self._client = client
        self._endpoint = endpoint
        self.source = source
        self._first = first
        self._second = second
        self._start = start
        self._prefetcher = prefetcher
        self._page = page
        self._records = records
        self._digests: set[bytes] = set()

    def __iter__(self) -> Iterator[Page]:
        source, walk = self.source, self.walk
        if self._prefetcher is not None:
            self._prefetcher.forget()
        start = self._start or source.call
        answer: Answer | None = self._first or self._client.fetch(start)
        asked = {_identity(source.call), _identity(start)}
        while answer is not None:
            if answer.large is not None and not is_large_list(answer, self._endpoint.response, source.path):
                answer = answer.whole()
            page, self._page = self._page or read(answer, self._endpoint, checked=False), None
            self.warnings += [warning for warning in page.warnings if warning not in self.warnings]
            given, self._records = self._records, None
            records = given or records_of(page, source.path, answer.url, cut_records)
            if self._is_repeated(answer, records):
                break
            walk.step(records)
            if answer.large is not None:
                walk.count += answer.large.count
                walk.records += answer.large.count
            try:
                following = next_call(source.call, answer, page.text, source.pages, walk)
            except UnicodeDecodeError:
                check_records([page.text], answer.url)
                raise
            self.answer, self.text, self.following = answer, page.text, following
            if following is not None:
                self.shifting = self.shifting or may_shift(source.pages, following.url)
                self._prefetch()
            yield records
            if answer.large is not None:
                yield from pieces_of(answer.large, source.path, answer.url)
            if following is None or self._is_over(following, _identity(following) in asked):
                break
            if _identity(following) in asked:
                raise _circle(following.url)
            asked.add(_identity(following))
            if source.pages.max is not None and walk.pages >= source.pages.max:
                self.warnings.append(
                    say_count(
                        "Only the first page was read, as pages.max says.",
                        "Only the first {count} pages were read, as pages.max says.",
                        walk.pages,
                    )
                )
                return
            self._check_length()
            answer = self._fetch(following)
        self.complete = self._has_all()

    def _prefetch(self) -> None:
        """Have the next pages fetched while this one is worked on, if there is more than one to come."""
        if self._prefetcher is None or self._second is not None:
            return
        calls = upcoming(self.source.call, self.source.pages, self.walk, self._prefetcher.depth)
        if len(calls) > 1:
            self._prefetcher.want(calls)

    def _fetch(self, call: Call) -> Answer | None:
        second, self._second = self._second, None
        if second is not None and (second.call.url, second.call.body) == (call.url, call.body):
            return second.answer
        try:
            answer = self._prefetcher.take(call) if self._prefetcher is not None else None
            return answer or self._client.fetch(call)
        except SyncError as error:
            if error.status is not None and is_past_the_end(error.status, self.source.pages, self.walk):
                return None
            raise

    def _is_repeated(self, answer: Answer, records: Page) -> bool:
        """Whether this page came before: the end of a listing that repeats its last page, else a circle."""
        numbered = self.source.pages.kind in ("page", "offset")
        content = records.digests.joined if numbered or answer.kept is not None else answer.body
        digest = xxhash.xxh3_128_digest(content + (answer.large.digest if answer.large is not None else b""))
        if not records or digest not in self._digests:
            self._digests.add(digest)
            return False
        if numbered and (self.walk.total is None or self.walk.records >= self.walk.total):
            return True
        raise _circle(answer.url)

    def _is_over(self, following: Call, again: bool) -> bool:
        """Whether a listing ends although it names a next page; `again`: one that was read.

        Some servers name one for ever, behind the end with nothing on it, or name the last page itself.
        """
        walk = self.walk
        if walk.total is not None and walk.records == walk.total and (again or walk.empty):
            return True
        if not walk.empty:
            return False
        if again:
            return True
        if self.source.pages.kind in ("link", "next_url") and may_shift(self.source.pages, following.url):
            return walk.empty > MOST_EMPTY
        if walk.empty > MOST_EMPTY_BY_TOKEN:
            raise SyncError(
                say("The pages do not end"),
                say("{address} keeps sending empty pages.", address=place_of(following.url)),
                say("Set pages.max, or report this to the makers of the API."),
                code="endless_pages",
                field="pages.max",
            )
        return False

    def _check_length(self) -> None:
        if self.walk.pages >= self._endpoint.limits.pages:
            raise too_many_pages(self._endpoint.limits.pages)

    def _has_all(self) -> bool:
        total, records = self.walk.total, self.walk.records
        if total is None or total == records or self.source.pages.kind == "none":
            return True
        self.warnings.append(
            say(
                "The server reports {total} records, but sent {received}. Nothing was deleted in this run.",
                total=total,
                received=records,
            )
        )
        return False


def _identity(call: Call) -> tuple[str, bytes | None, tuple[tuple[str, str], ...]]:
    return call.url, call.body, tuple(call.headers.items())


def _circle(url: str) -> SyncError:
    return SyncError(
        say("The pages repeat"),
        say("{address} leads back to a page that was already read.", address=place_of(url)),
        say("Report this to the makers of the API, or set pages.max."),
        code="endless_pages",
        field="pages.max",
    )


def too_many_pages(limit: int) -> SyncError:
    """The error for more pages than the settings allow."""
    return SyncError(
        say("The list has too many pages"),
        say("It has more than {limit} pages.", limit=limit),
        say("Raise limits.pages if that is expected."),
        code="too_large",
        field="limits.pages",
    )
