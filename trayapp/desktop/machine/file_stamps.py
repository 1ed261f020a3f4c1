"""Texts that change whenever a watched file or folder does."""

import os
from pathlib import Path

import xxhash


def stamp(path: str) -> str:
    """Changes whenever the file does, or, for a folder, whatever lies directly in it; "" when it is not there.

    May take long where the folder is on another machine. A file that can't be read about counts as missing.
    """
    place = Path(path).expanduser()
    try:
        found = place.stat()
        if not place.is_dir():
            return f"{found.st_mtime_ns} {found.st_size}"
        digest = xxhash.xxh3_64()
        with os.scandir(place) as entries:
            for name, entry in sorted((entry.name, entry) for entry in entries):
                inside = entry.stat(follow_symlinks=False)
                digest.update(f"{name}\0{inside.st_mtime_ns} {inside.st_size}\0".encode(errors="surrogateescape"))
        return digest.hexdigest()
    except OSError:
        return ""


def stamps(paths: tuple[str, ...]) -> dict[str, str]:
    """The stamp of each path."""
    return {path: stamp(path) for path in paths}
