"""Credentials as they travel: a header or a query parameter, only ever to the endpoint's own origin."""

import base64
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import msgspec

from trayapp.endpoints.model import Auth
from trayapp.sync.errors import AuthError, NotSupported

SecretReader = Callable[[str, Auth], str | None]
"""(endpoint id, auth) → the secret, or None when there is none stored."""


class Credentials(msgspec.Struct, frozen=True):
    """What is added to requests: `header` or `query` is a (name, value) pair.

    `secrets` are further texts that must never be shown: the bare secret, and other forms it travels in.
    """

    header: tuple[str, str] | None = None
    query: tuple[str, str] | None = None
    secrets: tuple[str, ...] = ()

    def hide(self, text: str) -> str:
        """The text without any secret, in whatever form it was sent: servers repeat in errors what they got."""
        for secret in (*(pair[1] for pair in (self.header, self.query) if pair), *self.secrets):
            text = text.replace(secret, "…")
        return text

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
            "Enter it in the endpoint's settings, or with `traysync secret set ID`.",
        )
    if any(char in secret for char in "\r\n\0"):
        raise AuthError("The secret can't be sent", "It contains a line break.", "Enter it again.")
    hidden = tuple(text for text in (secret, quote(secret, safe=""), quote_plus(secret)) if text)
    if auth.kind == "basic":
        # RFC 7617 with charset UTF-8; the user name ends at the first colon, the password may hold more.
        token = base64.b64encode(f"{auth.user}:{secret}".encode()).decode()
        return Credentials(header=("Authorization", f"Basic {token}"), secrets=(token, *hidden))
    if auth.kind == "bearer":
        return Credentials(header=("Authorization", f"{auth.prefix or 'Bearer'} {secret}"), secrets=hidden)
    if auth.kind == "header":
        return Credentials(header=(auth.name, f"{auth.prefix} {secret}" if auth.prefix else secret), secrets=hidden)
    return Credentials(query=(auth.name, secret), secrets=hidden)
