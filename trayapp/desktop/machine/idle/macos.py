"""macOS: CGEventSourceSecondsSinceLastEventType, of any event in the session; not tried on macOS yet."""

from ctypes import CDLL, c_double, c_int32, c_uint32

_SESSION, _ANY_EVENT = 0, 0xFFFFFFFF


def idle_seconds() -> float | None:
    """None where the framework is missing."""
    try:
        services = CDLL("/System/Library/Frameworks/ApplicationServices.framework/ApplicationServices")
    except OSError:
        return None
    seconds = services.CGEventSourceSecondsSinceLastEventType
    seconds.restype, seconds.argtypes = c_double, (c_int32, c_uint32)
    return float(seconds(_SESSION, _ANY_EVENT))
