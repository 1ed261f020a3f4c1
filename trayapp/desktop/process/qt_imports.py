"""Importing PySide6 without what it does to all other imports."""

import builtins
import linecache


def keep_imports_quick() -> None:
    """Import PySide6.QtCore, and undo what that does to `__import__`. To be called before all else is imported.

    For its optional `from __feature__ import snake_case`, PySide6 puts a function in that place that reads the whole
    source of every module imported from then on, in search of the word PySide6; the linecache keeps it all. For this
    program that is more than half of the time of its imports, and 10 MiB for good. `__feature__` is not used here.
    """
    import PySide6.QtCore  # noqa: F401

    builtins.__import__ = getattr(builtins, "__orig_import__", builtins.__import__)
    linecache.clearcache()
