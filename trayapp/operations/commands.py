"""What may be asked of TraySync, as typed messages: each command names the struct that is its result.

The same structs are carried out in this process and travel over the local socket, where `command` holds their name.
Endpoints and general settings in them are plain data in the form of the settings file, reports and states in the
documented JSON form: the results are what the command line prints with --json.
"""

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar, get_args

import msgspec

from trayapp.desktop.socket.protocol import decode
from trayapp.operations.vault import Allowance
from trayapp.schedule.conditions.constraints import Overruled
from trayapp.schedule.engine.actions import IfRunning
from trayapp.sync.http.destinations import Field

Plain = dict[str, Any]
Result = TypeVar("Result", bound=msgspec.Struct)


class Done(msgspec.Struct, frozen=True):
    """There is nothing to tell."""


class OneEndpoint(msgspec.Struct, frozen=True):
    """The endpoint concerned."""

    endpoint: Plain


class SavedEndpoint(msgspec.Struct, frozen=True):
    """An endpoint as it was saved, and what a person should know of its secrets, in sentences."""

    endpoint: Plain
    notes: tuple[str, ...] = ()


class Endpoints(msgspec.Struct, frozen=True):
    """The endpoints concerned."""

    endpoints: tuple[Plain, ...]


class Imported(msgspec.Struct, frozen=True):
    """Endpoints as they were saved, and what a person should know of their secrets, in sentences."""

    endpoints: tuple[Plain, ...]
    notes: tuple[str, ...]


class GeneralFields(msgspec.Struct, frozen=True):
    """The program's settings by name, defaults too."""

    general: Plain


class Stored(msgspec.Struct, frozen=True):
    """A secret is stored."""

    stored: bool = True


class Deleted(msgspec.Struct, frozen=True):
    """Whether there was a secret to delete."""

    deleted: bool


class Allowed(msgspec.Struct, frozen=True):
    """What may now be sent."""

    allowed: tuple[Allowance, ...]


class Background(msgspec.Struct, frozen=True):
    """As `BackgroundState`, whose module loads what most commands have no need of."""

    state: Literal["on", "off", "elsewhere"]
    note: str


class Runs(msgspec.Struct, frozen=True):
    """Reports."""

    runs: tuple[Plain, ...] = ()


class Stopped(msgspec.Struct, frozen=True):
    """The ids of those that ran or waited to run."""

    stopped: tuple[str, ...] = ()


class StatusDocument(msgspec.Struct, frozen=True):
    """Where everything stands. `running`: as the tray program says, not only as the database has it."""

    paused: bool
    paused_until: str | None
    running: bool
    endpoints: tuple[Plain, ...]


class Reasons(msgspec.Struct, frozen=True):
    """Why an endpoint does not run now, in sentences."""

    lines: tuple[str, ...]


class ToOverrule(msgspec.Struct, frozen=True):
    """The endpoints that a run now would start in spite of what they wait for."""

    endpoints: tuple[Overruled, ...]


class Restored(msgspec.Struct, frozen=True):
    """What was put back, of when it is (UTC, ISO 8601), and where the database is that was there before."""

    file: str
    of: str
    replaced: str


class Repaired(msgspec.Struct, frozen=True):
    """What was found and mended, in sentences; none: nothing was wrong."""

    lines: tuple[str, ...] = ()


class Command(
    msgspec.Struct,
    Generic[Result],
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="command",
    tag=True,
):
    """Something to do, with the type of its result."""

    @classmethod
    def result_type(cls) -> type[Result]:
        """The struct that `class Save(Command[SavedEndpoint])` names."""
        base: type[Command[Result]] = cls.__orig_bases__[0]  # type: ignore[attr-defined]
        kind: type[Result] = get_args(base)[0]
        return kind


class Save(Command[SavedEndpoint], frozen=True):
    """See `Workspace.save`."""

    endpoint: Plain
    secret: str | None = None
    tokens: dict[Field, str] = {}
    names_variable: bool = False


class Remove(Command[OneEndpoint], frozen=True):
    """See `Workspace.remove`."""

    id: str
    drop_table: bool = False


class Edit(Command[SavedEndpoint], frozen=True):
    """Set fields of an endpoint, named by dotted paths, from text."""

    id: str
    changes: dict[str, str]


class EditGeneral(Command[GeneralFields], frozen=True):
    """Set fields of the whole program from text."""

    changes: dict[str, str]


class Enable(Command[Endpoints], frozen=True):
    """Switch endpoints on or off."""

    ids: tuple[str, ...]
    enabled: bool


class Import(Command[Imported], frozen=True):
    """See `import_text`."""

    text: str
    agreed: tuple[str, ...] = ()


class SetSecret(Command[Stored], frozen=True):
    """Store a secret that a person entered. `field` is a `Field`, checked when it is carried out."""

    id: str
    field: str
    value: str


class DeleteSecret(Command[Deleted], frozen=True):
    """Delete a secret."""

    id: str
    field: str


class Allow(Command[Allowed], frozen=True):
    """Let secrets go where the endpoint sends them, if that is still what the person saw."""

    id: str
    what: tuple[Allowance, ...]


class SetBackground(Command[Background], frozen=True):
    """Have the system sync what is due while the tray program does not run, or not."""

    on: bool


class Keep(Command[Done], frozen=True):
    """Keep the rows whose deletion is held."""

    id: str


class AddDemo(Command[OneEndpoint], frozen=True):
    """Add the demo's endpoint, and serve its API."""


class Pause(Command[Done], frozen=True):
    """Start no scheduled runs before this time; None: before `Resume`."""

    until: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class Resume(Command[Done], frozen=True):
    """End a pause."""


class Restart(Command[Done], frozen=True):
    """Run the endpoint anew as soon as it may."""

    id: str


class Restore(Command[Restored], frozen=True):
    """Put a backup in the place of the database. `file` is its absolute path."""

    file: str


class Repair(Command[Repaired], frozen=True):
    """Mend what can be mended of the database."""


class Status(Command[StatusDocument], frozen=True):
    """Where everything stands."""


class Why(Command[Reasons], frozen=True):
    """Why an endpoint does not run now."""

    id: str


class WouldOverrule(Command[ToOverrule], frozen=True):
    """Which of these endpoints (all enabled ones) wait for something that `Sync` would ignore."""

    ids: tuple[str, ...] = ()


class Sync(Command[Runs], frozen=True):
    """Run these endpoints now (all enabled ones); with `due` only what is due and allowed."""

    ids: tuple[str, ...] = ()
    due: bool = False
    full: bool = False
    apply_held: bool = False
    if_running: IfRunning = "keep"


class Stop(Command[Stopped], frozen=True):
    """Stop the endpoints' runs, and take them off the queue."""

    ids: tuple[str, ...]


class Raise(Command[Done], frozen=True):
    """Show the tray program's window."""


Independent = (
    Save | Remove | Edit | EditGeneral | Enable | Import | SetSecret | DeleteSecret | Allow | SetBackground | Keep
    | AddDemo | Pause | Resume | Restart | Restore | Repair | Status | Why | WouldOverrule
)  # fmt: skip
"""What can be carried out whether or not a scheduler runs."""
AnyCommand = Independent | Sync | Stop | Raise


def decode_command(line: bytes) -> AnyCommand:
    """The command in a line from the socket. UserError when it is none, as from another version of the program."""
    command: AnyCommand = decode(line, AnyCommand)
    return command
