"""Windows: GetLastInputInfo; not tried on Windows yet."""

from ctypes import CDLL, Structure, byref, c_uint32, sizeof


class _LastInput(Structure):
    _fields_ = [("size", c_uint32), ("ticks", c_uint32)]


def idle_seconds() -> float | None:
    """None when the call fails."""
    last = _LastInput()
    last.size = sizeof(last)
    if not CDLL("user32").GetLastInputInfo(byref(last)):
        return None
    # Both count milliseconds since the start of the system, and begin anew after 49 days.
    return float(((CDLL("kernel32").GetTickCount() - last.ticks) & 0xFFFFFFFF) / 1000)
