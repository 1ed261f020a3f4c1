"""Secrets among the settings, where everybody could read them: found, and taken out to be kept in the keyring. Pure."""

import base64
import binascii
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

import msgspec

from trayapp.endpoints.model import Auth, Endpoint, Settings
from trayapp.endpoints.secret_names import is_secret
from trayapp.endpoints.settings import SettingsError
from trayapp.messages import say


class Readable(msgspec.Struct, frozen=True):
    """A secret in the settings: its field and name, and the authentication that can carry it, None where none can."""

    field: str
    name: str
    value: str
    auth: Auth | None = None

    def __repr__(self) -> str:
        return f"Readable({self.field!r}, {self.name!r}, …)"


class Lifted(msgspec.Struct, frozen=True):
    """An endpoint, and the secret that was taken out of its settings into `auth`, with what it was called there."""

    endpoint: Endpoint
    secret: str | None = None
    name: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What people are told of it."""
        return () if self.secret is None else (f"{self.name} was moved to the keyring.",)

    def __repr__(self) -> str:
        return f"Lifted({self.endpoint!r}, …)"


def readable(endpoint: Endpoint) -> tuple[Readable, ...]:
    """Every secret that the endpoint's settings hold readably."""
    return tuple(_found(endpoint))


def places(settings: Settings) -> list[str]:
    """Where the settings hold secrets readably, as "endpoint: field"."""
    return [f"{endpoint.id}: {each.field}" for endpoint in settings.endpoint for each in _found(endpoint)]


def lifted(endpoint: Endpoint, before: Endpoint | None = None) -> Lifted:
    """The endpoint with its secret taken out, if it has one that `before` has not.

    SettingsError for a secret that has to be left out: a second one, or one that no authentication can carry.
    """
    known = set() if before is None else {(each.field, each.value) for each in readable(before)}
    found = [each for each in readable(endpoint) if (each.field, each.value) not in known]
    if not found:
        return Lifted(endpoint)
    first = found[0]
    if first.auth is None:
        raise _left_out(first, "no authentication of TraySync carries a secret there")
    if endpoint.auth.kind != "none" and _carrier(endpoint.auth) != _carrier(first.auth):
        raise _left_out(first, f"the endpoint's authentication is {endpoint.auth.kind} already")
    for each in found[1:]:
        if (each.auth, each.value) != (first.auth, first.value):
            raise _left_out(each, f"the endpoint has another one, {first.name}")
    for each in found:
        endpoint = without(endpoint, each)
    return Lifted(msgspec.structs.replace(endpoint, auth=first.auth), first.value, first.name)


def without(endpoint: Endpoint, found: Readable) -> Endpoint:
    """The endpoint without a secret that an authentication carries from now on."""
    request, parts = endpoint.request, urlsplit(endpoint.url)
    if found.field.startswith("request.headers."):
        headers = {name: value for name, value in request.headers.items() if name != found.name}
        return msgspec.structs.replace(endpoint, request=msgspec.structs.replace(request, headers=headers))
    if found.field.startswith("request.params."):
        params = {name: value for name, value in request.params.items() if name != found.name}
        return msgspec.structs.replace(endpoint, request=msgspec.structs.replace(request, params=params))
    if found.auth is not None and found.auth.kind == "query":
        # Only what goes is parsed: the rest of the query stays byte for byte as it was written.
        kept = [piece for piece in parts.query.split("&") if (found.name, found.value) not in parse_qsl(piece)]
        return msgspec.structs.replace(endpoint, url=urlunsplit(parts._replace(query="&".join(kept))))
    return msgspec.structs.replace(endpoint, url=urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])))


def authorization(value: str) -> tuple[Auth, str]:
    """The authentication, and its secret, that an Authorization header is of."""
    scheme, _, rest = value.partition(" ")
    if scheme.lower() == "basic" and rest:
        try:
            user, _, password = base64.b64decode(rest, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return Auth(kind="header", name="Authorization"), value
        return Auth(kind="basic", user=user), password
    if rest and " " not in rest:
        return Auth(kind="bearer", prefix="" if scheme == "Bearer" else scheme), rest
    return Auth(kind="header", name="Authorization"), value


def _found(endpoint: Endpoint) -> Iterator[Readable]:
    yield from _in_url("url", endpoint.url)
    for name, value in endpoint.request.params.items():
        if not isinstance(value, bool) and is_secret(name, str(value)):
            yield Readable(f"request.params.{name}", name, str(value), Auth(kind="query", name=name))
    for name, text in endpoint.request.headers.items():
        if is_secret(name, text):
            auth, secret = Auth(kind="header", name=name), text
            if name.lower() == "authorization":
                auth, secret = authorization(text)
            yield Readable(f"request.headers.{name}", name, secret, auth)
    body = endpoint.request.json
    for name, text in _members(_parsed(body) if isinstance(body, str) else body):
        if is_secret(name, text):
            yield Readable(f"request.json.{name}", name, text)
    for place in ("token_url", "auth_url", "device_url"):
        for each in _in_url(f"auth.{place}", getattr(endpoint.auth, place)):
            yield msgspec.structs.replace(each, auth=None)


def _in_url(field: str, url: str) -> Iterator[Readable]:
    try:
        parts = urlsplit(url)
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
    except ValueError:
        return  # it is told as no address
    if password:
        yield Readable(field, "The password in the address", password, Auth(kind="basic", user=user))
    for name, value in parse_qsl(parts.query):
        if is_secret(name, value):
            yield Readable(field, name, value, Auth(kind="query", name=name))
    # Parameters of the path (RFC 3986 section 3.3), and what is not even sent, but was pasted along.
    for name, value in parse_qsl("&".join((*parts.path.split(";")[1:], parts.fragment))):
        if is_secret(name, value.partition("/")[0]):
            yield Readable(field, name, value)


def _parsed(body: str) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return dict(parse_qsl(body))


def _members(value: Any) -> Iterator[tuple[str, str]]:
    """The texts and numbers of a body, however deep, with the names they have."""
    left = [value]
    while left:
        value = left.pop()
        if isinstance(value, list):
            left += value
        elif isinstance(value, dict):
            for name, inner in value.items():
                if isinstance(inner, str | int | float) and not isinstance(inner, bool):
                    yield name, str(inner)
                else:
                    left.append(inner)


def _carrier(auth: Auth) -> tuple[str, str, str]:
    return auth.kind, auth.name.lower(), auth.secret_env


def _left_out(found: Readable, why: str) -> SettingsError:
    return SettingsError(
        say("{name} would be stored as plain text", name=found.name),
        say("It looks like a secret (field {field}), and {why}.", field=found.field, why=why),
        say("Leave it out, or make it the endpoint's authentication."),
        field=found.field,
    )
