"""One try to make a table equal to a listing: its records staged, proven to be all, published."""

from contextlib import closing
from datetime import datetime

import msgspec

from trayapp.endpoints.model import Endpoint
from trayapp.messages import Message, say, say_count
from trayapp.store.bookkeeping import history
from trayapp.store.bookkeeping.endpoint_states import Marks, load_state, save_evidence, write_found, write_marks
from trayapp.store.bookkeeping.parent_rows import save_parents
from trayapp.store.errors import UnfitKey, shared_key
from trayapp.store.mirror.claim import Plan, load_known, make_plan
from trayapp.store.mirror.deletions import Proof, count_missing
from trayapp.store.mirror.publish import Outcome, publish
from trayapp.store.mirror.schema import HASH_KEY, OWN_KEYS
from trayapp.store.records.fields import decode_records
from trayapp.store.staging.published import Known
from trayapp.store.staging.staging import Staging
from trayapp.sync.cancel import Cancelled
from trayapp.sync.changes import conditional
from trayapp.sync.changes.cursor import asks_for_changes, without_secrets
from trayapp.sync.detection.proof import Repeated, Walked, judged
from trayapp.sync.detection.resolver import ResolvedSource, SourceResolver, keyed
from trayapp.sync.errors import AuthError, SyncError, TransientError
from trayapp.sync.evidence import Evidence, Lack
from trayapp.sync.paging.listing import Listing
from trayapp.sync.reading.chain import Chain
from trayapp.sync.reading.chain_reading import ChainReading
from trayapp.sync.reading.listing_reading import Reading, Target, Walkable
from trayapp.sync.records.keys import key_for, tells_apart
from trayapp.sync.report import Progress, Report
from trayapp.sync.run.current_run import CurrentRun
from trayapp.sync.run.outcome import row_of

AnyReading = Reading | ChainReading


class Attempt:
    """What it warns of and the first page it begins with are its own: another attempt begins anew."""

    def __init__(self, run: CurrentRun, resolver: SourceResolver, *warnings: Message) -> None:
        self.warnings = [*warnings]
        self.resolved: ResolvedSource | None = None
        """What was found out from the first page; None where no first page was asked for: of a chain, or kept."""
        self._run = run
        self._resolver = resolver

    def mirror(self, reading: AnyReading) -> Report:
        """Read all, publish it, and record the run.

        ListingNeeded when that takes more than what was read, OutOfDate as `Reading.stage`; SyncErrors and Cancelled:
        then what was read stays kept if the next run can go on from there.
        """
        run, table = self._run, reading.endpoint.table
        is_new = not table.key and table.mode != "append"  # it has no table yet, so nothing could be known
        with closing(reading), closing(self._staging(reading, is_new)) as staging:
            try:
                reading.stage(staging, run.tell)
                endpoint, target = reading.endpoint, reading.target
                found = [*self.resolved.warnings] if self.resolved is not None else []
                if is_new and reading.sample:
                    alone = self.resolved is not None and self.resolved.alone
                    endpoint = keyed(
                        endpoint, key_for(decode_records(reading.sample), table.name, alone, endpoint.response.format)
                    )
                    if endpoint.table.key == (HASH_KEY,):
                        found.append(say("No field identifies a record, so records are compared by their content."))
                        target = msgspec.structs.replace(target, full=True)
                plan = self._plan(endpoint)
                proof = self._proof(endpoint, plan, staging, reading, target)
                run.cancel.check()
                run.progress(
                    Progress(endpoint=endpoint.id, pages=staging.pages, records=staging.records, doing="saving")
                )
                self.warnings += [*found, *reading.walked.warnings]
                if reading.tracker is not None:
                    self.warnings += reading.tracker.warnings()
                if endpoint.table.mode == "replace" and proof == "none" and run.endpoint.pages.max is None:
                    raise SyncError(
                        say("The list is incomplete"),
                        lack.cause if (lack := reading.walked.lacking) is not None else say("It ended too early."),
                        say("The table is unchanged. The next run will try again."),
                        code="incomplete",
                    )
                try:
                    return self._publish(endpoint, plan, staging, proof, target, reading, guessed=is_new)
                except UnfitKey:
                    if not is_new or not endpoint.table.key or endpoint.table.key[0] in OWN_KEYS:
                        raise
                self.warnings.append(
                    say(
                        "Records share the value of {field}, so they are compared by their content. If other fields"
                        " identify them, set table.key.",
                        field=", ".join(endpoint.table.key),
                    )
                )
                endpoint, target = keyed(endpoint, (HASH_KEY,)), msgspec.structs.replace(target, full=True)
                return self._publish(endpoint, self._plan(endpoint), staging, proof, target, reading)
            except (Cancelled, SyncError) as trouble:
                if not isinstance(trouble, Cancelled | TransientError | AuthError):
                    reading.discard()  # what is wrong with the listing would still be wrong
                elif reading.kept_pages:
                    self.warnings.append(
                        say_count(
                            "One page is kept, and the next run will continue from there.",
                            "{count} pages are kept, and the next run will continue from there.",
                            reading.kept_pages,
                        )
                    )
                raise

    def leave(self) -> Report:
        """Record a run that found nothing new."""
        run = self._run
        with run.store.writing(run.cancel, file=run.file) as db:
            rows = load_state(db, run.endpoint.id).rows or 0
            same = Outcome(unchanged=rows, rows=rows)
            report = run.report("succeeded", same, self.warnings, evidence=self._resolver.evidence)
            history.record_run(db, row_of(report))
        return report

    def _staging(self, reading: AnyReading, is_new: bool) -> Staging:
        known = Known() if is_new else self._known(reading.endpoint, reading.target)
        return Staging(self._run.context.staging, known)

    def _plan(self, endpoint: Endpoint) -> Plan:
        with self._run.store.writing(self._run.cancel, file=self._run.file) as db:
            return make_plan(db, endpoint, self._run.context.find)

    def _known(self, endpoint: Endpoint, target: Target) -> Known:
        plan = self._plan(endpoint)
        if target.full or target.partial or endpoint.table.mode in ("append", "replace"):
            return Known()
        with self._run.store.reading() as db:
            return load_known(db, plan)

    def _proof(self, endpoint: Endpoint, plan: Plan, staging: Staging, reading: AnyReading, target: Target) -> Proof:
        """How far the listing proves that what it lacks is gone, after a comparison and a second walk if need be."""
        walked, mode = reading.walked, endpoint.table.mode
        walk, complete = walked.walk, _is_complete(walked)
        is_all_new = complete and walked.shifting and (plan.shape is None or mode == "replace")
        listing = Walked(
            complete=complete,
            shifting=walked.shifting,
            resumed=reading.resumed,
            partial=target.partial,
            unseen=is_all_new and mode != "append" and (walk.total is None or walk.total != staging.distinct()),
            by_cursor=asks_for_changes(endpoint),
            counted=walk.total is not None,
            pages=walk.pages,
        )
        while True:
            proof = judged(listing)
            if proof == "compare":
                with self._run.store.reading() as db:
                    lacks = count_missing(db, endpoint, plan, staging, target.full) > 0
                listing = msgspec.structs.replace(listing, lacks=lacks)
            elif proof == "repeat":
                repeated = self._repeat(staging, reading, may_fail=listing.unseen)
                listing = msgspec.structs.replace(listing, repeated=repeated)
            else:
                break
        if proof == "half" and listing.is_last_chance:
            self.warnings.append(
                say("Records that moved between pages during the run may only arrive with the next full list.")
            )
        return proof

    def _repeat(self, staging: Staging, reading: AnyReading, may_fail: bool) -> Repeated:
        walked = reading.walked
        try:
            reading.stage_again(staging, self._run.tell)
        except TransientError:
            if not may_fail:
                raise
            # A server that allows no more requests now would allow no more at the next attempt.
            reading.walked = walked
            return "refused"
        return "complete" if _is_complete(reading.walked) else "incomplete"

    def _publish(
        self,
        endpoint: Endpoint,
        plan: Plan,
        staging: Staging,
        proof: Proof,
        target: Target,
        reading: AnyReading,
        guessed: bool = False,
    ) -> Report:
        """guessed: the key is, for the first time. UnfitKey where it does not tell the records apart."""
        run = self._run
        with run.store.writing(run.cancel, file=run.file) as db:
            number = history.next_number(db)
            outcome = publish(
                db,
                endpoint,
                plan,
                staging,
                number,
                proof="none" if target.partial else proof,
                full=target.full,
                apply_held=run.apply_held,
                partial=target.partial,
                checks=run.full and not run.is_keyless,
            )
            if not tells_apart(endpoint.table.key, outcome.shared, staging.records, guessed):
                raise shared_key(endpoint.table.key, outcome.shared)
            report = self._report(outcome, reading)
            save_evidence(db, endpoint.id, report.evidence or "")
            history.record_run(db, row_of(report), number)
            if isinstance(reading.walked, Listing) and report.status != "incomplete":
                self._resolver.learn(reading.walked.shape)
            found = self._resolver.proven
            if found is not None and run.hide(found) == found:  # it has names that the server gave
                write_found(db, endpoint.id, found)
            marks = _marks(run.marks, run.started, reading, proof != "none", outcome)
            write_marks(db, endpoint.id, without_secrets(marks, endpoint, run.hide))
            if isinstance(reading, ChainReading):
                save_parents(db, endpoint.id, reading.before, reading.parents)
        run.store.checkpoint()
        return report

    def _report(self, outcome: Outcome, reading: AnyReading) -> Report:
        walked = reading.walked
        evidence: Evidence = walked.evidence if walked.lacking is None else "unproven"
        if walked.lacking is not None and not outcome.held:
            error = _incomplete(walked.lacking)
            return self._run.report("incomplete", outcome, self.warnings, error=error, evidence=evidence)
        return self._run.report("held" if outcome.held else "succeeded", outcome, self.warnings, evidence=evidence)


def _incomplete(lack: Lack) -> SyncError:
    return SyncError(
        say("The list is incomplete"),
        lack.cause,
        say(
            "Nothing was deleted, and it will be tried again. If the list is complete all the same, set {setting}.",
            setting=lack.setting,
        ),
        code="incomplete",
        field=lack.setting,
        action="retry",
    )


def _is_complete(walked: Walkable | Chain) -> bool:
    return walked.evidence != "unproven" and walked.lacking is None


def _marks(before: Marks, started: datetime, reading: AnyReading, complete: bool, outcome: Outcome) -> Marks:
    """What the next run can go on from."""
    if isinstance(reading, ChainReading):
        last_full = started if reading.is_whole else before.last_full
        return Marks(asked=before.asked, last_full=None if outcome.suspects else last_full)
    if reading.tracker is not None:
        if not complete:
            return before
        last_full = before.last_full if reading.target.partial else started
        if outcome.suspects:
            last_full = None  # only a whole listing can tell of them
        return msgspec.structs.replace(before, cursor=reading.tracker.cursor(reading.target.began), last_full=last_full)
    walk, answer = reading.walked.walk, reading.answer
    is_whole = complete and not outcome.held and not reading.resumed and conditional.is_whole(reading.endpoint, walk)
    return conditional.marked(before, answer, started) if answer is not None and is_whole else Marks()
