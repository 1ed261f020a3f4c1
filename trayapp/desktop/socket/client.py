"""Asking the running tray program to do something; no Qt."""

import queue
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, Protocol

from trayapp.desktop.socket.protocol import MAX_ANSWER, Answer, Result, decode, encode, is_stranger
from trayapp.errors import Problem, UserError
from trayapp.messages import say

_RETRY = 0.05
_CHUNK = 65536


class NotRunning(UserError):
    """No tray program listens at the address."""


def ask(
    address: str,
    request: Any,
    result: type[Result],
    *,
    timeout: float | None = 30.0,
    on_progress: Callable[[dict[str, Any]], None] | None = None,
    connect_within: float = 3.0,
) -> Result:
    """Send one request to the tray program of the home whose `socket_address` this is, and return its result.

    `request` is a struct or plain data, `result` the type of what comes back.
    `timeout` is the longest silence in seconds, None for no limit. The connection is tried for `connect_within`
    seconds, since a starting program holds the engine's lock before it listens; pass 0 when nobody holds the lock.
    NotRunning when nobody listens; the other side's UserError when it refused (StoreLocked: the
    database is in use); UserError when it broke off.
    """
    with closing(_connect(address, connect_within, timeout)) as stream:
        try:
            stream.send(encode(request))
            for line in _lines(stream):
                answer: Answer[Result] = decode(line, Answer[result])  # type: ignore[valid-type]
                if answer.error is not None:
                    raise _refusal(Problem.from_plain(answer.error))
                if answer.result is not None:
                    return answer.result
                if on_progress and answer.progress is not None:
                    on_progress(answer.progress)
        except TimeoutError as error:
            raise UserError(
                say("TraySync doesn't respond"),
                say("The running program didn't respond for {timeout} seconds.", timeout=f"{timeout:g}"),
                say("Try again. If that doesn't help, quit TraySync and start it again."),
            ) from error
        except OSError as error:
            raise _broken_off(str(error)) from error
    raise _broken_off("it closed the connection")


def _refusal(problem: Problem) -> UserError:
    from trayapp.store.errors import StoreLocked

    return StoreLocked.of(problem) if problem.code == StoreLocked.code else UserError.of(problem)


class _Stream(Protocol):
    def send(self, data: bytes) -> None: ...
    def receive(self) -> bytes: ...
    def close(self) -> None: ...


class _UnixStream:
    def __init__(self, address: str, timeout: float | None) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.settimeout(timeout)
            self._socket.connect(address)
            if is_stranger(self._socket):
                raise UserError(
                    say("Another user's program is listening"),
                    say("TraySync doesn't trust what listens at {address}.", address=address),
                    say("Remove that file, or choose another folder with --home DIR."),
                )
        except BaseException:
            self._socket.close()
            raise
        self.send, self.close = self._socket.sendall, self._socket.close

    def receive(self) -> bytes:
        return self._socket.recv(_CHUNK)


class _PipeStream:
    """A Windows named pipe as a file; a thread reads it, since such a file knows no timeout."""

    def __init__(self, address: str, timeout: float | None) -> None:
        self._file = open(address, "r+b", buffering=0)  # noqa: SIM115 - closed by close()
        self._timeout = timeout
        self._chunks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self._read, name="pipe", daemon=True).start()

    def _read(self) -> None:
        chunk = b"-"
        while chunk:
            try:
                chunk = self._file.read(_CHUNK) or b""
            except (OSError, ValueError):
                chunk = b""
            self._chunks.put(chunk)

    def send(self, data: bytes) -> None:
        while data:
            data = data[self._file.write(data) :]

    def receive(self) -> bytes:
        try:
            return self._chunks.get(timeout=self._timeout)
        except queue.Empty:
            raise TimeoutError from None

    def close(self) -> None:
        self._file.close()


def _connect(address: str, within: float, timeout: float | None) -> _Stream:
    deadline = time.monotonic() + within
    while True:
        try:
            return _PipeStream(address, timeout) if sys.platform == "win32" else _UnixStream(address, timeout)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            if time.monotonic() >= deadline:
                raise NotRunning(
                    say("TraySync is not running"),
                    say("No running program uses this folder."),
                    say("Start it with: traysync"),
                ) from error
            time.sleep(_RETRY)
        except OSError as error:
            raise _broken_off(str(error)) from error


def _lines(stream: _Stream) -> Iterator[bytes]:
    buffer = bytearray()
    while chunk := stream.receive():
        buffer += chunk
        while (end := buffer.find(b"\n")) >= 0:
            yield bytes(buffer[:end])
            del buffer[: end + 1]
        if len(buffer) > MAX_ANSWER:
            raise _broken_off("its answer is too long")


def _broken_off(why: str) -> UserError:
    return UserError(
        say("The connection to TraySync broke"),
        say("The running program closed the connection: {why}.", why=why),
        say("Check with `traysync status` what was done, and try again."),
    )
