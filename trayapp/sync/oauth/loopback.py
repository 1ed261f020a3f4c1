"""Where the browser comes back to after a sign-in: a listener on loopback, for one answer (RFC 8252 section 7.3)."""

import html
import os
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import parse_qs, urlsplit

from trayapp.messages import NOTHING, Message, foreign, say, say_count
from trayapp.sync.cancel import CancelToken
from trayapp.sync.errors import AuthError
from trayapp.sync.http.failures import ended
from trayapp.visible import shortened

PATH = "/signed-in"
_HOST = "127.0.0.1"
_SILENT = 5.0
"""Seconds a connection may be silent: browsers open some that they never use."""


class Redirect:
    """Listens as long as it is entered, on a free port or on that one; `uri` is where the browser is to be sent.

    What comes without the right `state` is answered with an error and otherwise ignored: any program, and any web
    page, can send something to the port. AuthError when another program has the port.
    """

    def __init__(self, state: str, port: int | None = None) -> None:
        self.code: str | None = None
        self.error = NOTHING
        self._state = state
        self._done = threading.Event()
        self._server = _listener(self, port or 0)
        self._thread = threading.Thread(target=lambda: self._server.serve_forever(0.05), name="sign-in", daemon=True)

    @property
    def uri(self) -> str:
        """The redirect URI."""
        return f"http://{_HOST}:{self._server.server_port}{PATH}"

    def __enter__(self) -> "Redirect":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self, seconds: float, cancel: CancelToken) -> str:
        """The code that the browser brings. AuthError when the person refused or let the time pass; Cancelled."""
        cancel.on_cancel(self._done.set)
        try:
            arrived = self._done.wait(seconds)
        finally:
            cancel.forget(self._done.set)
        cancel.check()
        if not arrived:
            raise AuthError(
                say("Nobody signed in"),
                say_count(
                    "The sign-in was not finished within a minute.",
                    "The sign-in was not finished within {count} minutes.",
                    max(1, round(seconds / 60)),
                ),
                say("Sign in again."),
                code="sign_in_needed",
                action="sign_in",
            )
        if self.code is None:
            raise AuthError(
                say("The sign-in was refused"),
                say("The service says: {message}", message=self.error),
                say("Sign in again, and allow access."),
                code="sign_in_needed",
                action="sign_in",
            )
        return self.code

    def take(self, target: str) -> tuple[int, Message, Message]:
        """Look at a request; the status, title and text of the page that is sent back."""
        try:
            parts = urlsplit(target)
        except ValueError:
            parts = urlsplit("")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path != PATH:
            return 404, say("Nothing here"), say("TraySync is waiting here for a sign-in to finish.")
        if not secrets.compare_digest(query.get("state", "").encode(), self._state.encode()) or self._done.is_set():
            return 400, say("This sign-in is not expected"), say("Start it again from TraySync.")
        self.code = query.get("code") or None
        said = " ".join(query.get("error_description", query.get("error", "")).split())[:200]
        self.error = foreign(ended(said)) if said else say("It gave no code.")
        if self.code:
            return 200, say("You are signed in"), say("TraySync will continue. You can close this page.")
        return (
            200,
            say("You are not signed in"),
            say("The service said: {message} You can close this page and try again.", message=self.error),
        )

    def answered(self) -> None:
        """The page for what `take` took is on its way: the listener may close."""
        if self.code or self.error:
            self._done.set()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = os.name != "nt"  # on Windows it would share the port with a program that listens already

    def __init__(self, redirect: Redirect, port: int) -> None:
        self.redirect = redirect
        super().__init__((_HOST, port), _Handler)


def _listener(redirect: Redirect, port: int) -> _Server:
    try:
        return _Server(redirect, port)
    except OSError as error:
        raise AuthError(
            say("The sign-in can't be received"),
            say("TraySync can't listen on port {port}: {reason}.", port=str(port), reason=error.strerror or str(error)),
            say("Close the program that uses the port, or set auth.redirect_port to another one and register that."),
            code="port_taken",
            field="auth.redirect_port",
        ) from error


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _SILENT
    server_version = "TraySync"
    sys_version = ""

    def do_GET(self) -> None:
        status, title, text = self.server.redirect.take(self.path)
        body = _PAGE.format(title=html.escape(str(title)), text=html.escape(shortened(str(text)))).encode()
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        self.server.redirect.answered()

    def log_message(self, format: str, *args: object) -> None:
        """Not logged: the address holds the code."""


_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Connection": "close",
}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>TraySync: {title}</title>
<style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
main {{ max-width: 32em; margin: 20vh auto; padding: 0 1em }}
</style></head>
<body><main><h1>{title}</h1><p>{text}</p></main></body></html>
"""
