"""A person signs in: in the browser of this computer, or with a code on any device."""

import base64
import hashlib
import secrets
from typing import Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from trayapp.endpoints.model import Auth
from trayapp.messages import say
from trayapp.sync.cancel import CancelToken
from trayapp.sync.errors import AuthError, TransientError
from trayapp.sync.oauth.grants import DeviceCode, GrantRefused, Grants, TokenSet

PATIENCE = 300.0
"""Seconds a person gets to sign in in the browser."""


class Person(Protocol):
    """Somebody who sits at this computer and can sign in."""

    def open_page(self, url: str) -> None:
        """Show this page in the browser, and say where it is in case that none opens."""
        ...

    def show_code(self, code: str, url: str) -> None:
        """Say that this code has to be typed in on that page."""
        ...


def sign_in(auth: Auth, grants: Grants, person: Person, cancel: CancelToken, patience: float = PATIENCE) -> TokenSet:
    """The tokens of a person who signs in now: with a code if the endpoint has a `device_url`, else in the browser.

    patience: seconds to wait for the browser. Raises AuthError when the person refuses or lets the time pass, other
    SyncErrors when the service can't be used, and Cancelled.
    """
    if auth.device_url:
        return _with_code(grants, person, cancel)
    from trayapp.sync.oauth.loopback import Redirect

    verifier = secrets.token_urlsafe(48)
    state = secrets.token_urlsafe(24)
    with Redirect(state, auth.redirect_port) as redirect:
        person.open_page(sign_in_page(auth, redirect.uri, state, verifier))
        code = redirect.wait(patience, cancel)
        return grants.exchange(code, redirect.uri, verifier)


def sign_in_page(auth: Auth, redirect_uri: str, state: str, verifier: str) -> str:
    """The address that the browser is sent to: RFC 6749 section 4.1.1 with PKCE, S256 (RFC 7636 section 4.2).

    The query that `auth_url` already has stays, and `auth_params` are added: services have parameters of their own.
    """
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    parts = urlsplit(auth.auth_url)
    query = {
        **dict(parse_qsl(parts.query, keep_blank_values=True)),
        **auth.auth_params,
        "response_type": "code",
        "client_id": auth.client_id,
        "redirect_uri": redirect_uri,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    if auth.scopes:
        query["scope"] = " ".join(auth.scopes)
    return urlunsplit(parts._replace(query=urlencode(query)))


def _with_code(grants: Grants, person: Person, cancel: CancelToken) -> TokenSet:
    device = grants.start_device()
    person.show_code(device.user_code, device.url)
    person.open_page(device.url_with_code)
    return _polled(grants, device, cancel)


def _polled(grants: Grants, device: DeviceCode, cancel: CancelToken) -> TokenSet:
    """Ask again and again, no faster than the service wants (RFC 8628 section 3.5)."""
    interval, waited = device.interval, 0.0
    while waited < device.expires:
        cancel.wait(interval)
        waited += interval
        try:
            return grants.poll_device(device.device_code)
        except TransientError:
            interval *= 2
        except GrantRefused as error:
            if error.refusal == "slow_down":
                interval += 5
            elif error.refusal == "expired_token":
                break
            elif error.refusal != "authorization_pending":
                raise
    raise AuthError(
        say("Nobody signed in"),
        say("The code expired before it was entered."),
        say("Sign in again."),
        code="sign_in_needed",
        action="sign_in",
    )
