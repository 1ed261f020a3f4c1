"""The command line: everything the windows can do, without Qt."""

import atexit
import gc
import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `traysync` with these arguments (the process's own when None) and return its exit code.

    0 success, 1 a run failed or is held, 2 wrong usage or settings, 3 another instance holds what is needed.
    """
    from trayapp.cli.parser import parse

    options = parse(sys.argv[1:] if arguments is None else arguments)
    if options.command is None:
        from trayapp.cli.launch import launch

        return launch(options)
    from trayapp.cli.commands import run_command

    # Python would search all that was imported for garbage, several times, before it ends: a sixth of a short command.
    atexit.register(gc.freeze)
    try:
        return run_command(options)
    except BrokenPipeError:
        # The reader went away (`traysync query … | head`): nothing more can be said, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
