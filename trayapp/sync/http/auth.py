"""Credentials as they travel: a header or a query parameter, only ever to the endpoint's own origin."""

import base64
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol
from urllib.parse import quote_plus

import msgspec

from trayapp.endpoints.model import Auth, Endpoint
from trayapp.messages import Message, say
from trayapp.sync.errors import AuthError
from trayapp.sync.http.destinations import Field
from trayapp.sync.http.scrub import scrubbed

SecretReader = Callable[[str, Auth], str | None]
"""(endpoint id, auth) → the secret, or None when there is none stored."""


class SecretStore(Protocol):
    """Where an endpoint's other secrets are kept, by field: "refresh_token", "access_token", "proxy"."""

    def get(self, endpoint: Endpoint, field: Field, *, fresh: bool = False) -> str | None:
        """The secret, None when there is none; `fresh` asks the store itself instead of what is remembered of it.

        AuthError when it is not meant for everywhere that the endpoint goes.
        """
        ...

    def set(self, endpoint: Endpoint, field: Field, value: str) -> None:
        """Keep the secret for where the endpoint goes; when this returns, it survives a crash. UserError when it can't
        be kept."""
        ...

    def turn(self, id: str) -> AbstractContextManager[object]:
        """Held while a secret is exchanged for another: two processes must not use the same one at once."""
        ...

    def heard(self, value: str) -> None:
        """Told every secret that a server gave us, so that logs can be kept free of it."""
        ...


class MemorySecrets:
    """A SecretStore that forgets everything when it goes: for what is not saved yet."""

    def __init__(self, heard: Callable[[str], None] = lambda _: None) -> None:
        self.fields: dict[tuple[str, Field], str] = {}
        self.heard = heard

    def get(self, endpoint: Endpoint, field: Field, *, fresh: bool = False) -> str | None:  # noqa: ARG002
        """The secret."""
        return self.fields.get((endpoint.id, field))

    def set(self, endpoint: Endpoint, field: Field, value: str) -> None:
        """Keep the secret."""
        self.fields[endpoint.id, field] = value

    def turn(self, id: str) -> AbstractContextManager[object]:  # noqa: ARG002
        """Nobody else knows this store."""
        return nullcontext()


class Credentials(msgspec.Struct, frozen=True):
    """What is added to requests: `header` or `query` is a (name, value) pair. `secrets` must never be shown.

    `proxy_password` goes to the proxy, not to the server.
    """

    header: tuple[str, str] | None = None
    query: tuple[str, str] | None = None
    secrets: tuple[str, ...] = ()
    proxy_password: str | None = None

    def hide(self, text: str) -> str:
        """The text without any secret, in whatever form it was sent: servers repeat in errors what they got."""
        return scrubbed(text, self.secrets)

    def current(self) -> "Credentials":
        """These: they are an Access that never changes."""
        return self

    def renewed(self, refused: "Credentials") -> None:
        """There are no others."""

    def __repr__(self) -> str:
        return "Credentials(…)"


class Access(Protocol):
    """Where a run gets its credentials from, time and again: some expire."""

    @property
    def proxy_password(self) -> str | None:
        """The password for the proxy, None where it wants none."""
        ...

    def current(self) -> Credentials:
        """The credentials for a request made now. Raises SyncErrors when there are none to be had."""
        ...

    def renewed(self, refused: Credentials) -> Credentials | None:
        """Others in place of those that the server refused just now, None if there are none. Errors as `current`."""
        ...


def secret_missing(title: Message) -> AuthError:
    """The error for an endpoint whose secret was never entered."""
    return AuthError(
        title,
        say("No secret is stored for this endpoint."),
        say("Enter it in the endpoint's settings, or with `traysync secret set ID`."),
        code="secret_missing",
        action="enter_secret",
    )


def credentials(auth: Auth, secret: str | None, proxy_password: str | None = None) -> Credentials:
    """The credentials for an endpoint that has its secret. AuthError when a secret is needed and there is none."""
    for_proxy = (proxy_password,) if proxy_password else ()
    if auth.kind == "none":
        return Credentials(secrets=for_proxy, proxy_password=proxy_password)
    if secret is None:
        raise secret_missing(say("The password or token is missing"))
    if any(char in secret for char in "\r\n\0"):
        raise AuthError(
            say("The secret can't be sent"),
            say("It contains a line break."),
            say("Enter it again."),
            code="secret_unusable",
            action="enter_secret",
        )
    hidden = (secret, *for_proxy)
    header = query = None
    if auth.kind == "basic":
        # RFC 7617 with charset UTF-8; the user name ends at the first colon, the password may hold more.
        token = base64.b64encode(f"{auth.user}:{secret}".encode()).decode()
        header, hidden = ("Authorization", f"Basic {token}"), (token, *hidden)
    elif auth.kind == "header":
        header = (auth.name, f"{auth.prefix} {secret}" if auth.prefix else secret)
    elif auth.kind == "query":
        # Servers also repeat it as it was sent, and encode that.
        query, hidden = (auth.name, secret), (*hidden, quote_plus(secret))
    else:
        header = ("Authorization", f"{auth.prefix or 'Bearer'} {secret}")
    return Credentials(header=header, query=query, secrets=hidden, proxy_password=proxy_password)
