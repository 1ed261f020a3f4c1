"""What other programs get of our environment, and what is left of our memory."""

import subprocess
import sys

import pytest

from trayapp.desktop.process import children

ENVIRONMENT = {"PATH": "/bin", "TRAYSYNC_TOKEN": "a", "TRAYSYNC_HOME": "/h", "GITHUB_TOKEN": "b", "DISPLAY": ":0"}


def test_secret_variables_are_given_to_nobody(monkeypatch):
    monkeypatch.setattr(children, "_withheld", set())
    assert children.environment(ENVIRONMENT).keys() == ENVIRONMENT.keys() - {"TRAYSYNC_TOKEN"}
    children.withhold(["$GITHUB_TOKEN", "", "PATH"])
    assert children.environment(ENVIRONMENT) == {"PATH": "/bin", "TRAYSYNC_HOME": "/h", "DISPLAY": ":0"}


@pytest.mark.skipif(sys.platform == "win32", reason="it has no core files")
def test_a_command_leaves_no_core_file():
    say = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE)[0])"
    start = "import sys, atexit; sys.argv = ['traysync', '--version']; from trayapp.cli import main"
    code = f"{start}\ntry: main()\nexcept SystemExit: pass\n{say}"
    command = ["sh", "-c", 'ulimit -S -c "$(ulimit -H -c)"; exec "$@"', "sh", sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0"
