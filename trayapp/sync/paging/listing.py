"""Walking a listing from its first page to its end."""

from collections.abc import Callable, Iterator

import msgspec
import xxhash

from trayapp.endpoints.model import Endpoint, Pages
from trayapp.endpoints.paths import is_plain
from trayapp.messages import Message, say, say_count
from trayapp.store.records.pages import Page
from trayapp.sync.errors import SyncError
from trayapp.sync.evidence import Evidence, Lack
from trayapp.sync.formats.faults import no_list
from trayapp.sync.formats.text import Body, read
from trayapp.sync.http.client import Client
from trayapp.sync.http.links import place_of
from trayapp.sync.http.request import Answer, Call
from trayapp.sync.paging.answer_shape import AnswerShape, failure_in, shape_of
from trayapp.sync.paging.envelope import Envelope, read_envelope
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
from trayapp.sync.paging.signs import flag_of, signs_of
from trayapp.sync.paging.tries import SecondPage
from trayapp.sync.records.extraction import check_records, cut_records, is_large_list, pieces_of, records_of

MOST_SAME = 100
"""So many pages with the same records may come in a row where no field tells records apart."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A listing as it was found: its first request, where its records are, how it goes on, its advertised totals.

    evidence: why its first page is believed to be all of it, or to be followed by the others. shape: what the answers
    of earlier runs looked like, None when there were none.
    """

    call: Call
    path: str
    pages: Pages
    evidence: Evidence = "ended"
    shape: AnswerShape | None = None
    total: int | None = None
    total_pages: int | None = None


class Listing:
    """One walk over a listing; iterating gives the records of page after page.

    `first` and `second` are pages that were fetched before, and need not be again; `page` is the first, read, with its
    `records`. `start` and `walk` go on with a walk that was broken off: the next request, and how far it was.
    `prefetcher` fetches pages that can be told beforehand.
    With each page, `answer` and `envelope` are what it was read from and `following` is the request for the next, if
    any. After the end, `evidence` says why this is believed to be everything, `lacking` what is missing for certain,
    `shifting` whether rows could have moved between pages, and `warnings` what people should know. Raises SyncErrors
    and Cancelled. Call `own_records` for what is used.
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
        self.evidence: Evidence = "unproven"
        self.lacking: Lack | None = None
        self.shifting = False
        self.warnings: list[Message] = []
        self.walk = walk or Walk(total=source.total, total_pages=source.total_pages)
        self.answer: Answer | None = None
        self.envelope = Envelope(b"", ())
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
        self._same = 0
        self.shape: AnswerShape | None = None
        self._odd: str | None = None
        self._is_list: bool | None = None

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
            records = given or self._records_on(page, answer.url)
            self.warnings += [warning for warning in records.warnings if warning not in self.warnings]
            if self._is_repeated(answer, records):
                break
            walk.step(records)
            if answer.large is not None:
                walk.count += answer.large.count
                walk.records += answer.large.count
            try:
                envelope = read_envelope(page.text, source.path, answer.url, self._endpoint.response.harmless)
                following = next_call(source.call, answer, envelope, source.pages, walk)
            except UnicodeDecodeError:
                check_records([page.text], answer.url)
                raise
            self.answer, self.envelope, self.following = answer, envelope, following
            self._look_at_shape(answer, envelope)
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
        self._conclude()

    def _records_on(self, page: Body, url: str) -> Page:
        """The records of a page; a single one may stand on a later page where the others had a list of them."""
        path = self.source.path
        if self.walk.pages and self._is_list is not None and (page.text[:1] == b"[") != self._is_list:
            raise no_list(path, url, say("It is of another kind than the page before."))
        self._is_list = page.text[:1] == b"["
        try:
            return records_of(page, path, url, cut_records)
        except SyncError:
            if not self.walk.last or not is_plain(path.rpartition(".")[2]):
                raise
            alone = records_of(page, f"{path}[]", url, cut_records)
            if len(alone) != 1 or _names(alone[0]) != _names(self.walk.last):
                raise
            return alone

    @property
    def complete(self) -> bool:
        """Whether everything was read, on any evidence."""
        return self.evidence != "unproven" and self.lacking is None

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
            self._same = 0
            return False
        self._same += 1
        if self._may_repeat(records) and self._same <= MOST_SAME:
            return False
        if numbered and (self.walk.total is None or self.walk.records >= self.walk.total):
            return True
        raise _circle(answer.url)

    def _may_repeat(self, records: Page) -> bool:
        """Whether equal pages may be different ones: records are equal even within one, and more of them are named."""
        if len({*records.digests}) == len(records):
            return False
        if self.source.pages.kind in ("page", "offset"):
            return self.walk.total is not None and self.walk.records < self.walk.total
        return self.source.evidence == "ended"

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
        more = flag_of(self.envelope) or (walk.total_pages is not None and walk.pages < walk.total_pages)
        by_position = self.source.pages.kind in ("page", "offset") or may_shift(self.source.pages, following.url)
        if by_position and not more:
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

    def _last_total(self) -> int | None:
        """How many records the newest page says there are: more than the first one said, where some came meanwhile."""
        if self.answer is None:
            return None
        said = signs_of(self.answer.headers, self.envelope, self.walk.count, self.answer.url).total
        return said.value if said is not None else None

    def _look_at_shape(self, answer: Answer, envelope: Envelope) -> None:
        """Whether a page says that it is not all there, or looks like no page did before."""
        if self._is_record(envelope):
            return
        failure = failure_in(envelope)
        if failure is not None and self.lacking is None:
            self.lacking = Lack(partial(failure, self._client.hide), "response.harmless")
        shape = shape_of(answer, envelope)
        self.shape = shape.widened(self.shape)
        if self.source.shape is not None and self._odd is None:
            self._odd = shape.beyond(self.source.shape)

    def _is_record(self, envelope: Envelope) -> bool:
        """Whether a page is one record, so that nothing stands beside it."""
        return not self.source.path and envelope.text[:1] == b"{"

    def _conclude(self) -> None:
        """Say why what was read is everything, or what is missing."""
        source, walk = self.source, self.walk
        if self.lacking is not None:
            return
        if self._odd is not None:
            self.warnings.append(
                say(
                    "The response has something it never had before: {field}. Nothing was deleted in this run.",
                    field=self._odd,
                )
            )
            return
        total = None if source.pages.ignore_total else walk.total
        if source.pages.kind == "none" and source.evidence != "unproven":
            self.evidence = source.evidence
        elif total is not None and walk.records not in (total, self._last_total()):
            cause = say("The server reports {total} records, but sent {received}.", total=total, received=walk.records)
            self.lacking = Lack(cause, "pages.ignore_total")
        elif total is not None:
            self.evidence = "counted"
        elif flag_of(self.envelope) is True and source.evidence != "declared" and not self._is_record(self.envelope):
            self.lacking = Lack(say("The last page says that more follows."), "response.harmless")
        else:
            self.evidence = "ended" if walk.pages > 1 and source.evidence == "asked" else source.evidence


def _identity(call: Call) -> tuple[str, bytes | None, tuple[tuple[str, str], ...]]:
    return call.url, call.body, tuple(call.headers.items())


def partial(failure: tuple[str, str], hide: Callable[[str], str]) -> Message:
    """A failure that an answer tells of, in the server's words."""
    return say("{field} in the response: {words}", field=failure[0], words=hide(failure[1]))


def _names(record: bytes) -> set[str]:
    return set(msgspec.json.decode(record, type=dict[str, msgspec.Raw]))


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
