"""The commands about runs: now, later, and why not."""

import argparse
import sys
from datetime import datetime, timedelta
from typing import Any

import msgspec

from trayapp.cli import output
from trayapp.cli.arguments import duration, moment
from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.readable import places
from trayapp.errors import UserError
from trayapp.messages import say
from trayapp.operations import commands
from trayapp.operations.client import Client
from trayapp.operations.selection import choose

Options = argparse.Namespace


def sync(client: Client, options: Options) -> int:
    """`sync`: run now, here or in the tray program. Exit code 1 if a run failed or is held."""
    ids = _to_sync(client, options)
    if not options.due and not options.anyway:
        left = _left_after_asking(client, ids)
        if left == []:
            output.tell("Nothing was synced.")
            if options.json:
                output.print_json({"runs": []})
            return 1
        ids = ids if left is None else left
    command = commands.Sync(
        ids=tuple(ids), due=options.due, full=options.full, apply_held=options.apply_held, if_running=options.if_running
    )
    runs = _synced(client, command)
    if options.json:
        output.print_json({"runs": runs})
    else:
        for run in runs:
            output.say(f"{run['endpoint']}: {run['sentence']}")
            for warning in run["warnings"]:
                output.say(f"  Warning: {warning}")
            if problem := run.get("problem"):
                output.say(f"  {problem['next']}")
        if not runs:
            output.say(
                "Nothing is due." if options.due else "There is nothing to sync. Add an endpoint: traysync add URL"
            )
    return 0 if all(run["status"] == "succeeded" for run in runs) else 1


def _synced(client: Client, command: commands.Sync) -> tuple[dict[str, Any], ...]:
    """The reports of the runs, with their progress on a terminal."""
    progress = output.ProgressLine()
    try:
        return client.do(command, progress.show).runs
    finally:
        progress.clear()


def _left_after_asking(client: Client, ids: list[str]) -> list[str] | None:
    """The endpoints that are left when the person does not want to overrule what the others wait for; None: all.

    Without a terminal to ask on they are overruled, and that is said.
    """
    held = client.do(commands.WouldOverrule(ids=tuple(ids))).endpoints
    if not held:
        return None
    reasons = "; ".join(dict.fromkeys(word for each in held for word in each.words))
    names = ", ".join(each.id for each in held)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        output.tell(f"{reasons}; syncing {names} anyway.")
        return None
    output.tell(f"{names}: {reasons}. Sync anyway? [y/N] ", end="")
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return None
    waiting = {each.id for each in held}
    chosen = ids or [each.id for each in client.workspace.settings().endpoint if each.enabled]
    return [id for id in chosen if id not in waiting]


def _named(client: Client, options: Options) -> list[Endpoint]:
    """The endpoints that are meant by name or tag; none with --all, or when none is named. UserError."""
    if options.all and (options.ids or options.tags):
        raise UserError(
            say("All and some endpoints are given"),
            say("--all already means every one."),
            say("Leave one of the two out."),
        )
    return choose(client.workspace.settings(), options.ids, options.tags)


def _named_or_all(client: Client, options: Options) -> list[str]:
    """The ids of the endpoints that are meant. UserError when none is named, nor --all."""
    named = _named(client, options)
    if not named and not options.all:
        raise UserError(say("No endpoint is given"), say("This needs at least one."), say("Name some, or use --all."))
    return [each.id for each in (named or client.workspace.settings().endpoint)]


def _to_sync(client: Client, options: Options) -> list[str]:
    """The ids of those to sync, none for all that are on. Those that only a tag names must be on."""
    chosen = _named(client, options)
    on = [each for each in chosen if each.enabled or each.id in options.ids or each.name in options.ids]
    if chosen and not on:
        raise UserError(
            say("There is nothing to sync"),
            say("The endpoints with that tag are switched off."),
            say("Name them, or use `resume`."),
        )
    return [each.id for each in on]


def stop(client: Client, options: Options) -> int:
    """`stop`: end runs, and take endpoints off the queue. Exit code."""
    stopped = client.do(commands.Stop(ids=tuple(_named_or_all(client, options)))).stopped
    if options.json:
        output.print_json({"stopped": stopped})
    else:
        output.say(f"Stopped: {', '.join(stopped)}." if stopped else "None of them runs.")
    return 0


def status(client: Client, options: Options) -> int:
    """`status`: the running program's word, else the file's. Exit code."""
    document = client.do(commands.Status())
    if named := {each.id for each in _named(client, options)}:
        chosen = tuple(each for each in document.endpoints if each["id"] in named)
        document = msgspec.structs.replace(document, endpoints=chosen)
    if options.json:
        output.print_json(document)
        return 0
    for place in places(client.workspace.settings()):
        output.tell(f"A secret stands readably in the settings ({place}); see traysync doctor.")
    if document.paused:
        until_text = document.paused_until
        output.say(f"Paused until {output.local(datetime.fromisoformat(until_text))}." if until_text else "Paused.")
    if not document.running:
        output.say("The tray program does not run; endpoints are synced by `traysync sync` only.")
    rows = [
        (
            each["id"],
            f"{each['state']}, may be incomplete" if each["evidence"] == "unproven" else each["state"],
            each["rows"],
            _local_text(each["last_success"]),
            _local_text(each["next_due"]),
            each["blocked_by"] or (each["problem"] or {"title": ""})["title"],
        )
        for each in document.endpoints
    ]
    output.print_table(["endpoint", "state", "rows", "last success", "next due", "problem"], rows)
    return 0


def _local_text(text: str | None) -> str:
    return output.local(datetime.fromisoformat(text)) if text else ""


def pause(client: Client, options: Options) -> int:
    """`pause`: no scheduled runs for a while, or none of some endpoints: those are switched off. Exit code."""
    if named := _named(client, options):
        if options.length or options.until:
            raise UserError(
                say("Single endpoints can't be paused for a time"),
                say("Only all together can. Single ones stay paused until you resume them."),
                say("Leave out --for and --until."),
            )
        return _switch(client, options, named, False)
    until = moment(options.until) if options.until else None
    if options.length:
        until = client.workspace.clock.now() + timedelta(seconds=duration(options.length).seconds)
    client.do(commands.Pause(until=until))
    if options.json:
        output.print_json({"paused_until": until})
    else:
        output.say(f"Paused until {output.local(until)}." if until else "Paused until `traysync resume`.")
    return 0


def resume(client: Client, options: Options) -> int:
    """`resume`: end the pause, or switch some endpoints on. Exit code."""
    if named := _named(client, options):
        return _switch(client, options, named, True)
    client.do(commands.Resume())
    if options.json:
        output.print_json({"paused_until": None})
    else:
        output.say("Scheduled runs go on.")
    return 0


def _switch(client: Client, options: Options, endpoints: list[Endpoint], on: bool) -> int:
    ids = [each.id for each in endpoints]
    result = client.do(commands.Enable(ids=tuple(ids), enabled=on))
    if options.json:
        output.print_json(result)
    else:
        names = ", ".join(ids)
        output.say(f"On again: {names}." if on else f"Paused until `traysync resume`: {names}.")
    return 0


def why(client: Client, options: Options) -> int:
    """`why`: what endpoints wait for. Exit code."""
    ids = _named_or_all(client, options)
    answers = [{"endpoint": id, "lines": client.do(commands.Why(id=id)).lines} for id in ids]
    if options.json:
        output.print_json(answers[0] if len(options.ids) == len(ids) == 1 else {"endpoints": answers})
        return 0
    for each in answers:
        if len(answers) > 1:
            output.say(f"{each['endpoint']}:")
        output.say(*(f"  {line}" if len(answers) > 1 else line for line in each["lines"]))
    return 0


_BACKGROUND = {
    "on": "The system syncs what is due while the tray program does not run.",
    "off": "Nothing is synced while the tray program does not run.",
    "elsewhere": "The system calls another installation of TraySync. `traysync background on` makes it call this one.",
}


def background(client: Client, options: Options) -> int:
    """`background`: have the system call `sync --due`, or not. Exit code."""
    if options.action == "status":
        from trayapp.desktop.session.scheduled_task import state

        now = state(client.home)
        found = commands.Background(now.state, str(now.note))
    else:
        found = client.do(commands.SetBackground(on=options.action == "on"))
    if options.json:
        output.print_json(found)
    else:
        output.say(_BACKGROUND[found.state])
        if found.note:
            output.say(found.note)
    return 0


def demo(client: Client, options: Options) -> int:
    """`demo`: serve the demo until Ctrl-C, or with --once mirror it once. Exit code."""
    import time

    endpoint = client.do(commands.AddDemo()).endpoint
    if not options.once:
        if options.json:
            output.print_json({"endpoint": endpoint})
        else:
            output.say(f"The demo's API is at {endpoint['url']}; its data changes every 20 seconds.")
        if client.is_running():
            output.say("The running tray program serves and syncs it.")
            return 0
        output.say(
            f"Fetch it with `traysync sync {endpoint['id']}` in another terminal. Ctrl-C ends the demo.", flush=True
        )
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            return 0
    runs = _synced(client, commands.Sync(ids=(endpoint["id"],)))
    from trayapp.store.reading.reader import table_rows

    with client.workspace.store.reading() as db:
        columns, rows = table_rows(db, endpoint["table"]["name"], 10)
        sample = list(rows)
    if options.json:
        output.print_json({"runs": runs, "columns": columns, "rows": sample})
    else:
        output.say(f"{endpoint['name']} ({endpoint['url']}): {runs[0]['sentence']}")
        output.say(f"Table {endpoint['table']['name']} in {client.home.database}, its first rows:", "")
        output.print_table(columns[:6], [row[:6] for row in sample], 28)
    return 0 if runs[0]["status"] == "succeeded" else 1
