"""Placeholders in a request, {like_this}, filled from a row of values. Pure."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec

from trayapp.endpoints.model import Endpoint

Value = str | int | float | bytes | None

_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")


class Unfillable(ValueError):
    """A row's value can't take its placeholder's place; `name` is the placeholder's."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name} {why}")
        self.name = name


def names_in(endpoint: Endpoint) -> tuple[str, ...]:
    """The placeholders of the URL, the params and the JSON body, each once.

    In the body only a text that is a placeholder and nothing else is one: braces have other meanings there.
    """
    found: dict[str, None] = {}

    def note(match: re.Match[str]) -> str:
        found[match[1]] = None
        return match[0]

    _PLACEHOLDER.sub(note, endpoint.url)
    for value in endpoint.request.params.values():
        if isinstance(value, str):
            _PLACEHOLDER.sub(note, value)
    _replaced(_body(endpoint), lambda name: found.setdefault(name))
    return tuple(found)


def host_names_in(url: str) -> tuple[str, ...]:
    """The placeholders where none may be: before the path, as they would send credentials anywhere."""
    parts = urlsplit(url)
    return tuple(_PLACEHOLDER.findall(f"{parts.scheme}://{parts.netloc}"))


def filled(endpoint: Endpoint, values: Mapping[str, Value]) -> Endpoint:
    """The endpoint with its placeholders filled, percent-encoded where they stand. Unfillable for an odd value."""
    parts = urlsplit(endpoint.url)
    segments = [_in_segment(segment, values) for segment in parts.path.split("/")]
    query = _PLACEHOLDER.sub(lambda match: quote(_text(match[1], values), safe=""), parts.query)
    params = {
        name: _PLACEHOLDER.sub(lambda match: _text(match[1], values), value) if isinstance(value, str) else value
        for name, value in endpoint.request.params.items()
    }
    return msgspec.structs.replace(
        endpoint,
        url=urlunsplit(parts._replace(path="/".join(segments), query=query)),
        request=msgspec.structs.replace(
            endpoint.request, params=params, json=_replaced(_body(endpoint), lambda name: _value(name, values))
        ),
    )


def _in_segment(segment: str, values: Mapping[str, Value]) -> str:
    names = _PLACEHOLDER.findall(segment)
    text = _PLACEHOLDER.sub(lambda match: quote(_text(match[1], values), safe=""), segment)
    if names and text in (".", ".."):
        raise Unfillable(names[0], f"is {text!r}, which would lead to another address")
    return text


def _text(name: str, values: Mapping[str, Value]) -> str:
    text = str(_value(name, values))
    if not text:
        raise Unfillable(name, "is empty")
    return text


def _value(name: str, values: Mapping[str, Value]) -> str | int | float:
    value = values[name]
    if value is None:
        raise Unfillable(name, "is empty")
    if isinstance(value, bytes):
        raise Unfillable(name, "is binary")
    return value


def _body(endpoint: Endpoint) -> Any:
    """The body as a value, also where the settings have it as JSON text."""
    body = endpoint.request.json
    if isinstance(body, str) and _PLACEHOLDER.search(body):
        try:
            return msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return body
    return body


def _replaced(value: Any, fill: Callable[[str], Any]) -> Any:
    if isinstance(value, str):
        match = _PLACEHOLDER.fullmatch(value)
        return fill(match[1]) if match else value
    if isinstance(value, list | tuple):
        return [_replaced(item, fill) for item in value]
    if isinstance(value, Mapping):
        return {name: _replaced(item, fill) for name, item in value.items()}
    return value
