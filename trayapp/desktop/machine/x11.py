"""Two questions to an X server, by libxcb's C functions: Qt's X11 platform needs that library anyway.

Not libX11: that ends the process when the server is gone. Sources: xcb/xproto.h, and scrnsaver.pdf of the X.Org
documentation ("MIT-SCREEN-SAVER", request QueryInfo).
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import (
    CDLL,
    POINTER,
    Structure,
    byref,
    c_char_p,
    c_int,
    c_size_t,
    c_uint,
    c_uint8,
    c_uint16,
    c_uint32,
    c_void_p,
    cast,
    create_string_buffer,
    string_at,
)

_ANY_TYPE, _CHECKED, _QUERY_INFO, _LONGEST = 0, 1, 1, 64
_REPLY = 32
"""Bytes of every reply before what follows it."""


class _Cookie(Structure):
    _fields_ = [("sequence", c_uint)]


class _Screens(Structure):
    _fields_ = [("data", POINTER(c_uint32)), ("rem", c_int), ("index", c_int)]


class _Extension(Structure):
    _fields_ = [("name", c_char_p), ("global_id", c_int)]


class _Request(Structure):
    _fields_ = [("count", c_size_t), ("ext", POINTER(_Extension)), ("opcode", c_uint8), ("isvoid", c_uint8)]


class _Part(Structure):
    _fields_ = [("base", c_void_p), ("length", c_size_t)]


_SCREEN_SAVER = _Extension(b"MIT-SCREEN-SAVER", 0)


class NoServer(Exception):
    """There is no X server to ask, or no libxcb."""


def idle_seconds() -> float | None:
    """Seconds since the last input; None where the server can't say. Raises NoServer."""
    with _connected() as server:
        milliseconds = server.idle_milliseconds()
        return None if milliseconds is None else milliseconds / 1000


def fullscreen() -> bool:
    """Whether the active window fills the screen, as the window manager has it. Raises NoServer."""
    with _connected() as server:
        (window, *_) = (*server.property(server.root, "_NET_ACTIVE_WINDOW"), 0)
        return bool(window) and server.atom("_NET_WM_STATE_FULLSCREEN") in server.property(window, "_NET_WM_STATE")


@contextmanager
def _connected() -> Iterator["_Server"]:
    try:
        library, libc = CDLL("libxcb.so.1"), CDLL(None)
    except OSError as error:
        raise NoServer(str(error)) from error
    library.xcb_connect.restype = c_void_p
    connection = c_void_p(library.xcb_connect(None, None))
    try:
        if library.xcb_connection_has_error(connection):
            raise NoServer("no X server answers")
        yield _Server(library, libc, connection)
    finally:
        library.xcb_disconnect(connection)


class _Server:
    def __init__(self, library: CDLL, libc: CDLL, connection: c_void_p) -> None:
        self._xcb, self._libc, self._connection = library, libc, connection
        library.xcb_get_setup.restype = c_void_p
        library.xcb_setup_roots_iterator.restype = _Screens
        for name in ("xcb_intern_atom", "xcb_get_property"):
            getattr(library, name).restype = _Cookie
        for name in ("xcb_intern_atom_reply", "xcb_get_property_reply", "xcb_wait_for_reply", "xcb_get_extension_data"):
            getattr(library, name).restype = c_void_p
        screens = library.xcb_setup_roots_iterator(c_void_p(library.xcb_get_setup(connection)))
        self.root = int(screens.data[0])  # the first member of xcb_screen_t

    def atom(self, name: str) -> int:
        """The number of a name; 0 when the server does not know it."""
        text = name.encode()
        cookie = self._xcb.xcb_intern_atom(self._connection, c_uint8(1), c_uint16(len(text)), text)
        reply = self._read(self._xcb.xcb_intern_atom_reply(self._connection, cookie, None), _REPLY)
        return 0 if reply is None else int(struct.unpack_from("=I", reply, 8)[0])

    def property(self, window: int, name: str) -> tuple[int, ...]:
        """A property's 32-bit values; none when the window or the property is not there."""
        cookie = self._xcb.xcb_get_property(
            self._connection,
            c_uint8(0),
            c_uint32(window),
            c_uint32(self.atom(name)),
            c_uint32(_ANY_TYPE),
            c_uint32(0),
            c_uint32(_LONGEST),
        )
        address = self._xcb.xcb_get_property_reply(self._connection, cookie, None)
        if not address:
            return ()
        size, count = string_at(address + 1, 1)[0], struct.unpack("=I", string_at(address + 16, 4))[0]
        reply = self._read(address, _REPLY + size // 8 * count)
        return () if reply is None or size != 32 else struct.unpack_from(f"={count}I", reply, _REPLY)

    def idle_milliseconds(self) -> int | None:
        """MIT-SCREEN-SAVER's time since the last input; None without that extension."""
        data = self._xcb.xcb_get_extension_data(self._connection, byref(_SCREEN_SAVER))  # the library's own: not freed
        if not data or not string_at(data + 8, 1)[0]:
            return None
        body = create_string_buffer(struct.pack("=BBHI", 0, 0, 0, self.root), 8)
        parts = (_Part * 4)()  # xcb_send_request writes before what it is given
        parts[2] = _Part(cast(body, c_void_p), 8)
        request = _Request(2, POINTER(_Extension)(_SCREEN_SAVER), _QUERY_INFO, 0)
        number = self._xcb.xcb_send_request(self._connection, c_int(_CHECKED), byref(parts[2]), byref(request))
        reply = self._read(self._xcb.xcb_wait_for_reply(self._connection, c_uint(number), None), _REPLY)
        return None if reply is None else int(struct.unpack_from("=I", reply, 16)[0])

    def _read(self, address: int | None, length: int) -> bytes | None:
        """The bytes of a reply, which is freed; None for an error."""
        if not address:
            return None
        found = string_at(address, length)
        self._libc.free(c_void_p(address))
        return found
