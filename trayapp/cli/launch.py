"""`traysync` without a command: start the tray program, or raise the one that runs."""

import argparse
import os
import sys
import time

from trayapp.desktop.process.instance import Lock, acquire_engine_lock
from trayapp.desktop.process.paths import Home, find_home
from trayapp.errors import UserError
from trayapp.messages import say

_PATIENCE = 10.0
"""Seconds to wait for a `traysync sync` that holds the engine."""
_PATIENCE_AT_LOGIN = 900.0
"""The same where nobody waits: the system's timer may have begun to sync what was missed at this very moment."""


def launch(options: argparse.Namespace) -> int:
    """Start the tray program in this process, or have the running one show its window. Returns the exit code."""
    try:
        if not _has_display():
            raise UserError(
                say("There is no display"),
                say("The tray program needs a desktop session (DISPLAY and WAYLAND_DISPLAY are not set)."),
                say("Use the commands instead, see `traysync --help`."),
            )
        home = find_home(options.home)
        home.create()
        lock = _lock_or_raise(home, quiet=options.background)
    except UserError as error:
        from trayapp.cli.output import print_error  # here and below: not before the icon is there

        print_error(error, options.json)
        return 3 if isinstance(error, _Held) else 2
    if lock is None:
        return 0
    from trayapp.app import main

    return main(home, lock, background=options.background)


class _Held(UserError):
    pass


def _lock_or_raise(home: Home, quiet: bool) -> Lock | None:
    """The engine's lock, or None when a running tray program has taken the wish to be seen."""
    until = time.monotonic() + (_PATIENCE_AT_LOGIN if quiet else _PATIENCE)
    while True:
        lock = acquire_engine_lock(home)
        if lock is not None:
            return lock
        from trayapp.desktop.socket.client import NotRunning, ask

        try:
            # Also quietly it is asked: whoever holds the lock may be a `sync --due`, which ends.
            # In plain data: to import the commands takes longer than all else here.
            ask(home.socket_address, {"command": "Status" if quiet else "Raise"}, dict, connect_within=1.0)
            return None
        except NotRunning:
            if time.monotonic() > until:
                raise _Held(
                    say("TraySync is busy"),
                    say("Another process is syncing in this folder."),
                    say("Try again when it is done."),
                ) from None
            time.sleep(0.2)


def _has_display() -> bool:
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM", "xcb").split(":")[0] in ("offscreen", "minimal"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
