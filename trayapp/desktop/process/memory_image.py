"""What the system writes of a process that dies; no Qt."""

import sys


def forbid() -> None:
    """Have no core file written of this process: it would hold every secret that was in memory, getrlimit(2).

    Whoever wants one raises the limit again (prlimit), as it is only the soft one.
    """
    if sys.platform == "win32":
        return
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))
