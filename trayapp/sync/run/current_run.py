"""One run of one endpoint while it lasts: what its attempts share, and what it cost so far."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from trayapp.endpoints.model import Endpoint
from trayapp.errors import UserError
from trayapp.messages import Message
from trayapp.store.bookkeeping import endpoint_states, history
from trayapp.store.bookkeeping.endpoint_states import Marks, read_marks
from trayapp.store.file.identity import FileId
from trayapp.store.mirror.claim import count_rows, is_current, stored_key
from trayapp.store.mirror.mapping import mapping_of
from trayapp.store.mirror.publish import Outcome
from trayapp.store.mirror.schema import HASH_KEY
from trayapp.sync.cancel import CancelToken, StopReason
from trayapp.sync.changes.cursor import fingerprint
from trayapp.sync.evidence import Evidence
from trayapp.sync.http.auth import Access
from trayapp.sync.http.budget import Pace
from trayapp.sync.http.client import Client
from trayapp.sync.paging.following import Walk
from trayapp.sync.reading.journal import Terms, path_for
from trayapp.sync.report import Progress, Report, RunStatus
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.outcome import report_of


class CurrentRun:
    """What is asked for, what the last run left, and the clients made. `close` when it is over.

    full, apply_held: as in `runner.run`; a table that is not what is known of it is compared in full, too. `marks` and
    `published` are what the last run left, as far as it holds for the request and the table as the settings have them
    now. `key` is that of the settings, else the one that the table was made with; () when there is none yet.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        context: RunContext,
        cancel: CancelToken,
        progress: Callable[[Progress], None],
        full: bool,
        apply_held: bool,
    ) -> None:
        self.endpoint = endpoint
        self.context = context
        self.store = context.store
        self.cancel = cancel
        self.progress = progress
        self.full = full
        self.apply_held = apply_held
        self.started = context.now()
        self.marks = Marks()
        self.published = 0
        self.key = endpoint.table.key
        self.file: FileId | None = None
        """The database's file when the run began: what is found out from it is not for another one."""
        self._clients: list[Client] = []

    def recall(self) -> None:
        """Look up what the last run left."""
        endpoint = self.endpoint
        asked = fingerprint(endpoint)
        self.file = self.store.file_id()
        self._look_at_table()
        with self.store.reading() as db:
            marks = read_marks(db, endpoint.id)
            self.marks = marks if is_current(db, endpoint) and marks.asked == asked else Marks(asked=asked)
            self.published = history.last_publish(db, endpoint.id)
            if not endpoint.table.key and endpoint.table.mode != "append":
                self.key = stored_key(db, endpoint)

    def _look_at_table(self) -> None:
        """See to it that the table is compared in full if it is not what is known of it.

        An append table can't be compared: what the server lists is added to it as often as it is read in full.
        """
        # To write is what tells whether others have written.
        with self.store.writing(self.cancel, file=self.file) as db:
            doubt = endpoint_states.read_doubt(db, self.endpoint.id)
            if doubt == endpoint_states.BELIEVED:
                return
            entry = endpoint_states.enter(db, self.endpoint.id)
            is_whole = doubt == endpoint_states.COUNT and count_rows(db, self.endpoint) in (None, entry.rows)
            if is_whole or self.endpoint.table.mode == "append":
                endpoint_states.doubt(db, entry.number, endpoint_states.BELIEVED)
            else:
                self.full = True

    @property
    def is_keyless(self) -> bool:
        """Whether no field tells the records apart: they are known by their content."""
        return self.key == (HASH_KEY,)

    @property
    def journal_path(self) -> Path:
        """Where a long listing is kept in case that it breaks off."""
        return path_for(self.context.staging, self.endpoint.id)

    def client(self, access: Access, cancel: CancelToken, pace: Pace) -> Client:
        """A client that is closed with the run; `pace` is shared by all of them."""
        around = self.context
        client = Client(self.endpoint, access, cancel, around.now, around.budgets, pace, around.staging)
        self._clients.append(client)
        return client

    def hide(self, text: str) -> str:
        """The text without any secret that was used."""
        for client in self._clients:
            text = client.hide(text)
        return text

    def terms(self, partial: bool, full: bool) -> Terms:
        """What must be the same for the next run to go on with this one's listing."""
        return Terms(
            asked=fingerprint(self.endpoint),
            table=mapping_of(self.endpoint),
            published=self.published,
            cursor=self.marks.cursor if partial else None,
            partial=partial,
            full=full,
        )

    def tell(self, walk: Walk) -> None:
        """Tell how far a listing was walked."""
        self.progress(Progress(endpoint=self.endpoint.id, pages=walk.pages, records=walk.records, total=walk.total))

    def report(
        self,
        status: RunStatus,
        outcome: Outcome,
        warnings: Sequence[Message],
        stopped: StopReason | None = None,
        error: UserError | None = None,
        evidence: Evidence | None = None,
    ) -> Report:
        """The report, were the run over now."""
        finished = max(self.context.now(), self.started)
        report = report_of(self.endpoint, (self.started, finished), status, outcome, stopped, error, evidence)
        return msgspec.structs.replace(
            report,
            requests=sum(client.requests for client in self._clients),
            bytes=sum(client.bytes for client in self._clients),
            warnings=tuple(each.mapped(self.hide) for each in (*warnings, *outcome.warnings)),
        )

    def close(self) -> None:
        """Let go of the connections."""
        for client in self._clients:
            client.close()
