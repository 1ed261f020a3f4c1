"""RSS (0.9x, 1.0, 2.0) and Atom feeds: the entries under their own names, each value a plain text where it can be."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from trayapp.messages import Message, say
from trayapp.sync.formats.xml import NotXml, to_value

_ROOTS = ("rss", "feed", "RDF")
_CDATA = re.compile(r"(<!\[CDATA\[.*?(?:\]\]>|\Z))", re.DOTALL)
_XML_ENTITIES = ("amp", "lt", "gt", "quot", "apos")


class NoFeed(ValueError):
    """Well-formed XML, but neither RSS nor Atom; the text is its root element's name."""


def to_json(text: str, tell: Callable[[Message], None]) -> bytes:
    """{"title", "next", "entries": […]} as JSON. Raises NotXml, NoFeed and xml.Refused.

    Names and values are the feed's own, texts verbatim (dates, too). Texts lose their attributes (a title's type, a
    guid's isPermaLink), `category` is always a list of texts, and `link` the address of the entry; an Atom entry's
    other links are the list `links`. `next` is the next page of an Atom feed (RFC 5005), null where there is none.
    Names that HTML knows and XML does not (`&nbsp;`) and lone ampersands are mended, and told.
    """
    try:
        document = _read(text)
    except NotXml:
        mended = _mended(text)
        if mended == text:
            raise
        document = _read(mended)
        tell(say("The feed is not well-formed XML. Stray ampersands and similar mistakes were repaired."))
    ((name, root),) = document.items()
    kind = name.rpartition(":")[2]
    if kind not in _ROOTS or not isinstance(root, dict):
        raise NoFeed(name)
    head = _list(root.get("channel"))[:1] if kind != "feed" else [root]
    channel: dict[str, Any] = head[0] if head and isinstance(head[0], dict) else {}
    items = channel.get("item") if kind == "rss" else root.get("entry") if kind == "feed" else root.get("item")
    entries = [_entry(item) for item in _list(items) if isinstance(item, dict)]
    links = [link for link in _list(channel.get("link")) + _list(channel.get("atom:link")) if isinstance(link, dict)]
    following = next((link.get("href") for link in links if link.get("rel") == "next"), None)
    return msgspec.json.encode({"title": _text(channel.get("title")), "next": following, "entries": entries})


def _read(text: str) -> dict[str, Any]:
    return to_value(text, leaf=str, as_markup=lambda _name, attributes: attributes.get("type") == "xhtml")


def _mended(text: str) -> str:
    parts = _CDATA.split(text)
    for index in range(0, len(parts), 2):
        part = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "", parts[index])
        parts[index] = re.sub(r"&(#\d+;|#x[0-9a-fA-F]+;|[A-Za-z]\w*;)?", _entity, part)
    return "".join(parts)


def _entity(found: re.Match[str]) -> str:
    from html.entities import html5  # 2,000 names, for the few feeds that need one

    name = found[1]
    if name is None:
        return "&amp;"
    if name.startswith("#") or name.removesuffix(";") in _XML_ENTITIES:
        return found[0]
    known = html5.get(name)
    return "".join(f"&#{ord(char)};" for char in known) if known else f"&amp;{name}"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _text(value: Any) -> Any:
    """An element's text without its attributes."""
    if isinstance(value, Mapping) and "text" in value and not any(isinstance(v, dict | list) for v in value.values()):
        return value["text"]
    return value


def _entry(item: Mapping[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    for name, value in item.items():
        if name == "category":
            entry[name] = [_category(one) for one in _list(value)]
        elif name == "link":
            entry |= _links(_list(value))
        elif name == "rdf:about":
            entry = {"id": value, **entry}
        elif name in _TEXTS:
            entry[name] = _text(value)
        elif name == "content" and isinstance(value, Mapping) and "src" not in value:
            entry[name] = value.get("text")
        else:
            entry[name] = value
    return entry


_TEXTS = {"title", "guid", "id", "description", "summary", "rights", "comments", "pubDate", "published", "updated"}


def _category(value: Any) -> Any:
    if isinstance(value, Mapping):
        return value.get("term") or value.get("text") or value.get("label")
    return value


def _links(links: list[Any]) -> dict[str, Any]:
    main = next((link for link in links if isinstance(link, str)), None)
    if main is None:
        alternates = [link for link in links if isinstance(link, dict) and link.get("rel", "alternate") == "alternate"]
        first = alternates[0] if alternates else None
        main = first.get("href") if first else None
        others = [link for link in links if link is not first]
    else:
        others = [link for link in links if link != main]
    return {"link": main, "links": others} if others else {"link": main}
