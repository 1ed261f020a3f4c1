"""Windows: SHQueryUserNotificationState; not tried on Windows yet."""

from ctypes import CDLL, byref, c_int

_BUSY, _DIRECT3D, _PRESENTATION = 2, 3, 4


def fullscreen() -> bool | None:
    """None when the call fails."""
    state = c_int()
    if CDLL("shell32").SHQueryUserNotificationState(byref(state)):
        return None
    return state.value in (_BUSY, _DIRECT3D, _PRESENTATION)
