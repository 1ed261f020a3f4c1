"""Asking the running tray program to do something; no Qt."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

from trayapp.desktop.socket.connection import Connection, connected
from trayapp.desktop.socket.protocol import MAX_ANSWER, Answer, Result, decode, encode
from trayapp.errors import Problem, UserError
from trayapp.messages import Message, say

_RETRY = 0.05


class NotRunning(UserError):
    """No tray program listens at the address."""

    code = "not_running"


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

    `request` is a struct or plain data, `result` the type of what comes back. `timeout` is the longest silence in
    seconds, None for no limit. Connecting is tried for `connect_within` seconds, since a starting program holds the
    engine's lock before it listens; pass 0 when nobody holds the lock. NotRunning when nobody listens; the other
    side's UserError when it refused (StoreLocked: the database is in use); UserError when the connection broke.
    """
    with closing(_connect(address, connect_within, timeout)) as connection:
        try:
            connection.send(encode(request))
            for line in _lines(connection):
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
                code="no_response",
            ) from error
        except OSError as error:
            raise _broken_off(say("The system says: {error}.", error=error.strerror or error)) from error
    raise _broken_off(say("The running program closed the connection."))


def _refusal(problem: Problem) -> UserError:
    from trayapp.store.errors import StoreLocked

    return StoreLocked.of(problem) if problem.code == StoreLocked.code else UserError.of(problem)


def _connect(address: str, within: float, timeout: float | None) -> Connection:
    deadline = time.monotonic() + within
    while True:
        try:
            return connected(address, timeout)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            if time.monotonic() >= deadline:
                raise NotRunning(
                    say("TraySync is not running"),
                    say("No running program uses this folder."),
                    say("Start it with: traysync"),
                ) from error
            time.sleep(_RETRY)
        except OSError as error:
            raise _broken_off(say("The system says: {error}.", error=error.strerror or error)) from error


def _lines(connection: Connection) -> Iterator[bytes]:
    buffer = bytearray()
    while chunk := connection.receive():
        buffer += chunk
        while (end := buffer.find(b"\n")) >= 0:
            yield bytes(buffer[:end])
            del buffer[: end + 1]
        if len(buffer) > MAX_ANSWER:
            raise _broken_off(say("The response of the running program is too long."))


def _broken_off(cause: Message) -> UserError:
    return UserError(
        say("The connection to TraySync broke"),
        cause,
        say("Check with `traysync status` what was done, and try again."),
        code="connection_broken",
    )
