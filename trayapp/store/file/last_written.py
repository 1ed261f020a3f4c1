"""Whether the file is as this program left it when it last closed it.

SQLite can't tell: in WAL mode most transactions leave its change counter as it is
(https://sqlite.org/fileformat2.html, "File change counter"), and a table of the person's may have no triggers of ours.
So the file's time and size are noted beside it. A crash, or another process of ours, makes it look changed, which costs
no more than to count the rows of each table once.
"""

import os
from pathlib import Path


def note(path: Path) -> None:
    """The file is as we left it. Where that can't be written it will look changed."""
    stamp, file = _stamp(path), _beside(path)
    if not stamp or _noted(file) == stamp:
        return
    try:
        descriptor = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as writing:
            writing.write(stamp)
    except OSError:
        return


def is_ours(path: Path) -> bool:
    """Whether nobody has written to the file since `note`; also when there is no file."""
    stamp = _stamp(path)
    return not stamp or stamp == _noted(_beside(path))


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.last")


def _noted(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, ValueError):
        return ""


def _stamp(path: Path) -> str:
    """When the file was changed, in nanoseconds, and its bytes, then the same of its log if that holds anything."""
    found = []
    for each in (path, path.with_name(f"{path.name}-wal")):
        try:
            status = each.stat()
        except OSError:
            continue
        if status.st_size:
            found.append(f"{status.st_mtime_ns} {status.st_size}")
    return " ".join(found)
