"""The library of calls.c: built with the system's compiler, loaded before all others, and armed in a forked process."""

import ctypes
import errno
import mmap
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).with_name("calls.c")
WHY_NOT = (
    "there is no C compiler (gcc)"
    if shutil.which("gcc") is None
    else "calls are only intercepted on Linux"
    if sys.platform != "linux"
    else ""
)
"""Why it can't be used here; "" where it can."""

OPEN_READ, OPEN_WRITE, OPEN_CREATE, READ, WRITE, SYNC, RENAME, UNLINK = (1 << n for n in range(8))
TRUNCATE, MKDIR, LINK, LOCK, MAP, LIST, CHANGE_MODE, LOOK = (1 << n for n in range(8, 16))
_OPEN = OPEN_READ | OPEN_WRITE | OPEN_CREATE
_NAMES = RENAME | UNLINK | MKDIR | LINK
CHANGES = OPEN_CREATE | WRITE | SYNC | TRUNCATE | CHANGE_MODE | _NAMES


class Fault(NamedTuple):
    """What happens to which calls; `how` is an errno, -1 for a kill, -2 for one in the middle of a write.

    lasting: to all calls from the chosen one on.
    """

    how: int
    calls: int
    lasting: bool = False

    @property
    def kills(self):
        return self.how < 0


FAULTS = {
    "KILL": Fault(-1, CHANGES),
    "TORN": Fault(-2, WRITE),
    "ENOSPC": Fault(errno.ENOSPC, OPEN_CREATE | WRITE | SYNC | TRUNCATE | RENAME | MKDIR | LINK),
    "EIO": Fault(errno.EIO, _OPEN | READ | WRITE | SYNC | TRUNCATE | LIST | LOOK | _NAMES),
    "EACCES": Fault(errno.EACCES, _OPEN | LIST | LOOK | CHANGE_MODE | _NAMES),
    "EROFS": Fault(errno.EROFS, OPEN_WRITE | OPEN_CREATE | TRUNCATE | CHANGE_MODE | _NAMES),
    "EMFILE": Fault(errno.EMFILE, _OPEN | LIST),
    "ENOLCK": Fault(errno.ENOLCK, LOCK),
    "ENOMEM": Fault(errno.ENOMEM, MAP),
}
"""The faults by name, each for the calls that can meet it; with a + behind it, it lasts.

Locks that can't be had at all are asked for again and again by SQLite, for ten seconds."""
FAULTS |= {
    f"{name}+": fault._replace(lasting=True) for name, fault in FAULTS.items() if not fault.kills and name != "ENOLCK"
}

_page = mmap.mmap(-1, 8192)
_address = ctypes.addressof(ctypes.c_char.from_buffer(_page))


def build(folder):
    """The library, compiled into that folder."""
    library = Path(folder) / "calls.so"
    command = ["gcc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl", "-lpthread"]
    subprocess.run(command, check=True)
    return library


def environment(library):
    """That of a process that is to have the library: no keyring, English, and a home only where it is named."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "TRAYSYNC_"))}
    return {
        **kept,
        "LD_PRELOAD": str(library),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C.UTF-8",
    }


def arm(folder, fault=None, call=0, record=-1):
    """From now on, count the fault's calls in the folder, and have it happen to the one of that number.

    call: 0 for none. record: a descriptor to which all that is changed is written, or -1.
    """
    _page[:] = bytes(len(_page))
    how, calls, lasting = fault or (0, 0, False)
    library = ctypes.CDLL(None)
    library.faults_arm.argtypes = [ctypes.c_char_p, *[ctypes.c_int] * 5, ctypes.c_void_p]
    library.faults_arm(os.fsencode(folder), calls, call, lasting, how, record, _address)


def told():
    """How many calls were counted since `arm`, in whatever forked process, and the first that failed, in words."""
    number, text = _page[:16].rstrip(b"\0"), bytes(_page[16:]).split(b"\0")[0]
    return int(number or 0), text.decode(errors="replace")
