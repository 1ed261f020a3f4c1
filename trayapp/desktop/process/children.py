"""The environment that other programs get from this one; no Qt."""

import os
import re
from collections.abc import Iterable, Mapping

_OURS = "TRAYSYNC_"
_NEEDED = re.compile(r"TRAYSYNC_HOME|PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|LANG|.*DISPLAY|SYSTEMROOT|(XDG|LC|DBUS|QT)_.*")
"""No program works without these: settings that take one for a secret, such as a stranger's, must not break it."""

_withheld: set[str] = set()


def withhold(variables: Iterable[str]) -> None:
    """Give these variables to no other program from now on: settings say that they are secrets. With or without $."""
    _withheld.update(name.removeprefix("$") for name in variables if name)


def environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment for a program that this one starts: without what is a secret, or may be one of this program."""
    return {
        name: value
        for name, value in environ.items()
        if _NEEDED.fullmatch(name) or not (name in _withheld or name.startswith(_OURS))
    }
