"""The commands that show and change what is configured."""

import argparse
import getpass
import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from trayapp.cli import output
from trayapp.cli.arguments import pair
from trayapp.cli.engine import Engine
from trayapp.cli.terminal import SomebodyThere, agreed
from trayapp.endpoints.settings import to_builtins
from trayapp.errors import UserError
from trayapp.operations.fields import general_fields
from trayapp.operations.imports import plan
from trayapp.operations.texts import export_text
from trayapp.operations.vault import secret_field
from trayapp.sync.cancel import CancelToken

Options = argparse.Namespace


def endpoints(engine: Engine, options: Options) -> int:
    """`endpoints`: a line each. Exit code."""
    from trayapp.schedule.times.descriptions import describe

    endpoints = engine.workspace.settings().endpoint
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


def show(engine: Engine, options: Options) -> int:
    """`show`: one endpoint as TOML. Exit code."""
    endpoint = engine.workspace.endpoint(options.id)
    if options.json:
        output.print_json({"endpoint": to_builtins(endpoint)})
    else:
        output.print_toml(export_text(engine.workspace, [endpoint.id]))
    return 0


def _changed(engine: Engine, options: Options, said: str, op: str, **args: Any) -> int:
    result = engine.change(op, **args)
    if options.json:
        output.print_json(result)
    else:
        output.say(said)
    return 0


def remove(engine: Engine, options: Options) -> int:
    """`remove`. Exit code."""
    endpoint = engine.workspace.endpoint(options.id)
    rest = "Its table is gone too." if options.drop_table else f"Its table {endpoint.table.name} stays."
    said = f"Removed {endpoint.id}. {rest}"
    return _changed(engine, options, said, "remove", id=endpoint.id, drop_table=options.drop_table)


def enable(engine: Engine, options: Options) -> int:
    """`enable`. Exit code."""
    return _switched(engine, options, True)


def disable(engine: Engine, options: Options) -> int:
    """`disable`. Exit code."""
    return _switched(engine, options, False)


def _switched(engine: Engine, options: Options, on: bool) -> int:
    (endpoint,) = engine.change("enable", ids=[options.id], enabled=on)["endpoints"]
    if options.json:
        output.print_json({"endpoint": endpoint})
    else:
        output.say(f"{endpoint['id']} is {'on' if on else 'off'}.")
    return 0


def edit(engine: Engine, options: Options) -> int:
    """`edit`: set fields by their paths; with --restart the endpoint runs anew with them. Exit code."""
    changes = dict(pair(text, "=", "--set") for text in options.set)
    result = engine.change("edit", id=options.id, set=changes)
    if options.restart:
        engine.restart(result["endpoint"]["id"])
    if options.json:
        output.print_json(result)
    else:
        output.say(f"Changed {options.id}{', which runs anew' if options.restart else ''}.")
        _print_notes(result)
    return 0


def _print_notes(result: dict[str, Any]) -> None:
    for note in result["notes"]:
        output.say(note)


def settings(engine: Engine, options: Options) -> int:
    """`settings`: those of the whole program, after --set has changed some. Exit code."""
    changes = dict(pair(text, "=", "--set") for text in options.set)
    if "background" in changes:
        raise UserError("This is not set here", "The system has to be told of it.", "Use `traysync background on`.")
    if changes:
        fields = engine.change("settings", set=changes)["general"]
    else:
        fields = general_fields(engine.workspace.settings().general)
    if options.json:
        output.print_json({"general": fields})
    else:
        output.print_table(["setting", "value"], [(name, json.dumps(value)) for name, value in fields.items()])
    return 0


def import_(engine: Engine, options: Options) -> int:
    """`import`: endpoints from TOML. Exit code."""
    try:
        text = sys.stdin.read() if options.file == "-" else Path(options.file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("The file can't be read", f"{options.file}: {error}.", "Check its name.") from error
    planned = plan(engine.workspace, text)
    asks = [ask for each in planned for ask in each.asks]
    if not options.json:
        output.say(*(each.words for each in planned), *(f"  {ask}." for ask in asks))
    agreeing = options.yes or (sys.stdin.isatty() and asks and agreed("Import that?", ""))
    if asks and not agreeing and sys.stdin.isatty():
        return 1
    result = engine.change("import", text=text, agreed=asks if agreeing else [])
    if options.json:
        output.print_json(result)
    else:
        output.say(f"Imported {', '.join(each['id'] for each in result['endpoints']) or 'nothing'}.")
        _print_notes(result)
    return 0


def export(engine: Engine, options: Options) -> int:
    """`export`: endpoints as TOML. Exit code."""
    text = export_text(engine.workspace, options.ids)
    if options.json:
        output.print_json({"toml": text})
    else:
        output.print_toml(text)
    return 0


def secret(engine: Engine, options: Options) -> int:
    """`secret`: store, delete, allow, or sign in. Exit code."""
    field = options.field or "secret"
    if options.action == "delete":
        return _changed(engine, options, "Deleted.", "secret", id=options.id, field=field, value=None)
    if options.action == "sign-in":
        return _sign_in(engine, options)
    if options.action == "allow":
        return _allow(engine, options)
    value = getpass.getpass("Secret: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not value:
        raise UserError("The secret is empty", "Nothing was read.", "Type it, or pipe it in.")
    return _changed(engine, options, "Stored.", "secret", id=options.id, field=field, value=value)


def _allow(engine: Engine, options: Options) -> int:
    endpoint = engine.workspace.endpoint(options.id)
    wanted = engine.workspace.vault.wants(endpoint, secret_field(options.field) if options.field else None)
    if not wanted:
        raise UserError("There is nothing to allow", f"{endpoint.id} sends no such secret.", "See `traysync show ID`.")
    lines = "; ".join(map(str, wanted))
    if not options.yes and not agreed(f"{lines}. Allow that?", "Add --yes to allow it without being asked."):
        return 1
    allowed = engine.change("allow", id=endpoint.id, what=msgspec.to_builtins(wanted))["allowed"]
    if not allowed:
        raise UserError("There is nothing to allow", "Nothing is stored.", f"Use: traysync secret set {endpoint.id}")
    if options.json:
        output.print_json({"allowed": allowed})
    else:
        output.say(*(f"{each}." for each in wanted if msgspec.to_builtins(each) in allowed))
    return 0


def _sign_in(engine: Engine, options: Options) -> int:
    tokens = engine.workspace.sign_in(options.id, SomebodyThere(), CancelToken())
    for field, token in tokens.items():
        engine.change("secret", id=options.id, field=field, value=token)
    if options.json:
        output.print_json({"stored": bool(tokens)})
    else:
        output.say("Signed in.")
    return 0
