"""Where the program keeps its files, on every system; no Qt."""

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from trayapp.errors import EnvironmentProblem
from trayapp.messages import say

_LONGEST_SOCKET_PATH = 100
"""Bytes; sun_path holds 108 on Linux and 104 on macOS, and QLocalServer binds to a longer temporary name first."""


class Home(NamedTuple):
    """The folders of one TraySync: two programs with the same Home are two faces of one engine.

    `given` is the folder named by --home or $TRAYSYNC_HOME, None when the platform's own folders are used.
    """

    data: Path
    config: Path
    given: Path | None = None

    @property
    def settings_file(self) -> Path:
        """What the user configured."""
        return self.config / "settings.toml"

    @property
    def database(self) -> Path:
        """The user's file with the mirrored tables."""
        return self.data / "traysync.db"

    @property
    def lock_file(self) -> Path:
        """Locked by the one process that runs syncs."""
        return self.data / "traysync.lock"

    @property
    def log_file(self) -> Path:
        """The newest log; older ones have a number behind their name."""
        return self.data / "traysync.log"

    @property
    def crash_file(self) -> Path:
        """Where the interpreter writes its stacks when it dies."""
        return self.data / "crash.log"

    @property
    def staging(self) -> Path:
        """Folder for side files of running runs."""
        return self.data / "staging"

    @property
    def window_state(self) -> Path:
        """Sizes and positions of windows (QSettings, INI)."""
        return self.data / "window.ini"

    @property
    def socket_address(self) -> str:
        """Where the tray program listens: a socket's path, on Windows a pipe's name.

        It follows from the data folder alone, so that a program started from another session, with other
        XDG variables, finds the same one.
        """
        inside = self.data / "traysync.sock"
        if sys.platform != "win32" and len(os.fsencode(inside)) <= _LONGEST_SOCKET_PATH:
            return str(inside)
        import hashlib  # it loads OpenSSL, which most users' programs need not have in memory at rest

        name = hashlib.sha256(os.fsencode(self.data.resolve())).hexdigest()[:16]
        if sys.platform == "win32":
            return rf"\\.\pipe\traysync-{name}"
        return f"/tmp/traysync-{os.getuid()}-{name}/socket"

    def create(self) -> None:
        """Make the folders, private to the user. EnvironmentProblem names the one that can't be used."""
        for folder in (self.data, self.config):
            try:
                _make_private(folder)
                with tempfile.TemporaryFile(dir=folder):
                    pass
            except OSError as error:
                raise _not_writable(folder, error) from error


def find_home(given: str | os.PathLike[str] | None = None, environ: Mapping[str, str] = os.environ) -> Home:
    """The Home for --home (`given`), else $TRAYSYNC_HOME, else the platform's user folders. Creates nothing."""
    chosen = given or environ.get("TRAYSYNC_HOME")
    if chosen:
        folder = Path(chosen).expanduser().absolute()
        return Home(folder, folder, folder)
    from platformdirs import PlatformDirs

    dirs = PlatformDirs("traysync" if sys.platform == "linux" else "TraySync", appauthor=False)
    return Home(dirs.user_data_path, dirs.user_config_path)


def _make_private(folder: Path) -> None:
    """Like mkdir -p, with 0700 for every folder that is new; one that exists keeps the mode its owner gave it."""
    if folder.is_dir():
        return
    _make_private(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)


def _not_writable(folder: Path, error: OSError) -> EnvironmentProblem:
    return EnvironmentProblem(
        say("The folder {folder} can't be used", folder=folder),
        say("TraySync keeps its files there. The system says: {what}.", what=error.strerror or error),
        say("Make the folder writable, or choose another one with --home DIR or the variable TRAYSYNC_HOME."),
        code="folder_not_writable",
    )
