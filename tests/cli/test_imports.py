"""What a command imports, in processes of their own: Python keeps what was imported once."""

import subprocess
import sys

from tests.server import Listing
from trayapp.cli.commands import _function
from trayapp.cli.parser import _COMMANDS

_SYNC = """
import sys
from trayapp.cli import main
code = main(sys.argv[1:])
print(code, *sorted({*sys.modules} & {
    "PySide6", "apscheduler", "charset_normalizer", "chardet", "difflib", "keyring", "logging.handlers", "subprocess",
    "truststore", "xml.parsers.expat", "trayapp.cli.adding", "trayapp.operations.imports",
    "trayapp.schedule.driver.alarms",
}))
"""


def test_a_sync_imports_nothing_that_only_other_commands_need(cli, api, home):
    cli("add", api.route("/items", Listing([{"id": 1}], pages="none")), "--yes")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _SYNC, "--home", str(home), "sync"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines() == ["items: 1 new.", "0"]
    assert done.stderr == ""


def test_every_command_has_what_carries_it_out():
    carried_out = [_function(name) for name, _, _ in _COMMANDS]
    assert len({*carried_out}) == len(_COMMANDS)
    assert all(map(callable, carried_out))
