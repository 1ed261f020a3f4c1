"""The commands and their options."""

import argparse
from collections.abc import Sequence

from trayapp import __version__


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of a command line; `command` is None when none was given. Exits with 2 on wrong usage."""
    options = _parser().parse_args(arguments)
    for name, default in (("home", None), ("json", False), ("verbose", 0)):
        if not hasattr(options, name):
            setattr(options, name, default)
    return options


def _add_request(parser: argparse.ArgumentParser) -> None:
    """What is asked, as whom, and what of the detection is overruled."""
    parser.add_argument(
        "--auth",
        metavar="KIND",
        help="basic:USER, bearer, header:NAME, query:NAME, oauth2_client:ID@TOKEN_URL or oauth2_code:ID@TOKEN_URL",
    )
    parser.add_argument("--header", action="append", default=[], metavar="K:V")
    parser.add_argument("--param", action="append", default=[], metavar="K=V")
    parser.add_argument("--json-body", metavar="TEXT")
    secret = parser.add_mutually_exclusive_group()
    secret.add_argument("--secret-env", metavar="VAR")
    secret.add_argument("--secret-stdin", action="store_true")
    parser.add_argument("--ca-file", metavar="FILE")
    parser.add_argument(
        "--set", action="append", default=[], metavar="PATH=VALUE", help="any field of the settings file"
    )


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    group = shared.add_argument_group("global options")
    group.add_argument("--home", metavar="DIR", help="keep settings and data in DIR")
    group.add_argument("--json", action="store_true", help="print one JSON document")
    group.add_argument("-v", "--verbose", action="count", help="say more on stderr")

    parser = argparse.ArgumentParser(
        prog="traysync",
        description="Keeps local SQLite copies of web APIs up to date. Without a command: the tray program.",
        parents=[shared],
    )
    parser.add_argument("--version", action="version", version=f"traysync {__version__}")
    parser.add_argument("--background", action="store_true", help="start to the tray without a window")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")

    def command(name: str, help: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=help, description=help, parents=[shared])

    add = command("add", "detect what an API gives, show it, and mirror it from then on")
    add.add_argument("url", nargs="?", metavar="URL")
    add.add_argument("--name")
    add.add_argument("--id")
    add.add_argument("--every", metavar="1h")
    _add_request(add)
    add.add_argument("--curl", metavar="TEXT")
    add.add_argument("--preset", metavar="NAME", help="a well-known API instead of a URL; `--preset help` lists them")
    add.add_argument(
        "--with", dest="values", action="append", default=[], metavar="NAME=VALUE", help="what the preset asks for"
    )
    add.add_argument("--yes", action="store_true", help="save without asking")

    preview = command("preview", "show what would be detected; nothing is saved")
    preview.add_argument("target", metavar="URL|ID")
    _add_request(preview)

    def several(parser: argparse.ArgumentParser, all: str) -> argparse.ArgumentParser:
        parser.add_argument("ids", nargs="*", metavar="ID", help="an endpoint's id, or its name")
        parser.add_argument("--tag", action="append", default=[], dest="tags", help="those with that tag")
        parser.add_argument("--all", action="store_true", help=all)
        return parser

    sync = several(command("sync", "run now: all enabled endpoints, or those named"), "all enabled ones, the default")
    sync.add_argument("--due", action="store_true", help="only what is due and allowed")
    sync.add_argument("--full", action="store_true", help="compare every record with the table")
    sync.add_argument("--apply-held", action="store_true", help="delete what was held back")
    sync.add_argument(
        "--if-running",
        choices=["keep", "replace", "append"],
        default="keep",
        help="what becomes of a run that goes on: it is the one (keep), it is stopped, or a new one follows it",
    )
    sync.add_argument("--anyway", action="store_true", help="don't ask about what endpoints would wait for")

    several(command("stop", "stop runs, and take endpoints off the queue"), "every run")
    several(command("status", "the endpoints' states"), "every endpoint, the default")
    command("endpoints", "the endpoints")
    command("show", "one endpoint's settings").add_argument("id", metavar="ID")
    remove = command("remove", "remove an endpoint; its table stays")
    remove.add_argument("id", metavar="ID")
    remove.add_argument("--drop-table", action="store_true")
    command("enable", "switch an endpoint on").add_argument("id", metavar="ID")
    command("disable", "switch an endpoint off").add_argument("id", metavar="ID")
    edit = command("edit", "change an endpoint's settings")
    edit.add_argument("id", metavar="ID")
    edit.add_argument("--set", action="append", required=True, metavar="PATH=VALUE")
    edit.add_argument("--restart", action="store_true", help="stop its run, and run it anew with the new settings")

    settings = command("settings", "show or change what holds for the whole program")
    settings.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")

    command("import", "add endpoints from TOML").add_argument("file", metavar="FILE|-")
    command("export", "endpoints as TOML, never secrets").add_argument("ids", nargs="*", metavar="ID")

    secret_ = command("secret", "store or delete an endpoint's secret, or sign in for it (OAuth2)")
    secret_.add_argument("action", choices=["set", "delete", "sign-in"])
    secret_.add_argument("id", metavar="ID")
    secret_.add_argument("field", nargs="?", default="secret", metavar="FIELD")

    command("runs", "past runs").add_argument("id", nargs="?", metavar="ID")
    changes = command("changes", "what changed in an endpoint's table")
    changes.add_argument("id", metavar="ID")
    changes.add_argument("--since", metavar="TIME", help="an ISO time, or a duration like 1d")

    query = command("query", "read-only SQL over the mirrored tables")
    query.add_argument("sql", metavar="SQL")
    query.add_argument("--csv", action="store_true")
    save = command("save", "a table as .csv, .xlsx, .json or .ndjson")
    save.add_argument("id", metavar="ID")
    save.add_argument("file", metavar="FILE")
    command("backup", "a consistent copy of the database").add_argument("file", metavar="FILE")

    pause = several(command("pause", "start no scheduled runs for a while, or none of those named"), "the default")
    until = pause.add_mutually_exclusive_group()
    until.add_argument("--for", dest="length", metavar="1h")
    until.add_argument("--until", metavar="TIME")
    several(command("resume", "end a pause, or have those named run again"), "the default")
    several(command("why", "why endpoints do not run now"), "every endpoint")
    command("background", "run without the tray program").add_argument("action", choices=["on", "off", "status"])
    command("doctor", "check this installation")
    demo = command("demo", "a small loopback API with changing data, and an endpoint for it")
    demo.add_argument("--once", action="store_true", help="sync once, print the rows and end")
    return parser
