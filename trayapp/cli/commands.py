"""The commands by name, and how each is carried out."""

import argparse
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from types import ModuleType

from trayapp.cli import output
from trayapp.desktop.process.logs import Scrubber, ScrubbingFormatter
from trayapp.desktop.process.paths import Home, find_home
from trayapp.errors import EnvironmentProblem, UserError, problem_of
from trayapp.messages import say, tr
from trayapp.operations import commands
from trayapp.operations.client import Client, EngineHeld
from trayapp.store.errors import StoreLocked
from trayapp.sync.errors import SyncError

log = logging.getLogger(__name__)

Options = argparse.Namespace


_MAKING = ("add", "import", "demo", "settings", "background", "pause", "resume", "doctor", "restore")
"""The commands that make a home where there is none."""


@contextmanager
def _home(options: Options) -> Iterator[Home]:
    """The home; where there is none, and the command has nothing to put there, an empty one that is thrown away.

    One that was deleted is not to come back by a look at it: the tray program may still run.
    """
    home = find_home(options.home)
    if options.command in _MAKING or home.data.exists() or home.config.exists():
        yield home
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix="traysync-") as folder:
        yield find_home(folder)


def run_command(options: Options) -> int:
    """Carry out `options.command`, print its result or error, and return the exit code."""
    try:
        scrubber = _log_to_stderr(options.verbose)
        with ExitStack() as stack:  # in here, since it may fail to let go, too
            client = stack.enter_context(closing(Client(stack.enter_context(_home(options)), scrubber.register)))
            stack.callback(_tell_of_store, client)
            return _function(options.command)(client, options)
    except (EngineHeld, StoreLocked) as error:
        output.print_error(error, options.json)
        return 3
    except UserError as error:
        output.print_error(error, options.json)
        return 1 if isinstance(error, SyncError) else 2
    except KeyboardInterrupt:
        output.print_error(UserError(say("Interrupted"), say("Nothing of the unfinished run was kept.")), options.json)
        return 130
    except BrokenPipeError:
        raise
    except Exception as error:
        problem = problem_of(error)
        if problem.code == "bug":
            log.exception("The command %s ended with an unexpected error", options.command)
        output.print_error(EnvironmentProblem.of(problem), options.json)
        return 1


def _tell_of_store(client: Client) -> None:
    """Say on stderr what had to be mended in the database."""
    if told := client.workspace.take_notices():
        output.tell(*map(str, told))


def _log_to_stderr(verbose: int) -> Scrubber:
    scrubber = Scrubber()
    handler = logging.StreamHandler()
    handler.setFormatter(ScrubbingFormatter(scrubber))
    root = logging.getLogger()
    root.setLevel({0: logging.ERROR, 1: logging.INFO}.get(verbose, logging.DEBUG))
    root.addHandler(handler)
    return scrubber


def _doctor(client: Client, options: Options) -> int:
    from trayapp.cli.doctor import examine

    if options.repair:
        return _repair(client, options)
    findings = examine(client)
    if options.json:
        output.print_json({"findings": findings})
    else:
        for finding in findings:
            output.say(f"{'ok     ' if finding.ok else 'PROBLEM'}  {finding.what}: {finding.detail}")
    return 0 if all(finding.ok for finding in findings) else 1


def _repair(client: Client, options: Options) -> int:
    lines = client.do(commands.Repair()).lines
    if options.json:
        output.print_json({"repaired": lines})
    else:
        output.say(*(lines or (tr("Nothing had to be repaired."),)))
    return 0


def _function(command: str) -> Callable[[Client, Options], int]:
    """What carries a command out. Only its own module is imported: the others would take a short command long."""
    if command == "doctor":
        return _doctor
    module: ModuleType
    if command in ("add", "preview"):
        from trayapp.cli import adding as module
    elif command in ("runs", "changes", "query", "save", "backup", "restore"):
        from trayapp.cli import data as module
    elif command in ("sync", "stop", "status", "pause", "resume", "why", "background", "demo"):
        from trayapp.cli import running as module
    else:
        from trayapp.cli import configuring as module
    function: Callable[[Client, Options], int] = getattr(module, "import_" if command == "import" else command)
    return function
