"""Everything that anybody else could read while and after the program runs, collected to be searched."""

import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from jeepney import HeaderFields, MatchRule, Message, MessageType
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection
from jeepney.io.threading import ReceiveStopped
from jeepney.io.threading import open_dbus_connection as open_listening
from jeepney.wrappers import DBusAddress, new_method_call, unwrap_msg

Found = Iterator[tuple[str, bytes]]
"""Places with their content."""

_SECRETS = "org.freedesktop.secrets"
CHILDREN = ("xdg-open", "systemctl", "loginctl", "nmcli", "iwgetid")


def files(folder: Path) -> Found:
    """Every regular file below the folder, byte for byte: the free pages and the WAL of databases, too."""
    for path in sorted(folder.rglob("*")):
        try:
            if stat.S_ISREG(path.lstat().st_mode):
                yield f"file {path.relative_to(folder)}", path.read_bytes()
        except FileNotFoundError:
            continue  # it was a temporary one


class Snapshots:
    """Files as they were at moments of the journey: the WAL and side files are gone when a run ends well."""

    def __init__(self) -> None:
        self._taken: list[tuple[str, bytes]] = []

    def take(self, moment: str, folder: Path) -> None:
        self._taken += [(f"{place}, {moment}", content) for place, content in files(folder)]

    def found(self) -> Found:
        yield from self._taken


class Processes:
    """Arguments and environments of all processes that came from this one, looked at ten times a second."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, str], tuple[str, bytes]] = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Processes":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
        self.look()

    def look(self) -> None:
        for pid in _descendants(os.getpid()):
            with suppress(OSError):  # it has ended
                folder = Path(f"/proc/{pid}")
                name = (folder / "comm").read_text().strip()
                for kind in ("cmdline", "environ"):
                    self._seen[pid, kind] = (f"{kind} of {name}", (folder / kind).read_bytes())

    def _watch(self) -> None:
        while not self._ending.wait(0.1):
            self.look()

    def found(self) -> Found:
        yield from list(self._seen.values())


def _descendants(pid: int) -> Iterator[int]:
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, children.read_text().split()):
                yield child
                yield from _descendants(child)


class BusTraffic:
    """Every message on a bus but those with the Secret Service, from its making on."""

    def __init__(self, name: str, address: str) -> None:
        self._name = name
        self._messages: list[Message] = []
        asking = open_dbus_connection(address)
        self._secret_names = {_SECRETS}
        bus = DBusAddress(message_bus.object_path, message_bus.bus_name, message_bus.interface)
        if unwrap_msg(asking.send_and_get_reply(new_method_call(bus, "NameHasOwner", "s", (_SECRETS,))))[0]:
            owner = unwrap_msg(asking.send_and_get_reply(new_method_call(bus, "GetNameOwner", "s", (_SECRETS,))))[0]
            self._secret_names.add(owner)
        asking.close()
        self._connection = open_listening(address)
        monitoring = DBusAddress(message_bus.object_path, message_bus.bus_name, "org.freedesktop.DBus.Monitoring")
        call = new_method_call(monitoring, "BecomeMonitor", "asu", ([MatchRule().serialise()], 0))
        call.header.serial = 1
        self._connection.send(call, serial=1)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            try:
                message = self._connection.receive()
            except (ReceiveStopped, OSError):
                return
            fields = message.header.fields
            ends = {fields.get(HeaderFields.sender), fields.get(HeaderFields.destination)}
            if not ends & self._secret_names:
                self._messages.append(message)

    def close(self) -> None:
        time.sleep(0.1)  # what was sent last
        self._connection.interrupt()
        self._thread.join()
        self._connection.close()

    def found(self) -> Found:
        for message in list(self._messages):
            fields = message.header.fields
            kind = MessageType(message.header.message_type).name
            what = fields.get(HeaderFields.member, kind)
            yield f"{self._name}: {what} from {fields.get(HeaderFields.sender)}", repr(message.body).encode()


def clipboard(environment: Mapping[str, str]) -> bytes:
    """What was copied in the desktop, and what is selected."""
    code = """
from PySide6.QtGui import QClipboard, QGuiApplication
application = QGuiApplication([])
for mode in QClipboard.Mode.Clipboard, QClipboard.Mode.Selection:
    print(application.clipboard().text(mode))
"""
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True).stdout


def make_children(folder: Path) -> Path:
    """A folder for PATH with programs that only write down what they are given, into `folder`/children."""
    programs, told = folder / "bin", folder / "children"
    programs.mkdir(exist_ok=True)
    told.mkdir(exist_ok=True)
    for name in CHILDREN:
        program = programs / name
        program.write_text(f'#!/bin/sh\ncat /proc/$$/environ /proc/$$/cmdline > "{told}/{name}.$$"\n')
        program.chmod(0o755)
    return programs


def called(folder: Path) -> set[str]:
    """Which of these programs were called."""
    return {path.name.rpartition(".")[0] for path in (folder / "children").iterdir()}


def core_pattern_is_a_file() -> bool:
    """Whether a process that dies leaves its memory beside itself: core(5)."""
    return not Path("/proc/sys/kernel/core_pattern").read_text().startswith("|") and hasattr(os, "fork")
