"""Commands on disks that are full or read-only, and under limits: `python -m tests.faults.disks KIND HOME OUT`.

Run as root in a mount namespace of its own (`unshare --mount`). Prints a JSON object: of each command, by its words,
exit code and what it said. Each is carried out by a forked process.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from trayapp import cli
from trayapp.store.bookkeeping.endpoint_states import write_meta
from trayapp.store.errors import StoreError
from trayapp.store.file.database import Store

READING = (
    ("status",),
    ("why", "items"),
    ("runs",),
    ("endpoints",),
    ("show", "items"),
    ("query", "SELECT count(*) FROM items"),
    ("changes", "items"),
    ("backup", "{out}/copy.db"),
    ("save", "items", "{out}/items.csv"),
    ("export",),
)
CHANGING = (
    ("sync",),
    ("edit", "items", "--set", "name=New"),
    ("settings", "--set", "theme=dark"),
    ("disable", "items"),
    ("pause",),
    ("remove", "items"),
    ("backup", "{home}/copy.db"),
    ("save", "items", "{home}/items.csv"),
    ("save", "items", "{home}/items.xlsx"),
    ("save", "items", "{home}/items.ndjson"),
)


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def on_full_disk(home):
    """The home on a small disk that is filled to the last byte."""
    disk = tempfile.mkdtemp()
    mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", disk)
    shutil.copytree(home, Path(disk, "home"))
    with open(Path(disk, "filling"), "wb", buffering=0) as file:
        for size in (2**16, 4096, 1):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError:
                pass
    return Path(disk, "home")


def on_read_only_disk(home):
    mount("--bind", home, home)
    mount("-o", "remount,ro,bind", home)
    return home


def with_few_files(home):
    """No command may have more than two files open besides those it begins with."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 1,) * 2)
    return home


def with_small_files(home):
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    return home


KINDS = {
    "full": on_full_disk,
    "read-only": on_read_only_disk,
    "few files": with_few_files,
    "small files": with_small_files,
}


def carry_out(arguments):
    """A command's exit code and what it said."""
    read, write = os.pipe()
    if os.fork() == 0:
        code = 98
        try:
            os.close(read)
            os.dup2(write, 1)
            os.dup2(write, 2)
            os.close(write)
            code = cli.main(arguments)
        except BaseException:  # noqa: BLE001  as the interpreter would
            import traceback

            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)
    os.close(write)
    with open(read, "rb") as file:
        said = file.read().decode()
    return os.waitstatus_to_exitcode(os.wait()[1]), said


def writable_again(home):
    """What becomes of two writes of one program: on a read-only disk, and when it is that no more."""
    held = Store(home / "traysync.db")
    held.checkpoint()
    mount("--bind", home, home)
    mount("-o", "remount,ro,bind", home)
    store, found = Store(home / "traysync.db"), []
    for value in ("first", "second"):
        try:
            with store.writing() as db:
                write_meta(db, "note", value)
            found.append("written")
        except StoreError as error:
            found.append(type(error).__name__)
        mount("-o", "remount,rw,bind", home)
    return found


def main(kind, home, out):
    if kind == "writable again":
        print(json.dumps(writable_again(Path(home))))
        return
    import keyring  # noqa: F401  what a command imports must not be what fails
    import requests  # noqa: F401
    import tomlkit  # noqa: F401
    import xlsxwriter  # noqa: F401

    for command in ("status", "sync"):
        carry_out(["--home", home, command])
    place = KINDS[kind](Path(home))
    found = {}
    for command in READING + CHANGING:
        arguments = [part.format(home=place, out=out) for part in command]
        found[" ".join(command)] = carry_out(["--home", str(place), *arguments])
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
