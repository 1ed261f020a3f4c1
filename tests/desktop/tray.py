"""The program's tray item as a panel sees it: StatusNotifierItem, and its menu by com.canonical.dbusmenu."""

from dataclasses import dataclass
from typing import Any

from tests.desktop.bus import Bus
from tests.desktop.waiting import wait_for

_ITEM = "org.kde.StatusNotifierItem"
_WATCHER = ("org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher", "org.kde.StatusNotifierWatcher")
_MENU = "com.canonical.dbusmenu"


@dataclass(frozen=True)
class Entry:
    """A menu entry; `checked` is None where there is no check mark."""

    number: int
    label: str
    enabled: bool = True
    checked: bool | None = None
    separator: bool = False
    children: tuple["Entry", ...] = ()


class TrayItem:
    def __init__(self, bus: Bus, name: str, path: str) -> None:
        self._bus = bus
        self._name = name
        self._path = path

    @classmethod
    def of(cls, bus: Bus, pid: int, seconds: float = 15.0) -> "TrayItem":
        """The item of that process, as soon as it is registered and has its menu: the icon comes first."""

        def look() -> "TrayItem | None":
            for text in bus.get(*_WATCHER, "RegisteredStatusNotifierItems"):
                name, slash, path = text.partition("/")
                if bus.has_owner(name) and bus.pid_of(name) == pid:
                    item = cls(bus, name, slash + path or "/StatusNotifierItem")
                    return item if item._get("Menu") != "/NO_DBUSMENU" else None
            return None

        found = wait_for(look, f"the tray item of process {pid}", seconds)
        assert found
        return found

    @property
    def status(self) -> str:
        return str(self._get("Status"))

    @property
    def tooltip(self) -> str:
        """Title and text in one."""
        _, _, title, text = self._get("ToolTip")
        return f"{title}\n{text}".strip()

    @property
    def icon(self) -> tuple[str, bytes]:
        """Its name and the pixels of its largest picture: enough to tell two icons apart."""
        pictures = self._get("IconPixmap")
        return str(self._get("IconName")), bytes(max(pictures, default=(0, 0, b""))[2])

    def activate(self) -> None:
        """A left click."""
        self._bus.call(self._name, self._path, _ITEM, "Activate", "ii", 0, 0)

    def menu(self) -> tuple[Entry, ...]:
        """The whole menu, filled as if it were opened."""
        path = self._get("Menu")
        self._bus.call(self._name, path, _MENU, "AboutToShow", "i", 0)
        _, (_, _, children) = self._bus.call(self._name, path, _MENU, "GetLayout", "iias", 0, -1, [])
        return tuple(_entry(child[1]) for child in children)

    def labels(self) -> list[str]:
        """The texts of the menu's top level."""
        return [entry.label for entry in self.menu() if not entry.separator]

    def entry(self, *labels: str) -> Entry:
        """The entry behind these labels, one a level; each may be the beginning of the shown text."""
        entries = self.menu()
        found: Entry | None = None
        for label in labels:
            found = next((entry for entry in entries if entry.label.startswith(label)), None)
            assert found, f"no {label!r} among {[entry.label for entry in entries]}"
            entries = found.children
        assert found
        return found

    def choose(self, *labels: str) -> None:
        """Click the entry behind these labels."""
        number = self.entry(*labels).number
        self._bus.call(self._name, self._get("Menu"), _MENU, "Event", "isvu", number, "clicked", ("i", 0), 0)

    def _get(self, member: str) -> Any:
        return self._bus.get(self._name, self._path, _ITEM, member)


def _entry(node: tuple[int, dict[str, tuple[str, Any]], list[Any]]) -> Entry:
    number, properties, children = node
    values = {name: value for name, (_, value) in properties.items()}
    return Entry(
        number=number,
        # An underscore marks the key to press; two stand for one.
        label=values.get("label", "").replace("__", "\0").replace("_", "").replace("\0", "_"),
        enabled=values.get("enabled", True),
        checked=values.get("toggle-state") == 1 if values.get("toggle-type") else None,
        separator=values.get("type") == "separator",
        children=tuple(_entry(child[1]) for child in children),
    )
