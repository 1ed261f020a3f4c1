"""XML as JSON values, without DTDs' entities."""

import re
from collections.abc import Callable
from typing import Any
from xml.parsers import expat

from trayapp.messages import Message, say
from trayapp.sync.formats.values import typed

MAX_DEPTH = 200

_START_TAG = re.compile(rb"<[^>\"']*(?:\"[^\"]*\"[^>\"']*|'[^']*'[^>\"']*)*>")
_HINTS = ("xsi:schemaLocation", "xsi:noNamespaceSchemaLocation")


class NotXml(ValueError):
    """The text is no XML, in expat's words, for example "mismatched tag: line 3, column 2"."""


class Refused(ValueError):
    """Well-formed, but not read: an entity declaration, or too many levels; why, for people."""

    def __init__(self, why: Message) -> None:
        super().__init__(why)
        self.why = why


def declared_encoding(body: bytes) -> str | None:
    """The encoding that the XML declaration names."""
    found = re.match(rb"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([\w.:-]+)", body[:500])
    return found[1].decode() if found else None


def to_value(
    text: str,
    *,
    leaf: Callable[[str], Any] = typed,
    as_markup: Callable[[str, dict[str, str]], bool] = lambda _name, _attributes: False,
) -> dict[str, Any]:
    """The document as {root: value}. Raises NotXml and Refused.

    An element's attributes and children are the members of an object, named as written (prefixes kept, namespace
    declarations dropped); a name that comes more than once is a list. An element with text alone is that text, outer
    space trimmed, through `leaf`; an empty one is null. Text beside attributes is the member `text`; text mixed with
    elements is the markup as it stands, as is the content of elements for which `as_markup` says so. An attribute named
    like a child is `@name`.
    """
    source = text.encode("utf-8", "surrogatepass")
    builder = _Builder(source, leaf, as_markup)
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    builder.attach(parser)
    try:
        parser.Parse(source, True)
    except expat.ExpatError as error:
        raise NotXml(str(error)) from None
    return builder.document


class _Element:
    __slots__ = ("attributes", "children", "name", "start", "texts")

    def __init__(self, name: str, attributes: dict[str, str], start: int) -> None:
        self.name = name
        self.attributes = attributes
        self.start = start
        self.children: dict[str, Any] = {}
        self.texts: list[str] = []


class _Builder:
    def __init__(
        self, source: bytes, leaf: Callable[[str], Any], as_markup: Callable[[str, dict[str, str]], bool]
    ) -> None:
        self.source = source
        self.leaf = leaf
        self.as_markup = as_markup
        self.document: dict[str, Any] = {}
        self.open: list[_Element] = []

    def attach(self, parser: expat.XMLParserType) -> None:
        self.parser = parser
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.EntityDeclHandler = self._entity
        parser.SkippedEntityHandler = self._entity

    def _entity(self, name: str, *_: object) -> None:
        raise Refused(
            say("It uses an entity of its own ({name}), which attackers can use to exhaust the memory.", name=name)
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self.open) >= MAX_DEPTH:
            raise Refused(say("Its elements are nested more than {levels} levels deep.", levels=MAX_DEPTH))
        self.open.append(_Element(name, attributes, self.parser.CurrentByteIndex))

    def _text(self, text: str) -> None:
        if self.open:
            self.open[-1].texts.append(text)

    def _end(self, name: str) -> None:
        element = self.open.pop()
        value = self._value(element)
        if not self.open:
            self.document = {name: value}
            return
        siblings = self.open[-1].children
        if name not in siblings:
            siblings[name] = value
        elif isinstance(siblings[name], list):
            siblings[name].append(value)
        else:
            siblings[name] = [siblings[name], value]

    def _value(self, element: _Element) -> Any:
        text = "".join(element.texts).strip()
        children = element.children
        attributes = {
            name: value
            for name, value in element.attributes.items()
            if name not in _HINTS and name != "xmlns" and not name.startswith("xmlns:")
        }
        if attributes.get("xsi:nil") in ("true", "1"):
            return None
        content: Any = self.leaf(text) if text else None
        if children and (text or self.as_markup(element.name, attributes)):
            content, children = self._markup(element), {}
        if not attributes and not children:
            return content
        value = {f"@{name}" if name in children else name: self.leaf(text) for name, text in attributes.items()}
        value |= children
        if content is not None:
            value["#text" if "text" in value else "text"] = content
        return value

    def _markup(self, element: _Element) -> str:
        """What stands between the element's tags."""
        whole = self.source[element.start : self.parser.CurrentByteIndex]
        tag = _START_TAG.match(whole)
        return whole[tag.end() if tag else 0 :].decode("utf-8", "replace").strip()
