"""The pause of the whole program, kept so that it survives a restart."""

import apsw

from trayapp.store.state import Pause as Pause
from trayapp.store.state import read_meta, write_meta

_NAME = "pause"


def load_pause(db: apsw.Connection) -> Pause | None:
    """The pause in force, or None; one whose time has passed is still told."""
    return Pause.of_text(read_meta(db, _NAME))


def save_pause(db: apsw.Connection, pause: Pause | None) -> None:
    """Write the pause; None ends it."""
    write_meta(db, _NAME, None if pause is None else pause.text)
