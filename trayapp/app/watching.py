"""Notices when a watched file or folder changes, also one that is replaced, or that is not there yet."""

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer

from trayapp.app.background import Background
from trayapp.desktop.machine.file_stamps import stamps
from trayapp.endpoints.model import Settings
from trayapp.errors import Problem

SETTLED_MS = 500
"""How long a file is left alone after it changed: programs write in several steps."""
LOOK_MS = 30_000
"""How often files are looked at anyway: no system tells of changes on network drives, or within a folder's files."""


class FileWatch(QObject):
    """Tells `seen` what the watched paths are like: at first, and whenever that changes. Looks in the background."""

    def __init__(
        self, background: Background, seen: Callable[[Mapping[str, str]], None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._background = background
        self._seen = seen
        self._paths: tuple[str, ...] = ()
        self._told: dict[str, str] = {}
        self._looking = self._look_again = False
        self._watcher = QFileSystemWatcher(self)
        self._settled = QTimer(self, singleShot=True, interval=SETTLED_MS)
        self._settled.timeout.connect(self._look)
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self._look)
        # Not restarted by every change: a file that is written to all the time would never be looked at.
        for signal in (self._watcher.fileChanged, self._watcher.directoryChanged):
            signal.connect(lambda _: None if self._settled.isActive() else self._settled.start())

    def apply(self, settings: Settings) -> None:
        """Watch what these settings name from now on."""
        wanted = {each.watch for each in settings.endpoint if each.watch and each.enabled}
        self._paths = tuple(sorted(wanted))
        self._told = {path: text for path, text in self._told.items() if path in wanted}
        if not wanted:
            self._timer.stop()
            if watched := [*self._watcher.files(), *self._watcher.directories()]:
                self._watcher.removePaths(watched)
            return
        self._timer.start()
        self._look()

    def _look(self) -> None:
        if self._looking:
            self._look_again = True
            return
        self._looking = True
        paths = self._paths
        self._background.run(lambda: (stamps(paths), _places(paths)), self._looked)

    def _looked(self, found: tuple[dict[str, str], list[str]] | Problem) -> None:
        self._looking = False
        if not isinstance(found, Problem):
            stamped, places = found
            watched = {*self._watcher.files(), *self._watcher.directories()}
            if gone := [path for path in watched if path not in places]:
                self._watcher.removePaths(gone)
            if new := [path for path in places if path not in watched]:
                self._watcher.addPaths(new)
            news = {
                path: text for path, text in stamped.items() if path in self._paths and self._told.get(path) != text
            }
            self._told |= news
            if news:
                self._seen(news)
        if self._look_again:
            self._look_again = False
            self._look()


def _places(paths: tuple[str, ...]) -> list[str]:
    """What to watch: each path that is there, and the folder it is in, or will be in, as far as that is there."""
    found: dict[str, None] = {}
    for path in paths:
        place = Path(path).expanduser()
        if place.exists():
            found[str(place)] = None
        folder = next((each for each in place.parents if each.is_dir()), None)
        if folder is not None and folder != folder.parent:
            found[str(folder)] = None
    return list(found)
