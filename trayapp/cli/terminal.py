"""The person at the terminal, who can sign in."""

import os
import sys

from trayapp.cli.output import tell
from trayapp.desktop.session.opener import open_url
from trayapp.errors import UserError
from trayapp.messages import say


def agreed(question: str, otherwise: str) -> bool:
    """Whether the person says yes. UserError, with what to do `otherwise`, when nobody is there to ask."""
    if not sys.stdin.isatty():
        raise UserError(say("There is no terminal to ask at"), question, otherwise)
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


class SomebodyThere:
    """A `sync.oauth.signin.Person`: is told on stderr where to sign in; the browser opens where there is a display."""

    def open_page(self, url: str) -> None:
        """Name the page, and open it."""
        tell(f"To sign in, open: {url}")
        if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            return  # xdg-open would start a text browser over the terminal
        try:
            open_url(url)
        except UserError as error:
            tell(str(error))

    def show_code(self, code: str, url: str) -> None:
        """Say what to type in."""
        tell(f"Enter the code {code} at {url}")
