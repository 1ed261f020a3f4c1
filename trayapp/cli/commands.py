"""The commands, each a function from its options to an exit code."""

import argparse
import getpass
import logging
import re
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from trayapp.cli import output
from trayapp.cli.engine import Engine, EngineHeld
from trayapp.cli.person import SomebodyThere
from trayapp.desktop.logs import Scrubber, ScrubbingFormatter
from trayapp.desktop.paths import find_home
from trayapp.endpoints.curl import import_curl
from trayapp.endpoints.model import Auth, Endpoint, Request
from trayapp.endpoints.settings import to_builtins
from trayapp.endpoints.units import Duration
from trayapp.errors import UserError
from trayapp.operations import edited
from trayapp.schedule.documents import status_document
from trayapp.sync.cancel import CancelToken
from trayapp.sync.errors import SyncError
from trayapp.sync.preview import Preview

Options = argparse.Namespace


def run_command(options: Options) -> int:
    """Carry out `options.command`, print its result or error, and return the exit code."""
    engine: Engine | None = None
    try:
        engine = Engine(find_home(options.home), _log_to_stderr(options.verbose).register)
        return _COMMANDS[options.command](engine, options)
    except EngineHeld as error:
        output.print_error(error, options.json)
        return 3
    except UserError as error:
        output.print_error(error, options.json)
        return 1 if isinstance(error, SyncError) else 2
    except KeyboardInterrupt:
        output.print_error(UserError("Interrupted", "Nothing of the unfinished run was kept."), options.json)
        return 130
    finally:
        if engine is not None:
            engine.close()


def _log_to_stderr(verbose: int) -> Scrubber:
    scrubber = Scrubber()
    handler = logging.StreamHandler()
    handler.setFormatter(ScrubbingFormatter(scrubber))
    root = logging.getLogger()
    root.setLevel({0: logging.ERROR, 1: logging.INFO}.get(verbose, logging.DEBUG))
    root.addHandler(handler)
    return scrubber


def _add(engine: Engine, options: Options) -> int:
    if options.curl is not None:
        imported = import_curl(sys.stdin.read() if options.curl == "-" else options.curl)
        endpoint = _with_settings(
            msgspec.structs.replace(imported.endpoint, id=options.id or "", name=options.name or ""), options
        )
        secret = imported.secret
    elif options.url:
        endpoint = _endpoint_from(options)
        secret = _secret_from(options, endpoint)
    else:
        raise UserError("The URL is missing", "`add` needs to know what to mirror.", "Write: traysync add URL")
    preview = engine.workspace.preview(endpoint, secret, CancelToken(), SomebodyThere())
    if not options.json:
        output.print_preview(preview)
    if not preview.proven and not options.yes and not _agreed("This is not proven. Save it all the same?"):
        return 1
    if not preview.proven and options.yes:
        raise SyncError(
            "The listing can't be followed",
            preview.proof,
            'If one page is all you want, say so: --set pages.kind="none"',
        )
    if preview.proven and not options.yes and not _agreed("Save this endpoint?"):
        return 1
    known = engine.workspace.settings()
    wanted = preview.endpoint
    if not options.id:
        wanted = msgspec.structs.replace(wanted, id="")
        if not any(setting.startswith("table.name=") for setting in options.set):
            wanted = msgspec.structs.replace(wanted, table=msgspec.structs.replace(wanted.table, name=""))
    elif known.find(options.id) is not None:
        raise UserError(
            f"The id {options.id!r} is taken", "There is an endpoint with it.", "Choose another, or use: traysync edit"
        )
    saved = engine.change(
        "save",
        endpoint=to_builtins(wanted),
        secret=secret if not options.secret_env else None,
        tokens=engine.workspace.accounts.take_unsaved(wanted.auth),
    )
    if options.json:
        output.print_json({"endpoint": saved["endpoint"], "preview": output.preview_document(preview)})
    else:
        print(f"\nSaved as {saved['endpoint']['id']}. Fetch it with: traysync sync {saved['endpoint']['id']}")
    return 0


def _endpoint_from(options: Options) -> Endpoint:
    auth = _auth_from(options)
    body: Any = options.json_body
    if body is not None:
        try:
            decoded = msgspec.json.decode(body.encode())
        except msgspec.DecodeError as error:
            raise UserError("The JSON body can't be read", str(error), "Correct --json-body.") from error
        body = body if _has_null(decoded) else decoded  # TOML has no null; such a body is kept as text
    request = Request(
        method="POST" if body is not None else "GET",
        params=dict(_pair(text, "=", "--param") for text in options.param),
        headers=dict(_pair(text, ":", "--header") for text in options.header),
        json=body,
        ca_file=options.ca_file,
    )
    endpoint = Endpoint(url=options.url, id=options.id or "", name=options.name or "", request=request, auth=auth)
    return _with_settings(endpoint, options)


def _with_settings(endpoint: Endpoint, options: Options) -> Endpoint:
    """The endpoint with --set and --every applied, checked."""
    settings = dict(_pair(text, "=", "--set") for text in options.set)
    if options.every:
        settings["every"] = options.every
    return edited(endpoint, settings)


_AUTH_FORMS = {
    "none": "",
    "basic": "USER",
    "bearer": "",
    "header": "NAME",
    "query": "NAME",
    "oauth2_client": "ID@TOKEN_URL",
    "oauth2_code": "ID@TOKEN_URL",
}


def _auth_from(options: Options) -> Auth:
    kind, _, rest = (options.auth or "none").partition(":")
    oauth = re.fullmatch(r"(.+)@(https?://.+)", rest) if kind.startswith("oauth2") else None
    form = _AUTH_FORMS.get(kind)
    if form is None or (form and not rest) or (kind.startswith("oauth2") and oauth is None):
        known = ", ".join(f"{name}:{form}" if form else name for name, form in _AUTH_FORMS.items() if name != "none")
        raise UserError(f"The authentication {options.auth!r} is not known", f"Allowed are {known}.", "Correct --auth.")
    return Auth(
        kind=kind,  # type: ignore[arg-type]
        user=rest if kind == "basic" else "",
        name=rest if kind in ("header", "query") else "",
        client_id=oauth[1] if oauth else "",
        token_url=oauth[2] if oauth else "",
        secret_env=options.secret_env or "",
    )


def _has_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_null(item) for item in value.values())
    if isinstance(value, list):
        return any(_has_null(item) for item in value)
    return value is None


def _pair(text: str, separator: str, option: str) -> tuple[str, str]:
    name, found, value = text.partition(separator)
    if not found or not name.strip():
        raise UserError(
            f"{option} {text!r} is not understood", f"It needs the form NAME{separator}VALUE.", "Correct it."
        )
    return name.strip(), value.strip()


def _secret_from(options: Options, endpoint: Endpoint) -> str | None:
    if endpoint.auth.kind == "none":
        return None
    if options.secret_env:
        return None
    if options.secret_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if endpoint.auth.kind == "oauth2_code":
        return None  # most programs that people sign in with have no secret; one that has is given by an option
    return getpass.getpass("Client secret: " if endpoint.auth.kind == "oauth2_client" else "Password or token: ")


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise UserError("Nobody is there to ask", question, "Add --yes to save without asking.")
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def _preview(engine: Engine, options: Options) -> int:
    endpoint = Endpoint(url=options.target) if "://" in options.target else engine.workspace.endpoint(options.target)
    preview: Preview = engine.workspace.preview(edited(endpoint, {}), None, CancelToken(), SomebodyThere())
    if options.json:
        output.print_json(output.preview_document(preview))
    else:
        output.print_preview(preview)
    return 0


def _sync(engine: Engine, options: Options) -> int:
    ids = [engine.workspace.endpoint(id).id for id in options.ids]
    runs = engine.sync(ids, due=options.due, full=options.full, apply_held=options.apply_held)
    if options.json:
        output.print_json({"runs": runs})
    else:
        for run in runs:
            print(f"{run['endpoint']}: {run['sentence']}")
            for warning in run["warnings"]:
                print(f"  Warning: {warning}")
            if problem := run.get("problem"):
                print(f"  {problem['next']}")
        if not runs:
            print("Nothing is due." if options.due else "There is nothing to sync. Add an endpoint: traysync add URL")
    return 0 if all(run["status"] == "succeeded" for run in runs) else 1


def _status(engine: Engine, options: Options) -> int:
    document = engine.ask("status", {})
    if document is None:
        paused, until, statuses = engine.workspace.statuses()
        document = {
            "paused": paused,
            "paused_until": until,
            "running": False,
            "endpoints": [status_document(status) for status in statuses],
        }
    else:
        document["running"] = True
    if options.json:
        output.print_json(document)
        return 0
    if document["paused"]:
        until_text = document["paused_until"]
        print(f"Paused until {output.local(datetime.fromisoformat(until_text))}." if until_text else "Paused.")
    if not document["running"]:
        print("The tray program does not run; endpoints are synced by `traysync sync` only.")
    rows = [
        (
            each["id"],
            each["state"],
            each["rows"],
            _local_text(each["last_success"]),
            _local_text(each["next_due"]),
            each["blocked_by"] or (each["problem"] or {"title": ""})["title"],
        )
        for each in document["endpoints"]
    ]
    output.print_table(["endpoint", "state", "rows", "last success", "next due", "problem"], rows)
    return 0


def _local_text(text: str | None) -> str:
    return output.local(datetime.fromisoformat(text)) if text else ""


def _endpoints(engine: Engine, options: Options) -> int:
    from trayapp.schedule.due import describe

    endpoints = engine.workspace.settings().endpoint
    if options.json:
        output.print_json({"endpoints": [to_builtins(each) for each in endpoints]})
    else:
        rows = [
            (each.id, each.name, "on" if each.enabled else "off", describe(each), each.table.name, each.url)
            for each in endpoints
        ]
        output.print_table(["id", "name", "", "runs", "table", "url"], rows)
    return 0


def _show(engine: Engine, options: Options) -> int:
    endpoint = engine.workspace.endpoint(options.id)
    if options.json:
        output.print_json({"endpoint": to_builtins(endpoint)})
    else:
        print(engine.workspace.export_text([endpoint.id]), end="")
    return 0


def _changed(engine: Engine, options: Options, said: str, op: str, **args: Any) -> int:
    result = engine.change(op, **args)
    if options.json:
        output.print_json(result)
    else:
        print(said)
    return 0


def _remove(engine: Engine, options: Options) -> int:
    endpoint = engine.workspace.endpoint(options.id)
    rest = "Its table is gone too." if options.drop_table else f"Its table {endpoint.table.name} stays."
    said = f"Removed {endpoint.id}. {rest}"
    return _changed(engine, options, said, "remove", id=endpoint.id, drop_table=options.drop_table)


def _enable(engine: Engine, options: Options) -> int:
    return _changed(engine, options, f"{options.id} is on.", "enable", id=options.id, enabled=True)


def _disable(engine: Engine, options: Options) -> int:
    return _changed(engine, options, f"{options.id} is off.", "enable", id=options.id, enabled=False)


def _edit(engine: Engine, options: Options) -> int:
    changes = dict(_pair(text, "=", "--set") for text in options.set)
    return _changed(engine, options, f"Changed {options.id}.", "edit", id=options.id, set=changes)


def _import(engine: Engine, options: Options) -> int:
    try:
        text = sys.stdin.read() if options.file == "-" else Path(options.file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("The file can't be read", f"{options.file}: {error}.", "Check its name.") from error
    result = engine.change("import", text=text)
    if options.json:
        output.print_json(result)
    else:
        print(f"Imported {', '.join(each['id'] for each in result['endpoints']) or 'nothing'}.")
    return 0


def _export(engine: Engine, options: Options) -> int:
    text = engine.workspace.export_text(options.ids)
    if options.json:
        output.print_json({"toml": text})
    else:
        print(text, end="")
    return 0


def _secret(engine: Engine, options: Options) -> int:
    if options.action == "delete":
        return _changed(engine, options, "Deleted.", "secret", id=options.id, field=options.field, value=None)
    if options.action == "sign-in":
        return _sign_in(engine, options)
    value = getpass.getpass("Secret: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not value:
        raise UserError("The secret is empty", "Nothing was read.", "Type it, or pipe it in.")
    return _changed(engine, options, "Stored.", "secret", id=options.id, field=options.field, value=value)


def _sign_in(engine: Engine, options: Options) -> int:
    tokens = engine.workspace.sign_in(options.id, SomebodyThere(), CancelToken())
    for field, token in tokens.items():
        engine.change("secret", id=options.id, field=field, value=token)
    if options.json:
        output.print_json({"stored": bool(tokens)})
    else:
        print("Signed in.")
    return 0


def _runs(engine: Engine, options: Options) -> int:
    from trayapp.store.runs import list_runs

    with engine.workspace.store.reading() as db:
        rows = list_runs(db, engine.workspace.endpoint(options.id).id if options.id else None)
    if options.json:
        output.print_json({"runs": rows})
    else:
        output.print_table(
            ["run", "started", "endpoint", "status", "result"],
            [
                (row.run, output.local(row.started), row.endpoint, row.status, row.sentence or row.reason)
                for row in rows
            ],
        )
    return 0


def _changes(engine: Engine, options: Options) -> int:
    from trayapp.store.runs import list_changes

    since = _moment(options.since, past=True) if options.since else None
    with engine.workspace.store.reading() as db:
        changes = list(list_changes(db, engine.workspace.endpoint(options.id).id, since))
    if options.json:
        output.print_json({"changes": changes})
        return 0
    rows = []
    for change in changes:
        before, after = change.before or {}, change.after or {}
        what = "; ".join(f"{name}: {before.get(name)} → {after.get(name)}" for name in after) if before else ""
        rows.append((output.local(change.at), change.kind, change.key, what))
    output.print_table(["when", "what", "key", "fields"], rows)
    return 0


def _query(engine: Engine, options: Options) -> int:
    import csv

    from trayapp.store.export import safe_cell
    from trayapp.store.read import run_query

    with engine.workspace.store.reading() as db:
        columns, rows = run_query(db, options.sql)
        if options.json:
            output.print_json({"columns": columns, "rows": list(rows)})
        elif options.csv:
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow([safe_cell(column) for column in columns])
            writer.writerows([safe_cell(value) for value in row] for row in rows)
        else:
            output.print_table(columns, rows)
    return 0


def _save(engine: Engine, options: Options) -> int:
    from trayapp.store.export import save_rows
    from trayapp.store.names import quote
    from trayapp.store.read import run_query

    table = engine.workspace.endpoint(options.id).table.name
    with engine.workspace.store.reading() as db:
        columns, rows = run_query(db, f"SELECT * FROM {quote(table)}")
        count = save_rows(columns, rows, Path(options.file))
    if options.json:
        output.print_json({"file": options.file, "rows": count})
    else:
        print(f"Saved {count:,} rows as {options.file}.")
    return 0


def _backup(engine: Engine, options: Options) -> int:
    target = Path(options.file)
    if target.exists():
        raise UserError(f"{target} exists already", "A back-up never overwrites a file.", "Choose another name.")
    engine.workspace.store.back_up(target)
    if options.json:
        output.print_json({"file": str(target), "bytes": target.stat().st_size})
    else:
        print(f"Copied the database to {target}.")
    return 0


def _pause(engine: Engine, options: Options) -> int:
    from trayapp.store.pause import Pause

    until = _moment(options.until) if options.until else None
    if options.length:
        until = engine.workspace.clock.now() + timedelta(seconds=_duration(options.length).seconds)
    if engine.ask("pause", {"until": until.isoformat() if until else None}) is None:
        engine.workspace.pause(Pause(until))
    if options.json:
        output.print_json({"paused_until": until})
    else:
        print(f"Paused until {output.local(until)}." if until else "Paused until `traysync resume`.")
    return 0


def _resume(engine: Engine, options: Options) -> int:
    if engine.ask("resume", {}) is None:
        engine.workspace.pause(None)
    if options.json:
        output.print_json({"paused_until": None})
    else:
        print("Scheduled runs go on.")
    return 0


def _duration(text: str) -> Duration:
    try:
        return Duration.parse(text)
    except ValueError as error:
        raise UserError("The duration is not understood", f"{error}.", "Correct it.") from error


def _moment(text: str, past: bool = False) -> datetime:
    now = datetime.now().astimezone()
    try:
        return now + timedelta(seconds=Duration.parse(text).seconds) * (-1 if past else 1)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UserError(
            f"The time {text!r} is not understood",
            "Write it like 2026-11-24T18:00, or as a duration like 1h.",
            "Correct it.",
        ) from error
    return found if found.tzinfo else found.astimezone()


def _why(engine: Engine, options: Options) -> int:
    answer = engine.ask("why", {"id": options.id})
    lines = answer["lines"] if answer is not None else engine.workspace.why(options.id)
    if options.json:
        output.print_json({"endpoint": options.id, "lines": lines})
    else:
        print("\n".join(lines))
    return 0


def _background(engine: Engine, options: Options) -> int:  # noqa: ARG001
    raise UserError(
        "Running without the tray program is not supported yet",
        "This version syncs while the tray program runs.",
        "Start the tray program at login (settings), or call `traysync sync --due` from a timer of your own.",
    )


def _doctor(engine: Engine, options: Options) -> int:
    from trayapp.cli.doctor import examine

    findings = examine(engine)
    if options.json:
        output.print_json({"findings": findings})
    else:
        for finding in findings:
            print(f"{'ok     ' if finding.ok else 'PROBLEM'}  {finding.what}: {finding.detail}")
    return 0 if all(finding.ok for finding in findings) else 1


def _demo(engine: Engine, options: Options) -> int:
    import time

    endpoint = engine.change("demo")["endpoint"]
    if not options.once:
        if options.json:
            output.print_json({"endpoint": endpoint})
        else:
            print(f"The demo's API is at {endpoint['url']}; its data changes every 20 seconds.")
        if engine.ask("status", {}) is not None:
            print("The running tray program serves and syncs it.")
            return 0
        print(f"Fetch it with `traysync sync {endpoint['id']}` in another terminal. Ctrl-C ends the demo.", flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            return 0
    runs = engine.sync([endpoint["id"]], due=False, full=False, apply_held=False)
    from trayapp.store.names import quote
    from trayapp.store.read import run_query

    with engine.workspace.store.reading() as db:
        columns, rows = run_query(db, f"SELECT * FROM {quote(endpoint['table']['name'])} LIMIT 10")
        sample = list(rows)
    if options.json:
        output.print_json({"runs": runs, "columns": columns, "rows": sample})
    else:
        print(f"{endpoint['name']} ({endpoint['url']}): {runs[0]['sentence']}")
        print(f"Table {endpoint['table']['name']} in {engine.home.database}, its first rows:\n")
        output.print_table(columns[:6], [row[:6] for row in sample], 28)
    return 0 if runs[0]["status"] == "succeeded" else 1


_COMMANDS: dict[str, Callable[[Engine, Options], int]] = {
    "add": _add,
    "preview": _preview,
    "sync": _sync,
    "status": _status,
    "endpoints": _endpoints,
    "show": _show,
    "remove": _remove,
    "enable": _enable,
    "disable": _disable,
    "edit": _edit,
    "import": _import,
    "export": _export,
    "secret": _secret,
    "runs": _runs,
    "changes": _changes,
    "query": _query,
    "save": _save,
    "backup": _backup,
    "pause": _pause,
    "resume": _resume,
    "why": _why,
    "background": _background,
    "doctor": _doctor,
    "demo": _demo,
}
