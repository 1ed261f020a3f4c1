"""Finding out how a listing goes on by trying: a guess counts only when a second page with other records proves it."""

from collections.abc import Iterable

import msgspec

from trayapp.endpoints.model import Endpoint, Pages
from trayapp.messages import Message, say
from trayapp.sync import names
from trayapp.sync.errors import SyncError
from trayapp.sync.http.client import Client
from trayapp.sync.paging import candidates
from trayapp.sync.paging.candidates import FirstPage
from trayapp.sync.paging.following import first_page
from trayapp.sync.paging.signs import Signs, looks_cut, signs_of
from trayapp.sync.paging.tries import Trial, Tries

_LARGEST_PAGE = 4 << 20
"""Bytes. A larger answer is a whole listing, and dear to ask for again."""
_ONE = Pages(kind="none")


def find_pages(endpoint: Endpoint, client: Client, listing: FirstPage) -> Trial:
    """How the listing goes on after its first page. `pages.kind` is "none" when nothing else was proven.

    A listing may go on without a word, after any number of records: it is asked for more under the usual names.
    """
    envelope, signs = listing.envelope, listing.signs
    count = len(listing.records)
    tries = Tries(endpoint, client, listing)
    if (trial := _by_address(tries, signs)) is not None:
        return trial
    sign = signs.more(count)
    if sign is None and not _may_go_on(listing):
        return Trial(_ONE, "asked", _names_none())
    tries.signed = sign is not None
    for guess in candidates.cursors(endpoint, listing, signs):
        if (trial := tries.attempt(guess)) is not None:
            return trial
    numbers = list(candidates.numbered(endpoint, listing, envelope))
    if sign is None and not numbers and candidates.asks_for(endpoint, count):
        asks = say("The query asks for {number} records and got that many, so there may be more.", number=count)
        return Trial(_ONE, "unproven", asks)
    trial = _by_number(tries, endpoint, listing, numbers, sign is not None)
    longer = None
    if trial is None and not tries.refused_all and not tries.filters:
        longer = _asked_for_more(tries, endpoint, listing) if sign is None else None
        trial = _by_key(tries, endpoint, listing) or _by_unasked_token(tries, listing, longer is not None) or longer
    if trial is not None:
        return trial
    if sign is not None:
        return _not_found(*sign)
    if tries.gave_others():
        return _not_found(say("The server has other records than those on the first page."))
    return _one_page(tries, listing)


def confirm(endpoint: Endpoint, client: Client, listing: FirstPage) -> Trial:
    """Whether the listing goes on as the settings say. A setting is proven as a guess is.

    Raises SyncError, with what was seen, where it leads nowhere although there is more.
    """
    pages, count = endpoint.pages, len(listing.records)
    if pages.kind == "none":
        return Trial(pages, "declared", say("The settings say that there is only one page."))
    tries = Tries(endpoint, client, listing)
    if pages.kind in ("link", "next_url"):
        trial = _led_by(tries, pages)
    else:
        tries.signed = listing.signs.more(count) is not None
        trial = tries.attempt(pages, given=True)
        if trial is None and pages.kind == "cursor" and pages.first is None and not pages.path.startswith("last:"):
            trial = _begun(tries, pages)
    if trial is not None and not trial.cut:
        return trial
    if trial is not None:
        raise _leads_nowhere(trial.proof)
    sign = listing.signs.more(count)
    if sign is not None and sign[1]:
        raise _leads_nowhere(say("{sign} As the settings say, no other records come.", sign=sign[0]))
    # A listing that has one page today shows no way to a second one. It must not have another way, either.
    found = find_pages(msgspec.structs.replace(endpoint, pages=Pages()), client, listing)
    has_more = found.second is not None and bool(found.second.records)
    if found.cut or (has_more and found.pages.kind != pages.kind):
        raise _leads_nowhere(found.proof)
    return msgspec.structs.replace(found, pages=pages)


def _leads_nowhere(seen: Message) -> SyncError:
    return SyncError(
        say("The paging set for this endpoint doesn't work"),
        seen,
        say('Correct pages.path or pages.param, or set pages.kind = "auto".'),
        code="pages_unproven",
        field="pages",
    )


def _names_none() -> Message:
    return say("The response names no further page.")


def _not_found(sign: Message, sure: bool = True) -> Trial:
    """There is a sign of more, and no way that leads there."""
    return Trial(_ONE, "unproven", say("{sign} No way to the next page was found.", sign=sign), cut=sure)


def _by_address(tries: Tries, signs: Signs) -> Trial | None:
    """By an address that the answer gives, the Link header's first."""
    failed: Trial | None = None
    ways: list[tuple[Pages, bool]] = [(Pages(kind="link"), True)] if signs.link is not None else []
    ways += [(Pages(kind="next_url", path=sign.path), sign.sure) for sign in signs.addresses]
    for pages, sure in ways:
        trial = _led_by(tries, pages, quietly=not sure)
        if trial is None:
            continue
        if not trial.cut:
            return trial
        failed = failed or (trial if sure else None)
    return failed


def _led_by(tries: Tries, pages: Pages, quietly: bool = False) -> Trial | None:
    """Whether the answer's own address leads to another page; None when it gives none, or its page can't be used."""
    following = tries.following(pages)
    second = tries.fetched(following, quietly=quietly) if following is not None else None
    if second is None:
        return None
    new = len(tries.keys(second.records) - tries.first)
    by_header = pages.kind == "link"
    if new or not second.records or tries.moved_on(pages, second):
        number = new or len(second.records)
        proof = (
            say("The Link header leads to a next page with {number} other records.", number=number)
            if by_header
            else say(
                "“{path}” in the response leads to a next page with {number} other records.",
                path=pages.path,
                number=number,
            )
        )
        return Trial(pages, "ended", proof, second)
    proof = (
        say("The next page, named by the Link header, has the same records as the first.")
        if by_header
        else say(
            "The next page, named by “{path}” in the response, has the same records as the first.", path=pages.path
        )
    )
    return Trial(pages, "unproven", proof, second, cut=True)


def _by_number(
    tries: Tries, endpoint: Endpoint, listing: FirstPage, numbers: list[Pages], signed: bool
) -> Trial | None:
    """By page numbers or offsets; all names are asked for at once before each is tried."""
    if not numbers:
        return None
    named = [guess for guess in numbers if candidates.are_named(guess, endpoint, listing, listing.envelope)]
    for guess in named if signed else ():
        if (trial := tries.attempt(guess)) is not None:
            return trial
    answered = tries.ask_all(numbers)
    if answered == "same":
        return None
    if answered == "refused" and not signed:
        numbers = numbers[: 8 if looks_cut(len(listing.records)) else 2]
    elif answered == "other":
        tries.look_for_filters()
        numbers = tries.narrowed(numbers)
    for guess in numbers:
        if signed and guess in named:
            continue
        is_named = guess in named
        if tries.filters and not is_named and guess.param[:1] not in ("_", "$"):
            continue
        if (trial := tries.attempt(guess, is_named)) is not None:
            return trial
    return None


def _by_key(tries: Tries, endpoint: Endpoint, listing: FirstPage) -> Trial | None:
    """By the last record's key."""
    ways = candidates.by_last_record(endpoint, listing)
    if ways and endpoint.request.method == "GET":
        page = tries.fetched_with(ways)
        if page is None or tries.is_first(page):
            return None
        if not page.records:
            return tries.ended_by(ways)
        if tries.leads_on(page) and tries.is_stable():
            for way in ways:
                if (trial := tries.attempt(way)) is not None:
                    return trial
    return None


def _by_unasked_token(tries: Tries, listing: FirstPage, is_cut: bool) -> Trial | None:
    """By a token that comes only when it is asked for. is_cut: the server has more than it gave."""
    if listing.call.method != "GET" or listing.text[:1] != b"{" or tries.left <= 0:
        return None
    if not (is_cut or listing.signs.unset or tries.signed or looks_cut(len(listing.records))):
        return None
    page = tries.fetched(candidates.unasked(listing))
    if page is None or not tries.is_first(page):
        return None
    known = {sign.path for sign in listing.signs.tokens}
    signs = signs_of(page.answer.headers, page.envelope, len(page.records), page.call.url)
    new = [sign for sign in signs.tokens if sign.path not in known]
    for sign in new:
        for name, first in names.UNASKED_CURSORS:
            pages = Pages(kind="cursor", path=sign.path, param=name, first=first)
            if (trial := _begun(tries, pages, (first,))) is not None:
                return trial
    return None


def _begun(tries: Tries, pages: Pages, firsts: Iterable[str] = ()) -> Trial | None:
    """Whether tokens come when the first request asks for them: with nothing, or as Solr and Crossref want it."""
    for first in firsts or (("", "*") if "cursor" in pages.param else ("",)):
        begun = msgspec.structs.replace(pages, first=first)
        call = first_page(tries.listing.call, begun)
        page = tries.fetched(call)
        if page is None or not tries.is_first(page) or page.envelope.value(pages.path) in (None, "", False):
            continue
        trial = tries.beginning_with(page).attempt(begun)
        if trial is not None:
            return msgspec.structs.replace(trial, start=call)
    return None


def _asked_for_more(tries: Tries, endpoint: Endpoint, listing: FirstPage) -> Trial | None:
    """A refusal where longer pages have more; None where the listing is as long as it was."""
    call = candidates.larger(endpoint, listing)
    more = tries.fetched(call) if call is not None else None
    if more is not None and tries.first < tries.keys(more.records) and tries.is_stable():
        asked, given = len(listing.records) + 1, len(more.records)
        return _not_found(say("Asked for {asked} records at once, the server sent {given}.", asked=asked, given=given))
    return None


def _one_page(tries: Tries, listing: FirstPage) -> Trial:
    """A listing that goes on under none of the usual names, and gives no sign of more."""
    count = len(listing.records)
    if tries.withheld:
        return Trial(
            _ONE, "unproven", say("The server has pages, but the second one could not be read, so there may be more.")
        )
    total = listing.signs.total
    if total is not None and total.value == count and total.sure:
        proof = say("The server reports {total} records, and the response has them all.", total=total.value)
        return Trial(_ONE, "counted", proof)
    if tries.answers:
        return Trial(
            _ONE, "asked", say("The response names no further page, and asking for one gave no other records.")
        )
    if tries.refused_all and looks_cut(count):
        return Trial(
            _ONE,
            "unproven",
            say("{number} records may be the page size, and the server rejects requests for more.", number=count),
        )
    if tries.refused_all:
        return Trial(_ONE, "asked", say("The response names no further page, and the server rejects requests for one."))
    return Trial(
        _ONE, "asked", say("The response names no further page, and asking for one gave the same records again.")
    )


def _may_go_on(listing: FirstPage) -> bool:
    """Whether it is worth asking for more without a sign of it: a page is not that large, or has a round number."""
    if not listing.records or listing.answer.large is not None:
        return False
    answer = listing.answer
    size = len(answer.body if answer.kept is None else answer.kept)
    return size <= _LARGEST_PAGE or looks_cut(len(listing.records))
