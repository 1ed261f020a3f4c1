"""The commands and their options."""

import argparse
from collections.abc import Callable, Sequence
from typing import NoReturn

from trayapp import __version__
from trayapp.visible import visible

_Fill = Callable[[argparse.ArgumentParser], object]


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of a command line; `command` is None when none was given. Exits with 2 on wrong usage."""
    options = _parser().parse_args(arguments)
    for name, default in (("home", None), ("json", False), ("verbose", 0)):
        if not hasattr(options, name):
            setattr(options, name, default)
    return options


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Name what is wrong, which quotes the arguments, and exit with 2."""
        super().error(visible(message))


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    group = shared.add_argument_group("global options")
    group.add_argument("--home", metavar="DIR", help="keep settings and data in DIR")
    group.add_argument("--json", action="store_true", help="print one JSON document")
    group.add_argument("-v", "--verbose", action="count", help="say more on stderr")

    parser = _Parser(
        prog="traysync",
        description="Keeps local SQLite copies of web APIs up to date. Without a command: the tray program.",
        parents=[shared],
    )
    parser.add_argument("--version", action="version", version=f"traysync {__version__}")
    parser.add_argument("--background", action="store_true", help="start to the tray without a window")
    commands = parser.add_subparsers(
        dest="command",
        metavar="COMMAND",
        title="commands",
        parser_class=_WhenGiven,  # type: ignore[type-var]
    )
    for name, help, fill in _COMMANDS:
        commands.add_parser(name, help=help, description=help, parents=[shared], fill=fill)  # type: ignore[list-item]
    return parser


class _WhenGiven:
    """A command's parser, made only when that command was given: all of them take longer than a short command."""

    def __init__(self, *, fill: _Fill, **options: object) -> None:
        self._fill = fill
        self._options = options

    def __getattr__(self, name: str) -> object:
        parser = _Parser(**self._options)  # type: ignore[arg-type]
        self._fill(parser)
        return getattr(parser, name)


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


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", nargs="?", metavar="URL")
    parser.add_argument("--name")
    parser.add_argument("--id")
    parser.add_argument("--every", metavar="1h")
    _add_request(parser)
    parser.add_argument("--curl", metavar="TEXT")
    parser.add_argument(
        "--preset", metavar="NAME", help="a well-known API instead of a URL; `--preset help` lists them"
    )
    parser.add_argument(
        "--with", dest="values", action="append", default=[], metavar="NAME=VALUE", help="what the preset asks for"
    )
    parser.add_argument("--yes", action="store_true", help="save without asking")


def _preview(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="URL|ID")
    _add_request(parser)


def _several(all: str) -> _Fill:
    def fill(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("ids", nargs="*", metavar="ID", help="an endpoint's id, or its name")
        parser.add_argument("--tag", action="append", default=[], dest="tags", help="those with that tag")
        parser.add_argument("--all", action="store_true", help=all)

    return fill


def _one(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID")


def _nothing(_: argparse.ArgumentParser) -> None:
    pass


def _sync(parser: argparse.ArgumentParser) -> None:
    _several("all enabled ones, the default")(parser)
    parser.add_argument("--due", action="store_true", help="only what is due and allowed")
    parser.add_argument("--full", action="store_true", help="compare every record with the table")
    parser.add_argument("--apply-held", action="store_true", help="delete what was held back")
    parser.add_argument(
        "--if-running",
        choices=["keep", "replace", "append"],
        default="keep",
        help="what becomes of a run that goes on: it is the one (keep), it is stopped, or a new one follows it",
    )
    parser.add_argument("--anyway", action="store_true", help="don't ask about what endpoints would wait for")


def _remove(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    parser.add_argument("--drop-table", action="store_true")


def _edit(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    parser.add_argument("--set", action="append", required=True, metavar="PATH=VALUE")
    parser.add_argument("--restart", action="store_true", help="stop its run, and run it anew with the new settings")


def _settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")


def _import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE|-")
    parser.add_argument("--yes", action="store_true", help="agree to all that takes a person's word")


def _secret(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["set", "delete", "allow", "sign-in"])
    _one(parser)
    parser.add_argument("field", nargs="?", metavar="FIELD", help="secret, proxy, refresh_token or access_token")
    parser.add_argument("--yes", action="store_true", help="allow without asking")


def _changes(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    parser.add_argument("--since", metavar="TIME", help="an ISO time, or a duration like 1d")


def _query(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sql", metavar="SQL")
    parser.add_argument("--csv", action="store_true")


def _save(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    parser.add_argument("file", metavar="FILE")


def _restore(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", nargs="?", metavar="FILE", help="a backup, or a daily one by its name; without it: list these"
    )
    parser.add_argument("--yes", action="store_true", help="restore without asking")


def _pause(parser: argparse.ArgumentParser) -> None:
    _several("the default")(parser)
    until = parser.add_mutually_exclusive_group()
    until.add_argument("--for", dest="length", metavar="1h")
    until.add_argument("--until", metavar="TIME")


def _doctor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--repair", action="store_true", help="mend what can be mended of the database")


def _demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="sync once, print the rows and end")


_COMMANDS: tuple[tuple[str, str, _Fill], ...] = (
    ("add", "detect what an API gives, show it, and mirror it from then on", _add),
    ("preview", "show what would be detected; nothing is saved", _preview),
    ("sync", "run now: all enabled endpoints, or those named", _sync),
    ("stop", "stop runs, and take endpoints off the queue", _several("every run")),
    ("status", "the endpoints' states", _several("every endpoint, the default")),
    ("endpoints", "the endpoints", _nothing),
    ("show", "one endpoint's settings", _one),
    ("remove", "remove an endpoint; its table stays", _remove),
    ("enable", "switch an endpoint on", _one),
    ("disable", "switch an endpoint off", _one),
    ("edit", "change an endpoint's settings", _edit),
    ("settings", "show or change what holds for the whole program", _settings),
    ("import", "add endpoints from TOML, or replace those with their ids", _import),
    ("export", "endpoints as TOML, never secrets", lambda parser: parser.add_argument("ids", nargs="*", metavar="ID")),
    ("secret", "store or delete an endpoint's secret, allow where it goes, or sign in for it (OAuth2)", _secret),
    ("runs", "past runs", lambda parser: parser.add_argument("id", nargs="?", metavar="ID")),
    ("changes", "what changed in an endpoint's table", _changes),
    ("query", "read-only SQL over the mirrored tables", _query),
    ("save", "a table as .csv, .xlsx, .json or .ndjson", _save),
    ("backup", "a consistent copy of the database", lambda parser: parser.add_argument("file", metavar="FILE")),
    ("restore", "put a backup in the place of the database, or list the daily ones", _restore),
    ("pause", "start no scheduled runs for a while, or none of those named", _pause),
    ("resume", "end a pause, or have those named run again", _several("the default")),
    ("why", "why endpoints do not run now", _several("every endpoint")),
    (
        "background",
        "run without the tray program",
        lambda parser: parser.add_argument("action", choices=["on", "off", "status"]),
    ),
    ("doctor", "check this installation, and repair the database", _doctor),
    ("demo", "a small loopback API with changing data, and an endpoint for it", _demo),
)
