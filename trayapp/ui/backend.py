"""What the widgets may ask of the rest of the program, and what they are told: the seam between ui and app."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec
from PySide6.QtCore import QObject, Signal

from trayapp.endpoints.merging import Decision
from trayapp.endpoints.model import Endpoint, Settings
from trayapp.schedule.engine.snapshot import Snapshot
from trayapp.store.reading.arrangement import ALL, Arrangement


class SyncQuestion(msgspec.Struct, frozen=True):
    """Whether to run these endpoints in spite of what holds them back: kinds of it, and in words."""

    ids: tuple[str, ...]
    full: bool
    kinds: tuple[str, ...]
    words: tuple[str, ...]


class Backend(QObject):
    """Every method returns at once; answers come as signals in the GUI thread.

    `app.backend` implements it on the scheduler and its workers; tests implement it in memory.
    """

    snapshot_changed = Signal(object)
    """Snapshot: some endpoint's state, the pause or the network changed (at most 5 times a second)."""
    settings_changed = Signal(object)
    """Settings: saved from here or changed on disk."""
    runs_changed = Signal(object)
    """tuple[RunRow, ...]: the newest 500 runs, newest first; answers request_runs and follows every run."""
    rows_ready = Signal(int, object)
    """ticket, RowsPage | Problem: answers request_rows."""
    run_finished = Signal(object)
    """Report of every finished run."""
    preview_ready = Signal(int, object)
    """ticket, Preview | Problem: answers preview."""
    sign_in_asked = Signal(int, str, str)
    """ticket of a preview, code, URL: somebody has to sign in there, with that code if there is one."""
    sync_question = Signal(object)
    """SyncQuestion: endpoints that sync_now would start in spite of what they wait for; `sync_anyway` answers yes."""
    saved = Signal(int, object)
    """ticket, None | Problem: answers save, add_demo."""
    conflict = Signal(int, object)
    """ticket, tuple[Conflict, ...]: answers save in place of `saved`; nothing was written, a person has to decide."""

    def snapshot(self) -> Snapshot:
        """The newest snapshot."""
        raise NotImplementedError

    def settings(self) -> Settings:
        """The settings in force."""
        raise NotImplementedError

    def sync_now(self, ids: tuple[str, ...] = (), full: bool = False) -> None:
        """Run these endpoints now (all enabled ones when none is named); `sync_question` may ask about some first."""
        raise NotImplementedError

    def sync_anyway(self, question: SyncQuestion, ask_again: bool) -> None:
        """Run the endpoints of a question; unless `ask_again`, its kinds are never asked about from now on."""
        raise NotImplementedError

    def stop(self, id: str) -> None:
        """Stop the endpoint's running run."""
        raise NotImplementedError

    def pause(self, until: datetime | None) -> None:
        """Start no run before `until` (aware), or before resume when None. Survives a restart."""
        raise NotImplementedError

    def resume(self) -> None:
        """End a pause."""
        raise NotImplementedError

    def resolve_held(self, id: str, apply: bool) -> None:
        """Delete the held records (apply) or keep them."""
        raise NotImplementedError

    def request_runs(self) -> None:
        """Ask for the activity list."""
        raise NotImplementedError

    def request_rows(self, id: str, offset: int, count: int, wanted: Arrangement = ALL) -> int:
        """Ask for rows of the endpoint's table, counted among those wanted; the ticket comes back with rows_ready."""
        raise NotImplementedError

    def stop_rows(self, ticket: int) -> None:
        """Forget a request for rows: reading for it ends, and no rows_ready comes."""
        raise NotImplementedError

    def preview(
        self,
        endpoint: Endpoint,
        secret: str | None,
        proxy_password: str | None = None,
        names_variable: bool = False,
    ) -> int:
        """Try the endpoint; None as a secret means the stored one. The ticket comes back with preview_ready.

        names_variable: its environment variable, or where that goes, was typed by the person who wants the test.
        """
        raise NotImplementedError

    def cancel_preview(self, ticket: int) -> None:
        """Forget a preview that is still running."""
        raise NotImplementedError

    def save(
        self,
        settings: Settings,
        secrets: Mapping[str, str],
        drop_tables: tuple[str, ...] = (),
        proxy_passwords: Mapping[str, str] | None = None,
        names_variables: tuple[str, ...] = (),
        *,
        base: Settings,
        decision: Decision | None = None,
    ) -> int:
        """Write the settings, edited from `base`, on top of what is on disk now, and secrets by endpoint id.

        Drops the tables of the named endpoints if they were removed. names_variables: ids of the endpoints whose
        environment variable, or where that goes, was typed by the person who saves. decision: what was decided about
        an earlier `conflict`. Ticket for `saved` and `conflict`.
        """
        raise NotImplementedError

    def add_demo(self) -> int:
        """Start the demo API and add an endpoint for it. Ticket for `saved`."""
        raise NotImplementedError

    def data_file(self) -> Path | None:
        """Where the database is; None when that is not known."""
        return None

    def open_settings_file(self) -> None:
        """Open settings.toml in the person's editor."""
        raise NotImplementedError

    def open_data_folder(self) -> None:
        """Show the folder of the database in the file manager."""
        raise NotImplementedError

    def quit(self) -> None:
        """End the program; running runs are stopped within 5 s."""
        raise NotImplementedError
