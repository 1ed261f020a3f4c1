"""One run of one endpoint: fetch, decode, stage, publish, report."""

import logging
from collections.abc import Callable

from trayapp.endpoints.model import Endpoint
from trayapp.errors import UserError
from trayapp.store.bookkeeping import history
from trayapp.store.mirror.publish import Outcome
from trayapp.sync.cancel import Cancelled, CancelToken, StopReason
from trayapp.sync.oauth.accounts import access_for
from trayapp.sync.reading.chain import SharedAccess
from trayapp.sync.report import Progress, Report, RunStatus
from trayapp.sync.run.chained_listings import ChainedListings
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.current_run import CurrentRun
from trayapp.sync.run.outcome import row_of, unexpected
from trayapp.sync.run.single_listing import SingleListing

log = logging.getLogger(__name__)

_LAST_WORD = 2.0
"""Seconds that a run which was stopped waits for the file, to record itself."""


def run(
    endpoint: Endpoint,
    context: RunContext,
    cancel: CancelToken,
    progress: Callable[[Progress], None] = lambda _: None,
    *,
    full: bool = False,
    apply_held: bool = False,
) -> Report:
    """Bring the endpoint's table up to date and say what that changed; failures are reports too, never exceptions.

    full: compare every record with the table instead of trusting what was known. apply_held: delete without brake.
    The run is recorded in the history whatever its end.
    """
    return _Runner(CurrentRun(endpoint, context, cancel, progress, full, apply_held)).run()


class _Runner:
    def __init__(self, run: CurrentRun) -> None:
        self._run = run
        self._listings: SingleListing | ChainedListings | None = None

    def run(self) -> Report:
        run = self._run
        try:
            return self._mirror()
        except Cancelled as stop:
            return self._ended("stopped", stopped=stop.reason)
        except UserError as error:
            error.hide(run.hide)
            return self._ended("failed", error=error)
        except Exception as error:
            # Whatever one endpoint meets, others are to run after it.
            trouble = unexpected(error)
            if trouble.problem.code == "bug":
                log.exception("The run of %s ended with an unexpected error", run.endpoint.id)
            return self._ended("failed", error=trouble)
        finally:
            if self._listings is not None:
                self._listings.close()
            run.close()

    def _mirror(self) -> Report:
        run, context, after = self._run, self._run.context, self._run.endpoint.after
        access = SharedAccess(access_for(run.endpoint, context.secret, context.accounts, run.cancel))
        run.recall()
        is_chain = after is not None and bool(after.each)
        self._listings = ChainedListings(run, access) if is_chain else SingleListing(run, access)
        return self._listings.mirror()

    def _ended(self, status: RunStatus, stopped: StopReason | None = None, error: UserError | None = None) -> Report:
        run = self._run
        warnings = self._listings.attempt.warnings if self._listings is not None else ()
        report = run.report(status, Outcome(), warnings, stopped, error)
        try:
            # Who stops a run, or the program, does not wait for a line of the history.
            with run.store.writing(patience=_LAST_WORD if run.cancel.cancelled else None) as db:
                history.record_run(db, row_of(report))
        except UserError as trouble:
            log.warning("the run of %s could not be recorded: %s", run.endpoint.id, trouble)
        return report
