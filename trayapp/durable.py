"""Files that outlive a power cut: their bytes are on the disk before they get their name, and then the name is.

Who renames without the first may find an empty file afterwards; without the second, the file that was there before.
"""

import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)


def write_new(path: Path, content: bytes) -> None:
    """Write a private file, on the disk when this returns; one that is there already is replaced. OSErrors."""
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync(path: Path) -> None:
    """Have what others wrote to a file be on the disk. OSErrors."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def put_in_place(new: Path, target: Path) -> None:
    """Give a file that is on the disk its name, and have that be there, too. OSErrors, and then nothing has changed."""
    os.replace(new, target)
    if os.name != "posix":  # Windows has no such call
        return
    try:
        descriptor = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        log.warning("the name of %s may not outlive a power cut: %s", target, error.strerror)
