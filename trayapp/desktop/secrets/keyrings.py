"""Which of keyring's backends keeps the secrets: the one that the user chose, or the system's own."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from trayapp.desktop.secrets.errors import no_keyring

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend


def chosen_keyring() -> "KeyringBackend":
    """The backend the user chose for keyring, else this system's. NoSecretStore when the user chose none.

    keyring's own choice is not used: it takes a plain text file when it finds nothing better, and finds nothing at
    all in a frozen program, where backends have no entry points.
    """
    from keyring import core
    from keyring.backends import fail, null

    found = core.load_env() or core.load_config() or _system_keyring()
    if isinstance(found, (fail.Keyring, null.Keyring)):
        raise no_keyring("keyring is configured to use none")
    return found


def _system_keyring() -> "KeyringBackend":
    if sys.platform == "win32":
        from keyring.backends import Windows

        return Windows.WinVaultKeyring()
    if sys.platform == "darwin":
        from keyring.backends import macOS

        return macOS.Keyring()
    from keyring.backends import SecretService

    _find_session_bus()
    return SecretService.Keyring()  # type: ignore[no-untyped-call]


def _find_session_bus() -> None:
    """Have jeepney find the user's bus where systemd puts it, as other D-Bus libraries do by themselves.

    Programs that cron or ssh started lack the variable with its address.
    """
    bus = Path(f"/run/user/{os.getuid()}/bus")
    if "DBUS_SESSION_BUS_ADDRESS" not in os.environ and bus.is_socket():
        os.environ["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={bus}"
