"""Opening files, folders and web pages with the user's own programs; no Qt.

A frozen program needs no care here: packaging/restore_library_path.py has given its children their libraries.
"""

import logging
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

from trayapp.desktop.process.children import environment
from trayapp.errors import EnvironmentProblem, UserError
from trayapp.messages import say

_log = logging.getLogger(__name__)


def open_path(path: Path) -> None:
    """Open a file with its program, a folder in the file manager. Returns at once. UserError when that's impossible."""
    if not path.exists():
        raise EnvironmentProblem(
            say("{path} doesn't exist", path=path),
            say("It was moved or deleted, or never written."),
            code="file_missing",
        )
    _open(str(path.absolute()))


def open_url(url: str) -> None:
    """Open a web page in the browser. Returns at once. UserError for anything that is not http or https: the text may
    come from a server, and must not start programs."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise UserError(
            say("This link can't be opened"),
            say("{url} doesn't begin with http:// or https://.", url=url),
            code="link_refused",
        )
    _open(url)


def _open(target: str) -> None:
    if sys.platform == "win32":
        os.startfile(target)
        return
    opener = "open" if sys.platform == "darwin" else "xdg-open"
    program = shutil.which(opener)
    if program is None:
        raise EnvironmentProblem(
            say("{target} can't be opened", target=target),
            say("{opener}, which finds the right program for it, isn't installed.", opener=opener),
            say("Install xdg-utils, or open it yourself."),
            code="no_opener",
        )
    threading.Thread(target=_run, args=(program, target), name="opener", daemon=True).start()


def _run(program: str, target: str) -> None:
    """Wait for the opener, which may be the browser itself, so that no zombie stays."""
    null = subprocess.DEVNULL
    try:
        done = subprocess.run(
            [program, target],
            stdin=null,
            stdout=null,
            stderr=null,
            env=environment(),
            start_new_session=True,
            check=False,
        )
    except OSError as error:
        _log.warning("%s: %s", program, error.strerror)
        return
    if done.returncode:
        _log.warning("%s could not open %s (status %d)", program, target, done.returncode)
