"""Memory given back, seen in a process of its own: the tests' one stays as it is."""

import subprocess
import sys
from textwrap import dedent

import pytest

from trayapp.desktop.process.memory import Mapping, unwritten

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is in memory, and takes it back")

_PROLOGUE = """
import ctypes, mmap, os, sys
from trayapp.desktop.process import memory
memory._MUCH_CODE = 0

def resident(kind):
    return int(open("/proc/self/status").read().split(kind + ":")[1].split()[0]) / 1024
"""


def after(program: str) -> list[str]:
    """The words that it prints."""
    code = dedent(_PROLOGUE) + dedent(program)
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()


@linux_only
def test_code_goes_and_comes_back_when_it_is_used():
    assert after("""
        from PySide6.QtGui import QImage, QPainter
        from PySide6.QtWidgets import QApplication, QLabel
        application = QApplication([])
        before, own = resident("RssFile"), resident("RssAnon")
        memory.give_back()
        print(resident("RssFile") < before / 3, abs(resident("RssAnon") - own) < 4)
        label = QLabel("text")
        label.show()
        application.processEvents()
        import sqlite3, decimal
        print(label.grab().width() > 0, sqlite3.connect(":memory:").execute("select 1").fetchone()[0])
        memory.give_back()
        print(decimal.Decimal(2) + 2)
    """) == ["True", "True", "True", "1", "4"]


@linux_only
def test_what_was_written_to_a_private_mapping_stays(tmp_path):
    """To a file's, and to the code of a library, as drivers and debuggers do."""
    assert after(f"""
        path = {str(tmp_path / "data.so")!r}
        open(path, "wb").write(bytes(2**16))
        file = mmap.mmap(os.open(path, os.O_RDONLY), 0, access=mmap.ACCESS_COPY)
        file[5:8] = b"own"

        import _decimal
        lines = [line.split() for line in open("/proc/self/maps") if _decimal.__file__ in line]
        start = min(int(line[0].split("-")[0], 16) for line in lines)
        library = ctypes.CDLL(None)
        library.mprotect(ctypes.c_void_p(start), ctypes.c_size_t(4096), 3)
        ctypes.memmove(start + 10, b"own", 3)
        library.mprotect(ctypes.c_void_p(start), ctypes.c_size_t(4096), 1)

        memory.give_back()
        print(file[5:8].decode(), ctypes.string_at(start + 10, 3).decode(), _decimal.__file__ in memory._kept)
    """) == ["own", "own", "True"]


@linux_only
def test_little_code_is_left_alone():
    assert after("""
        memory._MUCH_CODE = 2**40
        before = resident("RssFile")
        memory.give_back()
        print(resident("RssFile") >= before)
    """) == ["True"]


def smaps(permissions: str, path: str, rss: int, anonymous: int) -> str:
    return dedent(f"""\
        7f0000000000-7f0000003000 {permissions} 00001000 fe:00 268449                     {path}
        Size:                 12 kB
        Rss:                  {rss} kB
        Private_Clean:         4 kB
        Anonymous:             {anonymous} kB
        KSM:                   0 kB
        VmFlags: rd mr mw me sd
        """)


def test_mappings_that_may_be_forgotten():
    library = smaps("r-xp", "/usr/lib/a b.so.1", 8, 0)
    text = (
        smaps("rw-p", "/usr/lib/written.so", 8, 0)
        + smaps("r--p", "/usr/lib/relocated.so", 8, 4)
        + library
        + smaps("r-xp", "/usr/lib/away.so", 0, 0)
        + smaps("r--s", "/usr/lib/shared.so", 8, 0)
        + smaps("r--p", "", 8, 0)
        + smaps("r--p", "[vvar]", 8, 0)
        + smaps("r-xp", "/usr/lib/relocated.so", 8, 4)
    )
    assert list(unwritten(text)) == [Mapping(0x7F0000000000, 0x3000, "/usr/lib/a b.so.1")]
    assert list(unwritten("")) == list(unwritten("nonsense\n")) == list(unwritten(library[:90])) == []
