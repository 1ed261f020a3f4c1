"""Which file a path names, to notice one that is replaced, moved or deleted while connections have it open.

A connection goes on with the file it has opened, whatever becomes of its name: what it writes then is lost.
"""

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import apsw

SIDE_FILES = ("-wal", "-shm")


class FileId(NamedTuple):
    """What tells a file from all others of the machine, whatever its name."""

    device: int
    inode: int


def file_id(path: Path) -> FileId | None:
    """The file of that name; None where there is none. OSErrors."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return FileId(found.st_dev, found.st_ino)


class OpenFile(NamedTuple):
    """The file that a writer has opened, and those beside it."""

    path: Path
    id: FileId | None
    side: dict[str, FileId | None]

    @classmethod
    def of(cls, path: Path) -> "OpenFile":
        """The file that has that name now."""
        return cls(path, file_id(path), {end: file_id(_beside(path, end)) for end in SIDE_FILES})

    @property
    def is_there(self) -> bool:
        """Whether it still has its name."""
        return file_id(self.path) == self.id

    def abandon(self, db: apsw.Connection) -> None:
        """Close the writer of a file that has lost its name, so that it does not harm the one that has it now.

        What is in the WAL goes into the old file, wherever that is. Side files of the old one would be taken for those
        of the new one, which would be damaged by them; side files that came with the new one stay.
        """
        is_ours = {end: id is not None and file_id(_beside(self.path, end)) == id for end, id in self.side.items()}
        if is_ours["-wal"]:
            with suppress(apsw.Error):
                db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        db.close()  # SQLite sees that the file has moved, and deletes no side files of that name
        for end, ours in is_ours.items():
            if ours:
                _beside(self.path, end).unlink(missing_ok=True)


def _beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)
