"""What copies that were killed have left: removed when it is old, and nothing else is."""

import os
from datetime import UTC, datetime, timedelta

from trayapp.desktop.process.paths import Home
from trayapp.operations.workspace import Workspace

UNFINISHED = (
    "traysync.db.before-6.partial",
    "traysync.db.before-6.partial-wal",
    "backups/traysync-2026-01-01T000000Z.db.partial",
    "backups/traysync-2026-01-01T000000Z.db.partial.partial-journal",
)
KEPT = (
    "traysync.db.before-6",
    "traysync.db.damaged-20260101T000000",
    "traysync.db.replaced-20260101T000000",
    "backups/traysync-2026-01-01T000000Z.db",
    "mine.partial",
    "backups/mine.partial",
)


def test_old_leftovers_go_at_the_next_start(tmp_path):
    folder = tmp_path / "h"
    (folder / "backups").mkdir(parents=True)
    long_ago = (datetime.now(UTC) - timedelta(days=2)).timestamp()
    for name in UNFINISHED + KEPT:
        (folder / name).write_bytes(b"x")
        os.utime(folder / name, (long_ago, long_ago))
    fresh = folder / "backups" / "traysync-2026-01-02T000000Z.db.partial"
    fresh.write_bytes(b"x")
    workspace = Workspace(Home(folder, folder, folder))
    workspace.store.close()
    workspace.close()
    assert [name for name in UNFINISHED if (folder / name).exists()] == []
    assert [name for name in KEPT if not (folder / name).exists()] == []
    assert fresh.exists(), "somebody may be writing it"
