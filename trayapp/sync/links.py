"""Link headers and origins: where a listing goes on, and whether that is still the same server."""

import re
from urllib.parse import urljoin, urlsplit

from trayapp.sync.errors import SyncError

_PARAMETER = re.compile(r'\s*;\s*([!#$&+.^_`|~0-9A-Za-z*-]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*)))?')
_LINK = re.compile(r"\s*<([^>]*)>")


def parse_link_header(value: str) -> list[tuple[str, dict[str, str]]]:
    """Every (target, parameters) of a Link header, as in RFC 8288 section 3; what is malformed is passed over.

    Only the first of a repeated parameter counts; parameter names are lower case.
    """
    links: list[tuple[str, dict[str, str]]] = []
    position = 0
    while match := _LINK.match(value, position):
        position = match.end()
        parameters: dict[str, str] = {}
        while found := _PARAMETER.match(value, position):
            quoted, plain = found[2], found[3]
            text = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain or ""
            parameters.setdefault(found[1].lower(), text)
            position = found.end()
        links.append((match[1].strip(), parameters))
        comma = value.find(",", position)
        if comma < 0:
            break
        position = comma + 1
    return links


def next_link(value: str) -> str | None:
    """The target whose relations include "next", or None."""
    for target, parameters in parse_link_header(value):
        if "next" in parameters.get("rel", "").lower().split() and "anchor" not in parameters:
            return target
    return None


def joined(base: str, target: str) -> str:
    """A link as the server wrote it, as an absolute URL. Raises SyncError for what is none."""
    try:
        url = urljoin(base, target)
        origin(url)
    except ValueError as error:
        raise SyncError(
            "The server's link can't be used",
            f"{place_of(base)} leads to {target[:100]!r}, which is no valid address.",
            "Tell the makers of the API.",
        ) from error
    return url


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL (RFC 6454), the default port filled in. ValueError for what is no URL."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme.lower(), (parts.hostname or "").lower(), port


def place_of(url: str) -> str:
    """A URL as people read it in messages: without query, fragment and user info, which may hold secrets."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "The address"
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
