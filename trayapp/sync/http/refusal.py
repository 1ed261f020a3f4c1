"""Signs that a server does not accept who we are, though the answer's status says that all is well."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from trayapp.messages import say
from trayapp.sync.errors import AuthError
from trayapp.sync.http.failures import check_credentials, ended, server_message
from trayapp.sync.http.links import place_of
from trayapp.sync.names import COMPLAINT_CODES, SUCCESS_FLAGS

_LOGIN_PATH = re.compile(
    r"(?i)(^|[/._-])(log-?_?in|log-?_?on|sign-?_?in|sso|oauth2?|saml2?|auth(enticate|orize)?)($|[/._-])"
)
_ERROR_CODES = frozenset(
    {
        "unauthorized", "unauthorised", "unauthenticated", "notauthenticated", "notauthed", "authenticationrequired",
        "authenticationfailed", "authrequired", "authfailed", "loginrequired", "notloggedin", "invalidtoken",
        "tokenexpired", "expiredtoken", "tokenrevoked", "invalidauth", "invalidcredentials", "badcredentials",
        "invalidapikey", "invalidkey", "missingapikey", "accessdenied", "401",
    }
)  # fmt: skip
_LONGEST_ERROR = 4096
"""Bytes: a longer body is data."""


def token_refused(status: int, headers: Mapping[str, str]) -> bool:
    """Whether other credentials of the same kind may help: a 401, or what RFC 6750 section 3.1 calls invalid_token."""
    return status == 401 or "invalid_token" in headers.get("WWW-Authenticate", "")


def hidden_refusal(
    asked: str, url: str, headers: Mapping[str, str], body: bytes, identified: bool, hide: Any = str
) -> AuthError | None:
    """The error in a 2xx response that is really a refusal, or None.

    asked, url: where the request went first, and where the answer came from. identified: it carried credentials.
    """
    if asked != url and _is_html(headers, body) and _LOGIN_PATH.search(urlsplit(url).path):
        return AuthError(
            say("The server requires a sign-in"),
            say("{address} redirects to a sign-in page: {page}.", address=place_of(asked), page=place_of(url)),
            say("Check the user name and password or the token, or choose another kind of authentication."),
            action="enter_secret",
        )
    challenge = headers.get("WWW-Authenticate", "")
    if identified and challenge and not challenge.lower().startswith("negotiate"):
        return AuthError(
            say("The server does not accept the credentials"),
            say("{address} still asks for credentials (WWW-Authenticate).", address=place_of(url)),
            check_credentials(),
            action="enter_secret",
        )
    if len(body) <= _LONGEST_ERROR and body.lstrip()[:1] == b"{" and _says_unauthorized(body):
        said = server_message(body, headers, hide)
        return AuthError(
            say("The server does not accept the credentials") if identified else say("The server requires credentials"),
            say("It responds with an error instead of data: {message}", message=ended(said or "unauthorized")),
            check_credentials(),
            action="enter_secret",
        )
    return None


def _is_html(headers: Mapping[str, str], body: bytes) -> bool:
    return "html" in headers.get("Content-Type", "").lower() or body.lstrip()[:9].lower() in (b"<!doctype", b"<html")


def _says_unauthorized(body: bytes) -> bool:
    """An object that is an error and nothing else: a record may well have a field that is called so."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    if not isinstance(value, dict) or any(isinstance(item, list) and item for item in value.values()):
        return False
    error = value.get("error")
    places = (error, value) if isinstance(error, dict) else (value,)
    is_error = bool(error) or any(value.get(name) is False for name in SUCCESS_FLAGS) or "errors" in value
    return is_error and any(_is_code(place.get(name)) for place in places for name in COMPLAINT_CODES)


def _is_code(value: Any) -> bool:
    return isinstance(value, str | int) and re.sub(r"[\W_]", "", str(value)).lower() in _ERROR_CODES
