"""What a killed or failed copy or backup of the file has left beside it."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

KEPT = timedelta(days=1)
"""No copy takes so long: what has not been written to since then belongs to no living process."""

_UNFINISHED = re.compile(r".+\.partial(-journal|-wal|-shm)?")


def remove_leftovers(path: Path, now: datetime) -> list[Path]:
    """Remove unfinished copies of the file at `path` that are older than KEPT; which ones. OSErrors."""
    beside = [*path.parent.glob(f"{path.name}.*"), *path.with_name("backups").glob(f"{path.stem}-*")]
    left = [each for each in beside if _UNFINISHED.fullmatch(each.name) and each.is_file()]
    old = [each for each in left if now - datetime.fromtimestamp(each.stat().st_mtime, UTC) > KEPT]
    for each in old:
        each.unlink(missing_ok=True)
    return old
