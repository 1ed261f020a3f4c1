"""The tray program's ear for other programs of the same user: the command line and a second launch."""

import os
import socket
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from trayapp.desktop.socket.connection.unix_socket import is_stranger
from trayapp.desktop.socket.protocol import MAX_ANSWER, MAX_REQUEST, Answer, encode
from trayapp.errors import EnvironmentProblem, Problem
from trayapp.messages import say

_MAX_CONNECTIONS = 64
_PATIENCE_MS = 30_000
"""How long a client may take to say its request, and to read its answer."""
_MAX_UNREAD = 1024 * 1024
"""Bytes a client may leave unread before it gets no more progress."""


class Request:
    """What a client asks, as the `line` it sent. Exactly one of `reply` and `fail` ends it.

    All three methods may be called by any thread.
    """

    def __init__(self, server: "LocalServer", number: int, line: bytes) -> None:
        self.line = line
        self._server = server
        self._number = number

    def reply(self, result: Any) -> None:
        """Answer with the result: an object that msgspec can write as JSON."""
        line = encode(Answer(result=result))
        if len(line) > MAX_ANSWER:
            problem = Problem(
                say("The response is too long"), say("It has {count} bytes.", count=len(line)), say("Ask for less.")
            )
            self.fail(problem)
        else:
            self._send(line, True)

    def fail(self, problem: Problem) -> None:
        """Answer with what went wrong; the client raises it."""
        self._send(encode(Answer(error=problem.to_plain())), True)

    def progress(self, progress: Any) -> None:
        """Say how far it is. Lost when the client does not keep up."""
        self._send(encode({"progress": progress}), False)

    def _send(self, line: bytes, last: bool) -> None:
        # The server is gone when the program ends; the client then sees its connection closed.
        with suppress(RuntimeError):
            self._server.answered.emit(self._number, line, last)


class LocalServer(QObject):
    """Listens at a home's `socket_address` and emits `request` for every request, in its own thread.

    Only processes of the same user are heard. No client can hold up the thread: nothing waits, and what a client
    sends or leaves unread is bounded.
    """

    request = Signal(object)
    """Request."""
    answered = Signal(int, bytes, bool)
    """Connection, line, whether it is the last: how requests hand their answers over from any thread."""

    def __init__(self, address: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._address = address
        self._connections: dict[int, _Connection] = {}
        self._last_number = 0
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._welcome)
        self.answered.connect(self._answer)

    def listen(self) -> None:
        """Start to listen. Call it only while holding the engine's lock: a socket that is there already is then
        left over from a program that was killed, and is replaced. EnvironmentProblem where none can be made."""
        if sys.platform != "win32":
            _check_folder(Path(self._address).parent)
            QLocalServer.removeServer(self._address)
        if not self._server.listen(self._address):
            raise EnvironmentProblem(
                say("The command line can't reach TraySync"),
                say(
                    "No socket can be created at {address}: {reason}.",
                    address=self._address,
                    reason=self._server.errorString(),
                ),
                say("Choose a folder on a local disk with --home DIR."),
                code="socket_refused",
            )

    def close(self) -> None:
        """Stop listening and break off all connections."""
        self._server.close()
        for connection in list(self._connections.values()):
            connection.abort()

    def _welcome(self) -> None:
        while (client := self._server.nextPendingConnection()) is not None:
            if len(self._connections) >= _MAX_CONNECTIONS or _is_stranger(client):
                client.abort()
                client.deleteLater()
                continue
            self._last_number += 1
            self._connections[self._last_number] = _Connection(self, client, self._last_number)

    def _answer(self, number: int, line: bytes, last: bool) -> None:
        connection = self._connections.get(number)
        if connection is not None:
            connection.send(line, last)

    def forget(self, number: int) -> None:
        """A connection is closed."""
        self._connections.pop(number, None)


class _Connection(QObject):
    """One client: reads its one request, writes the answer, closes."""

    def __init__(self, server: LocalServer, client: QLocalSocket, number: int) -> None:
        super().__init__(server)
        self._server = server
        self._client = client
        self._number = number
        self._heard = bytearray()
        self._asked = False
        client.setParent(self)
        client.setReadBufferSize(MAX_REQUEST + 1)
        self._patience = QTimer(self, singleShot=True, interval=_PATIENCE_MS)
        self._patience.timeout.connect(self.abort)
        client.readyRead.connect(self._read)
        client.disconnected.connect(self._gone)
        self._patience.start()
        self._read()

    def _read(self) -> None:
        data = self._client.readAll().data()
        if self._asked:
            return
        self._heard += data
        line, end, _ = self._heard.partition(b"\n")
        if not end and len(self._heard) <= MAX_REQUEST:
            return
        self._asked = True
        self._patience.stop()
        self._heard.clear()
        if len(line) > MAX_REQUEST:
            most = say("It has more than {count} bytes.", count=MAX_REQUEST)
            problem = Problem(say("The request is too long"), most, say("Send it in parts."))
            self.send(encode(Answer(error=problem.to_plain())), True)
            return
        self._server.request.emit(Request(self._server, self._number, bytes(line)))

    def send(self, line: bytes, last: bool) -> None:
        if not last and self._client.bytesToWrite() > _MAX_UNREAD:
            return
        self._client.write(line)
        self._client.flush()
        if last:
            self._patience.start()
            self._client.disconnectFromServer()

    def abort(self) -> None:
        self._client.abort()
        self._gone()

    def _gone(self) -> None:
        self._server.forget(self._number)
        self.deleteLater()


def _is_stranger(client: QLocalSocket) -> bool:
    if sys.platform == "win32":
        return False
    descriptor = int(client.socketDescriptor())
    if descriptor < 0:
        return True
    with socket.socket(fileno=os.dup(descriptor)) as connected:
        return is_stranger(connected)


def _check_folder(folder: Path) -> None:
    """Make the socket's folder if it is missing. EnvironmentProblem when it is another user's, who could intercept."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise EnvironmentProblem(
            say("The folder {folder} belongs to another user", folder=folder),
            say("TraySync would listen there for its command line."),
            say("Remove it, or choose another folder with --home DIR."),
            code="foreign_folder",
        )
