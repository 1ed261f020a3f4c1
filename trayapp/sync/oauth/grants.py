"""What is asked of a token endpoint, and its answers (RFC 6749 sections 4 to 6, RFC 8628 section 3)."""

import base64
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode

import msgspec

from trayapp.endpoints.model import Auth
from trayapp.errors import Action
from trayapp.messages import Message, say
from trayapp.sync.errors import AuthError, SyncError, TransientError
from trayapp.sync.http.failures import ended, server_message, server_of, status_error
from trayapp.sync.http.intake import TooLarge
from trayapp.sync.http.links import joined, place_of
from trayapp.sync.http.scrub import scrubbed
from trayapp.sync.http.transport import Received, Transport

_LARGEST_ANSWER = 2**20
_MARGIN = 10.0
"""Seconds before its end that a token is renewed, at most."""
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class TokenSet(msgspec.Struct, frozen=True):
    """An access token, when it is due to be renewed (None: the server did not say), and what renews it."""

    access_token: str
    renew_at: datetime | None = None
    refresh_token: str | None = None

    def __repr__(self) -> str:
        return "TokenSet(…)"


class DeviceCode(msgspec.Struct, frozen=True):
    """What a person types in at `url` (`url_with_code` has it typed in), good until `expires`; times in seconds."""

    device_code: str
    user_code: str
    url: str
    url_with_code: str
    expires: float
    interval: float

    def __repr__(self) -> str:
        return "DeviceCode(…)"


class GrantRefused(AuthError):
    """The token endpoint said no; `refusal` is its error code, as in RFC 6749 section 5.2."""

    def __init__(
        self, refusal: str, title: Message, cause: Message, next: Message, field: str = "", action: Action = ""
    ) -> None:
        super().__init__(title, cause, next, field=field, action=action)
        self.refusal = refusal


class Grants:
    """Asks the token endpoint of one client. Not thread-safe.

    The client says who it is by HTTP Basic, which every server must take (RFC 6749 section 2.3.1); many don't, so a
    refused client tries once more with its secret in the body. `in_body` remembers for which endpoints that worked.
    """

    def __init__(
        self,
        auth: Auth,
        secret: str | None,
        transport: Transport,
        now: Callable[[], datetime],
        in_body: set[str],
        heard: Callable[[str], None],
    ) -> None:
        self._auth = auth
        self._secret = secret
        self._transport = transport
        self._now = now
        self._in_body = in_body
        self._heard = heard
        self._hidden: set[str] = set()
        self._note(secret)

    def client_credentials(self) -> TokenSet:
        """A token for the client itself."""
        return self._token({"grant_type": "client_credentials", **self._scope()})

    def refresh(self, refresh_token: str) -> TokenSet:
        """A token in exchange for a refresh token, which may be worth nothing from then on."""
        self._note(refresh_token)
        return self._token({"grant_type": "refresh_token", "refresh_token": refresh_token})

    def exchange(self, code: str, redirect_uri: str, verifier: str) -> TokenSet:
        """A token for the code that the browser brought; `verifier` is the one of RFC 7636."""
        self._note(code)
        self._note(verifier)
        return self._token(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": redirect_uri,
                "code_verifier": verifier,
            }
        )

    def start_device(self) -> DeviceCode:
        """A code that a person can type in elsewhere."""
        said = self._post(self._auth.device_url, {**self._auth.auth_params, **self._scope()})
        url = said.get("verification_uri") or said.get("verification_url")  # the second is Google's
        device_code, user_code = said.get("device_code"), said.get("user_code")
        if not (isinstance(url, str) and isinstance(device_code, str) and isinstance(user_code, str)):
            raise _not_understood(self._auth.device_url)
        self._note(device_code)
        with_code = said.get("verification_uri_complete")
        url = joined(self._auth.device_url, url)
        url_with_code = joined(url, with_code) if isinstance(with_code, str) else url
        shown = f"{user_code}\n{url}\n{url_with_code}"
        if self.hide(shown) != shown:
            raise SyncError(
                say("The sign-in service would reveal the secret"),
                say("{service} repeats it in what is shown and opened in the browser.", service=place_of(url)),
                say("Report this to the makers of the API."),
                code="secret_exposed",
            )
        return DeviceCode(
            device_code=device_code,
            user_code=user_code,
            url=url,
            url_with_code=url_with_code,
            expires=_seconds(said.get("expires_in")) or 600,
            interval=_seconds(said.get("interval")) or 5,
        )

    def poll_device(self, device_code: str) -> TokenSet:
        """The token, once the person has agreed; until then GrantRefused with the code authorization_pending."""
        return self._token({"grant_type": _DEVICE_GRANT, "device_code": device_code})

    def _scope(self) -> dict[str, str]:
        return {"scope": " ".join(self._auth.scopes)} if self._auth.scopes else {}

    def _token(self, form: Mapping[str, str]) -> TokenSet:
        said = self._post(self._auth.token_url, {**self._auth.token_params, **form})
        token = said.get("access_token")
        refresh = said.get("refresh_token")
        if not isinstance(token, str) or not token or any(char in token for char in "\r\n\0"):
            raise _not_understood(self._auth.token_url)
        self._note(token)
        lifetime = _seconds(said.get("expires_in"))
        renew_at = None
        if lifetime is not None:
            # A little early: the request with it takes time, too.
            renew_at = self._now() + timedelta(seconds=lifetime - min(_MARGIN, lifetime / 10))
        refresh = refresh if isinstance(refresh, str) and refresh else None
        self._note(refresh)
        return TokenSet(token, renew_at, refresh)

    def _post(self, url: str, form: Mapping[str, str]) -> dict[str, Any]:
        try:
            return self._once(url, form, url in self._in_body)
        except GrantRefused as error:
            if error.refusal != "invalid_client" or not self._secret or url in self._in_body:
                raise
        said = self._once(url, form, in_body=True)
        self._in_body.add(url)
        return said

    def _once(self, url: str, form: Mapping[str, str], in_body: bool) -> dict[str, Any]:
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        fields = dict(form)
        if self._secret and not in_body:
            login = f"{quote_plus(self._auth.client_id)}:{quote_plus(self._secret)}"
            basic = base64.b64encode(login.encode()).decode()
            self._note(basic)
            self._note(quote_plus(self._secret))
            headers["Authorization"] = f"Basic {basic}"
        else:
            fields["client_id"] = self._auth.client_id
            if self._secret:
                fields["client_secret"] = self._secret
        received = Received()
        try:
            self._transport.send(
                "POST",
                url,
                headers,
                urlencode(fields).encode(),
                received,
                limit=_LARGEST_ANSWER,
                place=server_of(url),
                identified=True,
            )
        except TooLarge:
            raise _not_understood(url) from None
        return self._understood(url, received)

    def _understood(self, url: str, received: Received) -> dict[str, Any]:
        if received.is_redirect:
            # What was posted is secret; it is for the address in the settings and no other.
            raise SyncError(
                say("The sign-in service has moved"),
                say("{address} redirects to another address.", address=place_of(url)),
                say("Correct the address in the settings."),
                code="redirect",
                field="auth.token_url",
            )
        said = _fields(received)
        code = said.get("error")
        if isinstance(code, str) and received.status < 500 and received.status != 429:
            raise self._refused(code, url, received)
        if not 200 <= received.status < 300:
            raise status_error(received.status, received.headers, received.body, url, self._now(), self.hide)
        return said

    def _refused(self, code: str, url: str, received: Received) -> SyncError:
        words = server_message(received.body, received.headers, self.hide)
        cause = say("{service} says: {message}", service=place_of(url), message=ended(words or self.hide(code)))
        if code == "temporarily_unavailable":
            return TransientError(say("The sign-in service has a problem"), cause, say("TraySync will try again."))
        if code in ("invalid_client", "unauthorized_client"):
            title, advice = say("The sign-in service rejects the client"), say("Check the client id and secret.")
            return GrantRefused(code, title, cause, advice, "auth.client_id", "enter_secret")
        if code == "invalid_scope":
            title, advice = say("The sign-in service rejects the scopes"), say("Correct auth.scopes.")
            return GrantRefused(code, title, cause, advice, "auth.scopes")
        if code == "access_denied":
            title, advice = say("The sign-in was refused"), say("Sign in again, and allow access.")
            return GrantRefused(code, title, cause, advice, action="sign_in")
        title, advice = say("The sign-in service gives no token"), say("Check the authentication settings.")
        return GrantRefused(code, title, cause, advice, "auth")

    def _note(self, secret: str | None) -> None:
        if secret:
            self._heard(secret)
            self._hidden.add(secret)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret that was said or heard here, as it was written."""
        return tuple(sorted(self._hidden))

    def hide(self, text: str) -> str:
        """The text without any secret that was said or heard here."""
        return scrubbed(text, self._hidden)


def _fields(received: Received) -> dict[str, Any]:
    try:
        said = msgspec.json.decode(received.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if "x-www-form-urlencoded" not in received.headers.get("Content-Type", ""):
            return {}
        said = dict(parse_qsl(received.body.decode("utf-8", "replace")))
    return said if isinstance(said, dict) else {}


def _seconds(value: Any) -> float | None:
    """A length of time; some servers write it as text."""
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds < 1e9 else None


def _not_understood(url: str) -> SyncError:
    return SyncError(
        say("The sign-in service's response can't be read"),
        say("{address} did not respond as OAuth 2.0 requires.", address=place_of(url)),
        say("Check the addresses in the authentication settings."),
        field="auth.token_url",
    )
