"""The listing of an endpoint that has only one: begun anew, or gone on with where a run before broke off."""

import msgspec

from trayapp.messages import Message, say
from trayapp.store.staging.published import ListingNeeded
from trayapp.sync.changes import conditional
from trayapp.sync.changes.cursor import (
    Tracker,
    asks_for_changes,
    is_expired,
    is_partial,
    says_nothing_new,
    server_time,
    since,
)
from trayapp.sync.detection.resolver import ResolvedSource, SourceResolver, keyed
from trayapp.sync.errors import SyncError
from trayapp.sync.http.auth import Access
from trayapp.sync.http.budget import Pace
from trayapp.sync.http.request import Call, first_call
from trayapp.sync.paging.following import first_page
from trayapp.sync.paging.listing import Listing, Source
from trayapp.sync.paging.prefetch import Prefetcher
from trayapp.sync.reading.journal import Journal, Kept, KeptPage, Terms, Ticket, load
from trayapp.sync.reading.listing_reading import OutOfDate, Reading, Target
from trayapp.sync.reading.merged import Merged, comes_in_parts
from trayapp.sync.report import Report
from trayapp.sync.run.attempt import Attempt
from trayapp.sync.run.current_run import CurrentRun

_CANT_GO_ON = (400, 404, 409, 410, 422, 500)
"""Answers to the request that goes on with a listing after which it is begun anew: its cursor is no longer known."""


class SingleListing:
    """Mirrors the listing in as many attempts as it takes; `attempt` is the newest. `close` when done."""

    def __init__(self, run: CurrentRun, access: Access) -> None:
        pace = Pace(run.endpoint.limits.rate)
        self._run = run
        self._client = run.client(access, run.cancel, pace)
        self._prefetcher = Prefetcher(
            lambda cancel: run.client(access, cancel, pace), run.cancel, run.endpoint.limits.connections
        )
        self._resolver = SourceResolver(run.endpoint, run.store, run.started)
        self._incremental = run.endpoint.incremental if asks_for_changes(run.endpoint) else None
        self.attempt = Attempt(run, self._resolver)

    def mirror(self) -> Report:
        """Only what changed if that will do, else all. SyncErrors and Cancelled."""
        run = self._run
        partial = not (run.full or run.apply_held or run.is_keyless)
        partial = partial and is_partial(run.endpoint, run.marks, run.started)
        try:
            return self._mirror(partial, run.full)
        except ListingNeeded:
            return self._mirror(partial=False, full=True)
        except SyncError as error:
            if not partial or not (is_expired(error) or error.status == 404):
                raise
            why = say("The server no longer knows the cursor, so the whole list was read.")
            if not is_expired(error):
                why = say("The server found nothing to answer with, and did not say what, so the whole list was read.")
        return self._mirror(False, run.full, why)

    def close(self) -> None:
        """End the requests under way."""
        self._prefetcher.close()

    def _mirror(self, partial: bool, full: bool, *warnings: Message) -> Report:
        """partial: only what changed since the last run."""
        run = self._run
        base = call = first_page(first_call(run.endpoint), run.endpoint.pages)
        if self._incremental is not None:
            call = since(base, self._incremental, run.marks.cursor if partial else None)
        full = full or run.is_keyless
        terms = run.terms(partial, full)
        kept = load(run.journal_path, terms, run.started, KeptPage)
        if kept is not None and (report := self._go_on(call, kept, *warnings)) is not None:
            return report
        self.attempt = Attempt(run, self._resolver, *warnings)
        may_skip = not (partial or full or run.apply_held) and conditional.can_ask(run.endpoint, run.marks, run.started)
        try:
            answer = self._client.fetch(conditional.asking(call, run.marks) if may_skip else call)
            if may_skip and conditional.is_unmodified(answer, run.marks):
                return self.attempt.leave()
            resolved = self._resolver.resolve(self._client, call, answer, base.url, whole=not partial)
        except SyncError as error:
            if partial and says_nothing_new(error):
                return self.attempt.leave()
            raise
        target = Target(partial=partial, full=full, began=server_time(answer) or run.started)
        self.attempt.resolved = resolved
        return self.attempt.mirror(self._reading(resolved, target, self._journal(resolved, target, terms)))

    def _go_on(self, call: Call, kept: Kept[KeptPage], *warnings: Message) -> Report | None:
        """Go on with a listing that broke off; None when that is not possible: then nothing of it is left."""
        self.attempt = Attempt(self._run, self._resolver, *warnings)
        endpoint, ticket = self._run.endpoint, kept.ticket
        response = msgspec.structs.replace(endpoint.response, records=ticket.path, format=ticket.format)
        source = Source(
            call=call, path=ticket.path, pages=ticket.pages, total=ticket.total, total_pages=ticket.total_pages
        )
        resolved = ResolvedSource(msgspec.structs.replace(endpoint, response=response), source)
        target = Target(partial=ticket.terms.partial, full=ticket.terms.full, began=ticket.began)
        reading = self._reading(resolved, target, kept.journal(self._client.hide), kept)
        try:
            return self.attempt.mirror(reading)
        except OutOfDate:
            reading.discard()
        except SyncError as error:
            if reading.progressed or error.status not in _CANT_GO_ON:
                raise
            reading.discard()
        return None

    def _reading(
        self, resolved: ResolvedSource, target: Target, journal: Journal, kept: Kept[KeptPage] | None = None
    ) -> Reading:
        run, client, prefetcher = self._run, self._client, self._prefetcher
        endpoint, source = resolved.endpoint, resolved.source
        tracker = None
        if self._incremental is not None:
            tracker = Tracker(self._incremental, source.pages, run.marks.cursor if target.partial else None)
        first = resolved.listing(client, prefetcher)
        if kept is not None and kept.last is not None:
            start, walk = kept.last.following.call(source.call), kept.last.walk
            first = Listing(client, endpoint, source, start=start, walk=walk, prefetcher=prefetcher)
        whole = keyed(endpoint, run.key)
        if comes_in_parts(first):
            again = Listing(client, endpoint, source)
            return Reading(
                whole, target, (Merged(again, whole), lambda: Merged(Listing(client, endpoint, source), whole))
            )
        walks = first, lambda: Listing(client, endpoint, source, prefetcher=prefetcher)
        return Reading(whole, target, walks, tracker, journal, kept)

    def _journal(self, resolved: ResolvedSource, target: Target, terms: Terms) -> Journal:
        response, source = resolved.endpoint.response, resolved.source
        ticket = Ticket(
            terms=terms,
            made=self._run.started,
            began=target.began,
            path=response.records,
            format=response.format,
            pages=source.pages,
            total=source.total,
            total_pages=source.total_pages,
        )
        return Journal(self._run.journal_path, ticket, self._client.hide)
