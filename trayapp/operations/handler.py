"""Carries out the commands that need no running scheduler, in the command line's process and in the tray program."""

from collections.abc import Collection
from pathlib import Path
from typing import assert_never

import msgspec

from trayapp.endpoints.settings import decode_endpoint, to_builtins
from trayapp.operations import commands, explanations
from trayapp.operations.fields import general_fields
from trayapp.operations.runs import keep_held
from trayapp.operations.vault import secret_field
from trayapp.operations.workspace import Saved, Workspace
from trayapp.schedule.conditions.machine import Conditions
from trayapp.schedule.engine.documents import status_document
from trayapp.store.bookkeeping.pause import Pause


def handle(
    workspace: Workspace,
    command: commands.Independent,
    conditions: Conditions | None = None,
    running: Collection[str] = (),
) -> msgspec.Struct:
    """Carry the command out; its result. Raises UserError.

    conditions, running: the machine's state, and the ids of the endpoints that run, when more is known than the file
    tells.
    """
    match command:
        case commands.Save():
            endpoint = decode_endpoint(command.endpoint)
            return _saved(workspace.save(endpoint, command.secret, command.tokens, command.names_variable))
        case commands.Remove():
            return commands.OneEndpoint(to_builtins(workspace.remove(command.id, command.drop_table)))
        case commands.Edit():
            return _saved(workspace.edit(command.id, command.changes))
        case commands.EditGeneral():
            return commands.GeneralFields(general_fields(workspace.edit_general(command.changes)))
        case commands.Enable():
            return commands.Endpoints(tuple(map(to_builtins, workspace.set_enabled(command.ids, command.enabled))))
        case commands.Import():
            return _imported(workspace, command)
        case commands.SetSecret() | commands.DeleteSecret():
            return _secret(workspace, command)
        case commands.Allow():
            return commands.Allowed(tuple(workspace.vault.allow(workspace.endpoint(command.id), command.what)))
        case commands.SetBackground():
            from trayapp.operations.background import set_background

            found = set_background(workspace, command.on)
            return commands.Background(found.state, str(found.note))
        case commands.Keep():
            keep_held(workspace, command.id)
        case commands.AddDemo():
            return commands.OneEndpoint(to_builtins(workspace.add_demo()))
        case commands.Pause():
            workspace.pause(Pause(command.until))
        case commands.Resume():
            workspace.pause(None)
        case commands.Restart():
            workspace.restart(command.id)
        case commands.Restore():
            from trayapp.operations.repair import restore

            return restore(workspace, Path(command.file))
        case commands.Repair():
            from trayapp.operations.repair import repair

            return commands.Repaired(tuple(map(str, repair(workspace))))
        case commands.Status():
            paused, until, statuses = explanations.statuses(workspace)
            return commands.StatusDocument(paused, until, False, tuple(map(status_document, statuses)))
        case commands.Why():
            return commands.Reasons(tuple(explanations.why_waiting(workspace, command.id, conditions, running)))
        case commands.WouldOverrule():
            return commands.ToOverrule(tuple(explanations.would_overrule(workspace, command.ids, conditions)))
        case _:
            assert_never(command)
    return commands.Done()


def _saved(saved: Saved) -> commands.SavedEndpoint:
    return commands.SavedEndpoint(to_builtins(saved.endpoint), saved.notes)


def _imported(workspace: Workspace, command: commands.Import) -> commands.Imported:
    from trayapp.operations.imports import import_text

    done = import_text(workspace, command.text, command.agreed)
    notes = tuple(note for each in done for note in each.notes)
    return commands.Imported(tuple(to_builtins(each.endpoint) for each in done), notes)


def _secret(workspace: Workspace, command: commands.SetSecret | commands.DeleteSecret) -> msgspec.Struct:
    endpoint, field = workspace.endpoint(command.id), secret_field(command.field)
    workspace.accounts.forget(endpoint.id)
    if isinstance(command, commands.DeleteSecret):
        return commands.Deleted(workspace.vault.delete(endpoint, field))
    workspace.vault.set(endpoint, field, command.value, interactive=True)
    return commands.Stored()
