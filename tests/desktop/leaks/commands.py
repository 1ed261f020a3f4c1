"""Commands as a person types them, each in a process of its own that is forked off one with everything imported.

`python -m tests.desktop.leaks.commands` is that one: a line of JSON on stdin for each command, a line with its exit
code and outputs on stdout. Starting Python for each would take a journey of hundreds of commands minutes.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[3]


class Ended(NamedTuple):
    """A command that ended: its arguments, exit code and what it wrote."""

    arguments: tuple[str, ...]
    code: int
    out: str
    err: str


class Commands:
    """Runs `traysync --home HOME …` one after the other; `ended` has them all. A context manager."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self.ended: list[Ended] = []
        self._environment = {**environment, "PYTHONPATH": str(ROOT)}
        self._folder = folder
        self._turn = threading.Lock()

    def __enter__(self) -> "Commands":
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self._environment,
            cwd=self._folder,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def __call__(self, home: Path, *arguments: str, stdin: str = "", **variables: str) -> Ended:
        """Run a command with these variables in its environment."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"arguments": ["--home", str(home), *arguments], "stdin": stdin, "variables": variables}
        with self._turn:
            self._process.stdin.write(f"{json.dumps(asked)}\n")
            self._process.stdin.flush()
            ended = Ended(arguments, *json.loads(self._process.stdout.readline()))
        self.ended.append(ended)
        return ended

    def outputs(self) -> Iterator[tuple[str, bytes]]:
        """What all commands wrote, each with its name."""
        for done in self.ended:
            name = " ".join(done.arguments[:2])
            yield f"stdout of {name}", done.out.encode()
            yield f"stderr of {name}", done.err.encode()


def _serve() -> None:
    import keyring.backends.SecretService  # noqa: F401
    import requests  # noqa: F401

    import trayapp.cli.adding
    import trayapp.cli.commands
    import trayapp.cli.configuring
    import trayapp.cli.data
    import trayapp.cli.running
    import trayapp.sync.run.runner  # noqa: F401

    for line in sys.stdin:
        asked = json.loads(line)
        with (
            tempfile.TemporaryFile("w+") as given,
            tempfile.TemporaryFile("w+") as out,
            tempfile.TemporaryFile() as err,
        ):
            given.write(asked["stdin"])
            given.seek(0)
            child = os.fork()
            if child == 0:
                for number, file in enumerate((given, out, err)):
                    os.dup2(file.fileno(), number)
                os.environ.update(asked["variables"])
                sys.argv = ["traysync", *asked["arguments"]]
                _run()
            _, status = os.waitpid(child, 0)
            out.seek(0)
            err.seek(0)
            answer = [os.waitstatus_to_exitcode(status), out.read(), err.read().decode("utf-8", "replace")]
        print(json.dumps(answer), flush=True)


def _run() -> None:
    from trayapp.cli import main

    code = 70
    try:
        sys.stdin = open(0)  # noqa: SIM115
        code = main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 2
    except BaseException as error:  # noqa: BLE001
        sys.excepthook(type(error), error, error.__traceback__)
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
