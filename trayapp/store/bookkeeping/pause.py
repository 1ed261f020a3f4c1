"""The pause of the whole program, kept so that it survives a restart."""

from datetime import datetime

import apsw
import msgspec

from trayapp.store.bookkeeping.endpoint_states import read_meta, write_meta
from trayapp.store.times import from_text, to_text

_NAME = "pause"
_UNTIL_RESUMED = "until resumed"


class Pause(msgspec.Struct, frozen=True):
    """No scheduled run starts before `until` (aware UTC); None: before the user resumes."""

    until: datetime | None = None


def load_pause(db: apsw.Connection) -> Pause | None:
    """The pause in force, or None; one whose time has passed is still told."""
    text = read_meta(db, _NAME)
    return None if text is None else Pause(None if text == _UNTIL_RESUMED else from_text(text))


def save_pause(db: apsw.Connection, pause: Pause | None) -> None:
    """Write the pause; None ends it."""
    write_meta(db, _NAME, None if pause is None else to_text(pause.until) or _UNTIL_RESUMED)
