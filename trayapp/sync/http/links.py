"""Link headers and origins: where a listing goes on, and whether that is still the same server."""

import ipaddress
import re
from urllib.parse import urljoin, urlsplit

from trayapp.messages import Message, foreign, say
from trayapp.sync.errors import SyncError

_PARAMETER = re.compile(r'\s*;\s*([!#$&+.^_`|~0-9A-Za-z*-]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*)))?')
_LINK = re.compile(r"\s*<([^>]*)>")

Origin = tuple[str, str, int]
"""Scheme, host and port (RFC 6454): the host in lower case and ASCII, an IPv6 address without its brackets."""

_PORTS = {"http": 80, "https": 443}
# Narrower than RFC 3986: only what all parsers of URLs read alike.
_SERVER = re.compile(
    r"(https?)://(?:\[([0-9a-f:.]+)\]|([a-z0-9._\-\x80-\U0010ffff]+))(?::([1-9][0-9]{0,4})?)?(?=[/?#]|\Z)",
    re.ASCII | re.IGNORECASE,
)
_ODD = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")


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
    """A link as the server wrote it, as an absolute URL. Raises SyncError for what no request is made to.

    That is whatever has no `origin`, or has characters that some programs read past or take for slashes, and http
    where the link came over https. Spaces in a path or a query are let through: they are sent as %20.
    """
    try:
        if _ODD.search(target.strip()):
            raise ValueError(say("It contains a backslash or a control character."))
        url = urljoin(base, target.strip())
        scheme, _, _ = origin(url)
    except ValueError as error:
        raise SyncError(
            say("The server's link can't be used"),
            say(
                "{address} links to “{target}”. {reason}",
                address=place_of(base),
                target=target,
                reason=error.args[0] if isinstance(error.args[0], Message) else foreign(f"{error}."),
            ),
            say("Report this to the makers of the API."),
            code="bad_link",
        ) from error
    if scheme == "http" and origin(base)[0] == "https":
        raise SyncError(
            say("The server links to an unencrypted address"),
            say(
                "{address} links to {target}. Others could read and change the data on the way.",
                address=place_of(base),
                target=place_of(url),
            ),
            say("Report this to the makers of the API: its links should begin with https://."),
            code="unencrypted",
        )
    return url


def origin(url: str) -> Origin:
    """The server that a request to the URL goes to. ValueError, of a Message, for what can be read in several ways.

    The port is the scheme's own where there is none. Two spellings of one server may count as two servers, but never
    two servers as one: it is the server that urllib3 connects to.
    """
    match = _SERVER.match(url)
    if match is None:
        raise ValueError(_fault(url))
    scheme = match[1].lower()
    port = int(match[4]) if match[4] else _PORTS[scheme]
    if port > 65535:
        raise ValueError(say("It has an impossible port number."))
    if match[2]:
        ipaddress.IPv6Address(match[2])
        return scheme, match[2].lower(), port
    return scheme, match[3].lower() if match[3].isascii() else _ascii(match[3]), port


def _ascii(host: str) -> str:
    from urllib3.util import parse_url

    try:
        return parse_url(f"http://{host}/").host or ""
    except ValueError:
        raise ValueError(say("Its server name is not valid.")) from None


def _fault(url: str) -> Message:
    if not re.match(r"(?ai)https?://", url):
        return say("It begins with neither https:// nor http://.")
    server = re.split(r"[/?#]", url, maxsplit=3)[2]
    if "@" in server:
        return say("It contains a user name.")
    if "\\" in server:
        return say("It contains a backslash.")
    return say("It names no server, or not in the usual way.")


def place_of(url: str) -> str | Message:
    """A URL as people read it in messages: without query, fragment and user info, which may hold secrets."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return say("(unreadable address)")
    if _ODD.search(url):
        return say("(unreadable address)")  # where it leads is not where it seems to
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
