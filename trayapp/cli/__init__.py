"""The command line: everything the windows can do, without Qt."""

import os
import sys
from collections.abc import Sequence
from types import TracebackType


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `traysync` with these arguments (the process's own when None) and return its exit code.

    0 success, 1 a run failed or is held, 2 wrong usage or settings, 3 another instance holds what is needed,
    130 interrupted by Ctrl-C.
    """
    from trayapp.cli.parser import parse

    if arguments is None:
        from trayapp.desktop.process.memory_image import forbid

        sys.excepthook = _tell_unexpected
        forbid()
    options = parse(sys.argv[1:] if arguments is None else arguments)
    if options.command is None:
        from trayapp.cli.launch import launch

        return launch(options)
    from trayapp.cli.commands import run_command

    try:
        status = run_command(options)
    except BrokenPipeError:
        # The reader went away (`traysync query … | head`): nothing more can be said, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    if arguments is None:
        _end(status)
    return status


def _tell_unexpected(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    from trayapp.cli.output import print_traceback

    print_traceback(kind, error, traceback)


def _end(status: int) -> None:
    """End the process now: to take all modules apart, as Python does, takes as long as a short command's own work.

    All is closed and written by then. Returns where the last words can't be written: Python says so itself.
    """
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except OSError:
        return
    os._exit(status)
