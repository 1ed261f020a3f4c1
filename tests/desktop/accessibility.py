"""The program's windows as a screen reader sees them: AT-SPI over its own bus."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.desktop.bus import Bus, DBusErrorResponse
from tests.desktop.waiting import wait_for

if TYPE_CHECKING:
    from tests.desktop.session import Desktop

_ACCESSIBLE = "org.a11y.atspi.Accessible"
_COMPONENT = "org.a11y.atspi.Component"
_ON_SCREEN = 0
# Bits of AtspiStateType.
_CHECKED, _ENABLED, _SHOWING = 4, 8, 25


class Widget:
    def __init__(self, desktop: "Desktop", bus: Bus, name: str, path: str) -> None:
        self._desktop = desktop
        self._bus = bus
        self._bus_name = name
        self._path = path

    @property
    def name(self) -> str:
        return str(self._get("Name"))

    @property
    def role(self) -> str:
        return str(self._bus.call(self._bus_name, self._path, _ACCESSIBLE, "GetRoleName"))

    @property
    def text(self) -> str:
        """The contents of a text field."""
        return str(self._bus.call(self._bus_name, self._path, "org.a11y.atspi.Text", "GetText", "ii", 0, -1))

    @property
    def checked(self) -> bool:
        return self._has(_CHECKED)

    @property
    def enabled(self) -> bool:
        return self._has(_ENABLED)

    @property
    def showing(self) -> bool:
        return self._has(_SHOWING)

    def children(self) -> list["Widget"]:
        found = self._bus.call(self._bus_name, self._path, _ACCESSIBLE, "GetChildren")
        return [Widget(self._desktop, self._bus, name, path) for name, path in found]

    def walk(self) -> Iterator["Widget"]:
        """Itself and everything inside."""
        yield self
        for child in self.children():
            yield from child.walk()

    def find(self, role: str = "", name: str = "", seconds: float = 10.0) -> "Widget":
        """The first visible widget inside with this role and a name that begins so, as soon as there is one."""

        def look() -> "Widget | None":
            try:
                return next((widget for widget in self.walk() if widget._is(role, name)), None)
            except DBusErrorResponse:  # it went away while we walked
                return None

        found = wait_for(look, f"{role or 'a widget'} named {name!r}", seconds)
        assert found
        return found

    def click(self, button: int = 1) -> None:
        """A real click into its middle."""
        extents = self._bus.call(self._bus_name, self._path, _COMPONENT, "GetExtents", "u", _ON_SCREEN)
        x, y, width, height = extents
        self._desktop.click(x + width // 2, y + height // 2, button)

    def enter(self, text: str) -> None:
        """Click into it and type this in the place of what was there."""
        self.click()
        self._desktop.press("ctrl+a")
        self._desktop.type(text)

    def _is(self, role: str, name: str) -> bool:
        return (not role or self.role == role) and (not name or self.name.startswith(name)) and self.showing

    def _has(self, state: int) -> bool:
        low, high = self._bus.call(self._bus_name, self._path, _ACCESSIBLE, "GetState")
        return bool((high << 32 | low) >> state & 1)

    def _get(self, member: str) -> object:
        return self._bus.get(self._bus_name, self._path, _ACCESSIBLE, member)


class Accessibility:
    """The way in: the accessibility bus of a desktop."""

    def __init__(self, desktop: "Desktop") -> None:
        self._desktop = desktop
        self._bus = Bus(desktop.environment["AT_SPI_BUS_ADDRESS"])

    def of(self, pid: int) -> Widget:
        """The program with this process id, as soon as it is there."""

        def look() -> Widget | None:
            root = Widget(self._desktop, self._bus, "org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root")
            return next((child for child in root.children() if self._bus.pid_of(child._bus_name) == pid), None)

        found = wait_for(look, f"process {pid} on the accessibility bus")
        assert found
        return found

    def close(self) -> None:
        self._bus.close()
