"""The commands that read what was mirrored: history, SQL, exports, copies."""

import argparse
from pathlib import Path

from trayapp.cli import output
from trayapp.cli.arguments import moment
from trayapp.cli.terminal import agreed
from trayapp.errors import UserError
from trayapp.messages import say, tr
from trayapp.operations import commands
from trayapp.operations.client import Client
from trayapp.schedule.engine.documents import run_document

Options = argparse.Namespace


def runs(client: Client, options: Options) -> int:
    """`runs`: the history. Exit code."""
    from trayapp.store.bookkeeping.history import list_runs

    with client.workspace.store.reading() as db:
        rows = list_runs(db, client.workspace.endpoint(options.id).id if options.id else None)
    if options.json:
        output.print_json({"runs": [*map(run_document, rows)]})
    else:
        output.print_table(
            ["run", "started", "endpoint", "status", "result"],
            [
                (row.run, output.local(row.started), row.endpoint, row.status, str(row.sentence or row.reason))
                for row in rows
            ],
        )
    return 0


def changes(client: Client, options: Options) -> int:
    """`changes`: what runs did to records. Exit code."""
    from trayapp.store.bookkeeping.history import list_changes

    since = moment(options.since, past=True) if options.since else None
    with client.workspace.store.reading() as db:
        changes = list(list_changes(db, client.workspace.endpoint(options.id).id, since))
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


def query(client: Client, options: Options) -> int:
    """`query`: SQL that can only read. Exit code."""
    from trayapp.store.reading.query import queried

    with queried(client.workspace.store, options.sql) as (columns, rows):
        if options.json:
            output.print_json({"columns": columns, "rows": list(rows)})
        elif options.csv:
            output.print_csv(columns, rows)
        else:
            output.print_table(columns, rows)
    return 0


def save(client: Client, options: Options) -> int:
    """`save`: a table as a file. Exit code."""
    from trayapp.store.mirror.schema import owned
    from trayapp.store.reading.export import save_rows
    from trayapp.store.reading.reader import table_rows

    endpoint = client.workspace.endpoint(options.id)
    with client.workspace.store.reading() as db:
        columns, rows = table_rows(db, owned(db, endpoint.id) or endpoint.table.name)
        count = save_rows(columns, rows, Path(options.file))
    if options.json:
        output.print_json({"file": options.file, "rows": count})
    else:
        output.say(f"Saved {count:,} rows as {options.file}.")
    return 0


def backup(client: Client, options: Options) -> int:
    """`backup`: a consistent copy. Exit code."""
    target = Path(options.file)
    if target.exists():
        raise UserError(
            say("{target} already exists", target=target),
            say("A backup never overwrites a file."),
            say("Choose another name."),
        )
    client.workspace.store.back_up(target)
    if options.json:
        output.print_json({"file": str(target), "bytes": target.stat().st_size})
    else:
        output.say(f"Copied the database to {target}.")
    return 0


def restore(client: Client, options: Options) -> int:
    """`restore`: put a backup in the place of the database, or list the daily ones. Exit code."""
    from trayapp.operations.repair import find_backup

    if options.file is None:
        return _list_backups(client, options)
    file = find_backup(client.workspace, options.file)
    question = tr("Put {file} in the place of {database}?", file=file, database=client.home.database)
    if not options.yes and not agreed(question, tr("Give --yes to restore it without a question.")):
        output.tell(tr("Nothing was restored."))
        return 1
    done = client.do(commands.Restore(file=str(file)))
    if options.json:
        output.print_json(done)
        return 0
    output.say(tr("{file} is the database now.", file=file))
    if done.replaced:
        output.say(tr("The one that was there before is kept as {path}.", path=done.replaced))
    output.say(tr("The next run of each endpoint compares its table with all that the server lists."))
    return 0


def _list_backups(client: Client, options: Options) -> int:
    from trayapp.store.file.backups import backups_of

    found = backups_of(client.home.database)
    if options.json:
        output.print_json(
            {"backups": [{"file": str(each.path), "of": each.of, "bytes": each.path.stat().st_size} for each in found]}
        )
    elif not found:
        output.say(tr("There are no backups yet. One is made each day."))
    else:
        rows = [(each.path.name, output.local(each.of), each.path.stat().st_size) for each in found]
        output.print_table(["backup", "of", "bytes"], rows)
    return 0
