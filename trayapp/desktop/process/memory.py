"""Memory that the program does not need at rest, given back to the system. On Linux; elsewhere nothing is done."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import ctypes

_MAPPING = re.compile(
    r"^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ \d+ +(/.*)\n"
    r"(?:[A-Z].*\n)*?Rss: +[1-9]\d* kB\n(?:[A-Z].*\n)*?Anonymous: +0 kB\n",
    re.MULTILINE,
)
_LIBRARY = re.compile(r" r-xp .* (/.*\.so\b.*)$", re.MULTILINE)
_MADV_DONTNEED = 4
_MUCH_CODE = 24 * 2**20
"""Bytes. A run leaves two thirds of that, the start and the window twice as much."""


def give_back() -> None:
    """Give back free memory, and the libraries' code if much of it is in memory. Some 20 ms, in any thread."""
    if sys.platform != "linux":
        return
    import ctypes

    library = ctypes.CDLL(None)
    _trim(library)
    if int(_read("statm").split()[2]) * os.sysconf("SC_PAGESIZE") > _MUCH_CODE:
        _forget_code(library)


def _trim(library: "ctypes.CDLL") -> None:
    """The C library's free memory: glibc keeps the pages that lie between used ones. Source: malloc_trim(3)."""
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)


def _forget_code(library: "ctypes.CDLL") -> None:
    """The libraries' code and constants: a third of this program's memory, most of it only used when it starts.

    They stay in the system's page cache as long as there is room, and are mapped again, 16 pages at a time, when they
    are used. Source: madvise(2), MADV_DONTNEED. As that loses what was written to a private mapping, only those are
    chosen that hold nothing written.
    """
    import ctypes

    # Completely loaded, and never unloaded from now on: their addresses mean what they meant when they are used below.
    for path in {*_LIBRARY.findall(_read("maps"))} - _kept:
        try:
            ctypes.CDLL(path, mode=os.RTLD_LAZY | os.RTLD_NOLOAD | os.RTLD_NODELETE)
        except OSError:
            continue  # no library, or its file is gone
        _kept.add(path)
    for mapping in unwritten(_read("smaps")):
        if mapping.path in _kept:
            library.madvise(ctypes.c_void_p(mapping.start), ctypes.c_size_t(mapping.length), _MADV_DONTNEED)


_kept: set[str] = set()
"""The libraries that are never unloaded."""


def _read(name: str) -> str:
    return Path("/proc/self", name).read_text("utf-8", errors="surrogateescape")


class Mapping(NamedTuple):
    """A part of a file in memory: address and length in bytes."""

    start: int
    length: int
    path: str


def unwritten(text: str) -> Iterator[Mapping]:
    """The private mappings of files that can't be written to and hold nothing written, of which some is in memory.

    `text` is of the form of /proc/PID/smaps. Source: proc_pid_smaps(5).
    """
    for found in _MAPPING.finditer(text):
        start, end = int(found[1], 16), int(found[2], 16)
        yield Mapping(start, end - start, found[3])
