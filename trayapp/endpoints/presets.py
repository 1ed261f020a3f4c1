"""Endpoints for well-known APIs, ready but for a few words: resources/presets/*.toml."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from trayapp.assets import resource
from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.naming import completed
from trayapp.endpoints.placeholders import Unfillable, filled
from trayapp.endpoints.settings import decode_endpoint
from trayapp.endpoints.validate import check_endpoint
from trayapp.errors import UserError
from trayapp.messages import say

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_HOST_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")


class Placeholder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A word to fill in. With a `default` it may be left out."""

    name: str
    help: str
    example: str
    default: str = ""


class Preset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An endpoint with {placeholders}; `docs` is the API's manual, `secret` says in words which secret it needs.

    A placeholder at the start of the URL takes the address of a site, with or without a path; one in the host's name a
    part of that name; others any text. Those in the endpoint's name and its auth.user are filled, too.
    """

    name: str
    title: str
    description: str
    docs: str
    placeholders: tuple[Placeholder, ...]
    endpoint: Endpoint
    secret: str = ""


def load_presets() -> tuple[Preset, ...]:
    """All presets that are shipped, by title."""
    presets = [_load(path) for path in resource("presets").glob("*.toml")]
    return tuple(sorted(presets, key=lambda preset: preset.title.lower()))


def find_preset(name: str) -> Preset:
    """The preset with that name. Raises UserError with all names when there is none."""
    presets = load_presets()
    for preset in presets:
        if preset.name == name:
            return preset
    names = ", ".join(sorted(preset.name for preset in presets))
    raise UserError(
        say("There is no preset “{name}”", name=name),
        say("The presets are {names}.", names=names),
        say("Choose one of them."),
    )


def _load(path: Path) -> Preset:
    data: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    placeholders = [{"name": name, **fields} for name, fields in data.pop("placeholders").items()]
    endpoint = decode_endpoint(data.pop("endpoint"))
    return msgspec.convert({"name": path.stem, **data, "placeholders": placeholders, "endpoint": endpoint}, Preset)


def fill(preset: Preset, values: Mapping[str, str]) -> Endpoint:
    """The preset's endpoint with its placeholders filled in, percent-encoded where that is needed.

    Raises UserError for a value that is missing, not asked for, or does not fit its place.
    """
    asked = {placeholder.name: placeholder for placeholder in preset.placeholders}
    for name in values:
        if name not in asked:
            raise UserError(
                say("The preset {preset} has no “{name}”", preset=preset.name, name=name),
                say("It asks for {asked}.", asked=", ".join(asked)),
                say("Correct the name."),
            )
    complete: dict[str, str] = {}
    for name, placeholder in asked.items():
        complete[name] = values.get(name, "").strip() or placeholder.default
        if not complete[name]:
            raise UserError(
                say("The preset {preset} needs “{name}”", preset=preset.name, name=name),
                say("{help}, like {example}.", help=placeholder.help, example=placeholder.example),
                say("Add it."),
            )
    draft = msgspec.structs.replace(
        preset.endpoint,
        url=_with_server(preset.endpoint.url, complete),
        name=_replaced(preset.endpoint.name, complete),
        auth=msgspec.structs.replace(preset.endpoint.auth, user=_replaced(preset.endpoint.auth.user, complete)),
    )
    try:
        endpoint = filled(draft, complete)
    except Unfillable as error:
        raise UserError(
            say("“{name}” can't be filled in", name=error.name), say("{error}.", error=error), say("Correct it.")
        ) from error
    for problem in check_endpoint(completed(endpoint)):
        raise UserError(
            say("The preset {name} can't be filled in", name=preset.name),
            problem.message,
            say("Correct the values."),
        )
    return endpoint


def _replaced(text: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)


def _with_server(url: str, values: Mapping[str, str]) -> str:
    """The URL with the placeholders before its path filled in."""
    start = _PLACEHOLDER.match(url)
    if start is not None:
        return _address(start[1], values[start[1]], whole=url == start[0]) + url[start.end() :]
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    for name in _PLACEHOLDER.findall(host):
        if not _HOST_LABEL.fullmatch(values[name]):
            raise UserError(
                say("“{name}” can't be filled in", name=name),
                say("“{value}” can't be part of a server's name.", value=values[name]),
                say("Correct it."),
            )
    return f"{scheme}://{_replaced(host, values)}{slash}{path}"


def _address(name: str, text: str, whole: bool) -> str:
    """The address of a site as people write it, without a slash at its end; of a document where it is the `whole`."""
    url = text if "://" in text else f"https://{text}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"[\s{}]", url):
        raise UserError(
            say("“{name}” can't be filled in", name=name),
            say("That is not a web address."),
            say("Write it like https://example.org"),
        )
    if whole:
        return url
    if parts.query or parts.fragment:
        raise UserError(
            say("“{name}” can't be filled in", name=name),
            say("That is more than a site's address."),
            say("Leave out everything from ? or # on."),
        )
    return url.rstrip("/")
