"""Reading properties of D-Bus services, for threads that may wait. jeepney is imported when it is needed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from jeepney.io.blocking import DBusConnection

_PATIENCE = 2.0
"""Seconds a service may take."""


class Unanswered(Exception):
    """There is no such bus, service, object or property, or it does not answer."""


class Reader:
    """A connection to a bus, for questions about properties. Raises Unanswered."""

    def __init__(self, connection: "DBusConnection") -> None:
        self._connection = connection

    def get(self, service: str, path: str, interface: str, name: str) -> Any:
        """The property's value, a variant unpacked."""
        ((_, value),) = self.call(service, path, "org.freedesktop.DBus.Properties", "Get", "ss", interface, name)
        return value

    def call(
        self, service: str, path: str, interface: str, method: str, signature: str | None = None, *arguments: Any
    ) -> tuple[Any, ...]:
        """The values a method answers."""
        from jeepney import DBusAddress, new_method_call
        from jeepney.wrappers import unwrap_msg

        message = new_method_call(DBusAddress(path, service, interface), method, signature, arguments)
        return tuple(unwrap_msg(self._connection.send_and_get_reply(message, timeout=_PATIENCE)))


@contextmanager
def reader(bus: Literal["SESSION", "SYSTEM"]) -> Iterator[Reader]:
    """A connection for as long as the block runs; whatever goes wrong in it is raised as Unanswered."""
    try:
        from jeepney.io.blocking import open_dbus_connection

        with open_dbus_connection(bus) as connection:
            yield Reader(connection)
    except failures() as error:
        raise Unanswered(str(error)) from error


def failures() -> tuple[type[BaseException], ...]:
    """What a missing, broken or silent service, or a missing bus, makes jeepney raise."""
    from jeepney import DBusErrorResponse
    from jeepney.auth import AuthenticationError
    from jeepney.io.common import RouterClosed

    # KeyError: no bus in the environment; StopIteration and RuntimeError: an address jeepney cannot read.
    return (
        OSError,
        TimeoutError,
        KeyError,
        StopIteration,
        RuntimeError,
        ValueError,
        DBusErrorResponse,
        AuthenticationError,
        RouterClosed,
    )
