"""The commands that show and change what is configured."""

import argparse
import getpass
import json
import sys
from pathlib import Path

from trayapp.cli import output
from trayapp.cli.arguments import pair
from trayapp.cli.terminal import SomebodyThere, agreed
from trayapp.endpoints.settings import to_builtins
from trayapp.errors import UserError
from trayapp.messages import say
from trayapp.operations import commands
from trayapp.operations.client import Client
from trayapp.operations.commands import Command, Result
from trayapp.operations.fields import general_fields
from trayapp.operations.imports import plan
from trayapp.operations.texts import export_text
from trayapp.operations.vault import secret_field
from trayapp.sync.cancel import CancelToken

Options = argparse.Namespace


def endpoints(client: Client, options: Options) -> int:
    """`endpoints`: a line each. Exit code."""
    from trayapp.schedule.times.descriptions import describe

    endpoints = client.workspace.settings().endpoint
    if options.json:
        output.print_json({"endpoints": [to_builtins(each) for each in endpoints]})
    else:
        rows = [
            (
                each.id,
                each.name,
                "on" if each.enabled else "off",
                " ".join(each.tags),
                str(describe(each)),
                each.table.name,
                each.url,
            )
            for each in endpoints
        ]
        output.print_table(["id", "name", "", "tags", "runs", "table", "url"], rows)
    return 0


def show(client: Client, options: Options) -> int:
    """`show`: one endpoint as TOML. Exit code."""
    endpoint = client.workspace.endpoint(options.id)
    if options.json:
        output.print_json({"endpoint": to_builtins(endpoint)})
    else:
        output.print_toml(export_text(client.workspace, [endpoint.id]))
    return 0


def _changed(client: Client, options: Options, said: str, command: Command[Result]) -> int:
    result = client.do(command)
    if options.json:
        output.print_json(result)
    else:
        output.say(said)
    return 0


def remove(client: Client, options: Options) -> int:
    """`remove`. Exit code."""
    endpoint = client.workspace.endpoint(options.id)
    rest = "Its table is gone too." if options.drop_table else f"Its table {endpoint.table.name} stays."
    said = f"Removed {endpoint.id}. {rest}"
    return _changed(client, options, said, commands.Remove(id=endpoint.id, drop_table=options.drop_table))


def enable(client: Client, options: Options) -> int:
    """`enable`. Exit code."""
    return _switched(client, options, True)


def disable(client: Client, options: Options) -> int:
    """`disable`. Exit code."""
    return _switched(client, options, False)


def _switched(client: Client, options: Options, on: bool) -> int:
    (endpoint,) = client.do(commands.Enable(ids=(options.id,), enabled=on)).endpoints
    if options.json:
        output.print_json({"endpoint": endpoint})
    else:
        output.say(f"{endpoint['id']} is {'on' if on else 'off'}.")
    return 0


def edit(client: Client, options: Options) -> int:
    """`edit`: set fields by their paths; with --restart the endpoint runs anew with them. Exit code."""
    changes = dict(pair(text, "=", "--set") for text in options.set)
    result = client.do(commands.Edit(id=options.id, changes=changes))
    if options.restart:
        client.do(commands.Restart(id=result.endpoint["id"]))
    if options.json:
        output.print_json(result)
    else:
        output.say(f"Changed {options.id}{', which runs anew' if options.restart else ''}.")
        _print_notes(result)
    return 0


def _print_notes(result: commands.SavedEndpoint | commands.Imported) -> None:
    for note in result.notes:
        output.say(note)


def settings(client: Client, options: Options) -> int:
    """`settings`: those of the whole program, after --set has changed some. Exit code."""
    changes = dict(pair(text, "=", "--set") for text in options.set)
    if "background" in changes:
        raise UserError(
            say("This setting has its own command"),
            say("The system takes part in it."),
            say("Use `traysync background on`."),
        )
    if changes:
        fields = client.do(commands.EditGeneral(changes=changes)).general
    else:
        fields = general_fields(client.workspace.settings().general)
    if options.json:
        output.print_json({"general": fields})
    else:
        output.print_table(["setting", "value"], [(name, json.dumps(value)) for name, value in fields.items()])
    return 0


def import_(client: Client, options: Options) -> int:
    """`import`: endpoints from TOML. Exit code."""
    try:
        text = sys.stdin.read() if options.file == "-" else Path(options.file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            say("The file can't be read"),
            say("{file}: {error}.", file=options.file, error=error),
            say("Check its name."),
        ) from error
    planned = plan(client.workspace, text)
    asks = [ask for each in planned for ask in each.asks]
    if not options.json:
        output.say(*(str(each.words) for each in planned), *(f"  {ask}" for ask in asks))
    agreeing = options.yes or (sys.stdin.isatty() and asks and agreed("Import that?", ""))
    if asks and not agreeing and sys.stdin.isatty():
        return 1
    result = client.do(commands.Import(text=text, agreed=tuple(ask.english() for ask in asks) if agreeing else ()))
    if options.json:
        output.print_json(result)
    else:
        output.say(f"Imported {', '.join(each['id'] for each in result.endpoints) or 'nothing'}.")
        _print_notes(result)
    return 0


def export(client: Client, options: Options) -> int:
    """`export`: endpoints as TOML. Exit code."""
    text = export_text(client.workspace, options.ids)
    if options.json:
        output.print_json({"toml": text})
    else:
        output.print_toml(text)
    return 0


def secret(client: Client, options: Options) -> int:
    """`secret`: store, delete, allow, or sign in. Exit code."""
    field = options.field or "secret"
    if options.action == "delete":
        return _changed(client, options, "Deleted.", commands.DeleteSecret(id=options.id, field=field))
    if options.action == "sign-in":
        return _sign_in(client, options)
    if options.action == "allow":
        return _allow(client, options)
    value = getpass.getpass("Secret: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not value:
        raise UserError(say("The secret is empty"), say("Nothing was read."), say("Type it, or pipe it in."))
    return _changed(client, options, "Stored.", commands.SetSecret(id=options.id, field=field, value=value))


def _allow(client: Client, options: Options) -> int:
    endpoint = client.workspace.endpoint(options.id)
    wanted = client.workspace.vault.wants(endpoint, secret_field(options.field) if options.field else None)
    if not wanted:
        raise UserError(
            say("There is nothing to allow"),
            say("{id} sends no such secret.", id=endpoint.id),
            say("See `traysync show ID`."),
        )
    lines = "; ".join(map(str, wanted))
    if not options.yes and not agreed(f"{lines}. Allow that?", "Add --yes to allow it without being asked."):
        return 1
    allowed = client.do(commands.Allow(id=endpoint.id, what=tuple(wanted))).allowed
    if not allowed:
        raise UserError(
            say("There is nothing to allow"),
            say("Nothing is stored."),
            say("Use: traysync secret set {id}", id=endpoint.id),
        )
    if options.json:
        output.print_json({"allowed": allowed})
    else:
        output.say(*(f"{each}." for each in wanted if each in allowed))
    return 0


def _sign_in(client: Client, options: Options) -> int:
    tokens = client.workspace.sign_in(options.id, SomebodyThere(), CancelToken())
    for field, token in tokens.items():
        client.do(commands.SetSecret(id=options.id, field=field, value=token))
    if options.json:
        output.print_json({"stored": bool(tokens)})
    else:
        output.say("Signed in.")
    return 0
