"""Credentials as they travel: a header or a query parameter, only ever to the endpoint's own origin."""

import base64
from collections.abc import Callable

import msgspec

from trayapp.endpoints.model import Auth
from trayapp.sync.errors import AuthError, NotSupported

SecretReader = Callable[[str, Auth], str | None]
"""(endpoint id, auth) → the secret, or None when there is none stored."""


class Credentials(msgspec.Struct, frozen=True):
    """What is added to requests: `header` or `query` is a (name, value) pair. `secrets` must never be shown."""

    header: tuple[str, str] | None = None
    query: tuple[str, str] | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that must not appear in any message or log."""
        return tuple(pair[1] for pair in (self.header, self.query) if pair)

    def __repr__(self) -> str:
        return "Credentials(…)"


def credentials(auth: Auth, secret: str | None) -> Credentials:
    """The credentials for an endpoint. AuthError when a secret is needed and there is none."""
    if auth.kind == "none":
        return Credentials()
    if auth.kind.startswith("oauth2"):
        raise NotSupported(
            "OAuth2 is not supported yet",
            "This version can't sign in by OAuth2.",
            "Use a personal access token as bearer, if the service offers one.",
        )
    if secret is None:
        raise AuthError(
            "The password is missing",
            "No secret is stored for this endpoint.",
            "Enter it in the endpoint's settings, or with: traysync secret set ID",
        )
    if any(char in secret for char in "\r\n\0"):
        raise AuthError("The secret can't be sent", "It contains a line break.", "Enter it again.")
    if auth.kind == "basic":
        # RFC 7617 with charset UTF-8; the user name ends at the first colon, the password may hold more.
        token = base64.b64encode(f"{auth.user}:{secret}".encode()).decode()
        return Credentials(header=("Authorization", f"Basic {token}"))
    if auth.kind == "bearer":
        return Credentials(header=("Authorization", f"{auth.prefix or 'Bearer'} {secret}"))
    if auth.kind == "header":
        return Credentials(header=(auth.name, f"{auth.prefix} {secret}" if auth.prefix else secret))
    return Credentials(query=(auth.name, secret))
