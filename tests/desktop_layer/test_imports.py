"""The command line starts fast: what it uses of the operating system's layer loads neither Qt nor the keyring."""

import subprocess
import sys

CODE = """
import sys
from trayapp.desktop.process import crash, instance, logs, paths
from trayapp.desktop.secrets import store
from trayapp.desktop.session import autostart, opener
from trayapp.desktop.socket import client
heavy = {"PySide6", "keyring", "jeepney", "requests", "platformdirs"}
print(*sorted(heavy & {name.partition(".")[0] for name in sys.modules}))
"""


def test_modules_of_the_command_line_load_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
