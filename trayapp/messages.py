"""Sentences for people as data: an id with its arguments, rendered in the language of whoever reads it.

The id is the English sentence itself, with the places of its arguments in braces, as gettext has it
(https://www.gnu.org/software/gettext/manual/html_node/Sources.html). A sentence is never put together from pieces:
other languages put them in another order. What is stored is id and arguments beside the English sentence, so that old
history is read in today's language.
"""

import gettext
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Union

SOURCE_LANGUAGE: Final = "en"
_DOMAIN = "traysync"
_SEPARATORS: Mapping[str, str] = {"en": ",", "de": ".", "es": ".", "fr": "\u202f", "ja": ",", "ar": "٬"}
"""Between groups of three digits, by language (Unicode CLDR 45, numbers/symbols/group)."""


Argument = Union[str, int, float, "Message", tuple[Union[str, "Message"], ...]]
"""What fills a place in a sentence. A tuple is an enumeration."""


class Message(NamedTuple):
    """One sentence or phrase. `many` is the id of its plural, which the argument `count` chooses.

    No struct of msgspec, which takes longer to import than the tray icon to draw.
    """

    id: str
    args: Mapping[str, Argument] = {}
    many: str = ""

    def __str__(self) -> str:
        return _language.rendered(self)

    def __bool__(self) -> bool:
        return bool(self.id)

    def mapped(self, change: Callable[[str], str]) -> "Message":
        """The same message with `change` applied to all its arguments that are text: words that may not be ours."""
        return Message(self.id, {name: _mapped(value, change) for name, value in self.args.items()}, self.many)

    def english(self) -> str:
        """The sentence in the language it was written in, whatever language is set."""
        return _ENGLISH.rendered(self)


NOTHING: Final = Message("")


def say(id: str, /, **args: object) -> Message:
    """The sentence with this id, its places filled by `args`; what is no Argument, like a path, as its text."""
    return Message(id, {name: _as_argument(value) for name, value in args.items()})


def say_count(one: str, many: str, /, count: int, **args: object) -> Message:
    """The sentence for a number of things: `one` for a single one, `many` otherwise; both may name {count}."""
    return say(one, count=count, **args)._replace(many=many)


def foreign(text: str) -> Message:
    """Words that are not ours, such as a server's: shown as they are, in every language."""
    return Message("{text}", {"text": text}) if text else NOTHING


def tr(id: str, /, **args: object) -> str:
    """`say`, rendered at once: for labels, which are made anew when the language changes."""
    return str(say(id, **args))


def tr_count(one: str, many: str, /, count: int, **args: object) -> str:
    """`say_count`, rendered at once."""
    return str(say_count(one, many, count, **args))


def _as_argument(value: object) -> Argument:
    return value if isinstance(value, str | int | float | tuple) else str(value)


def listing(items: tuple[str | Message, ...], last: Literal["and", "or"] = "and") -> Argument:
    """An enumeration as a sentence has it: "a", "a and b", "a, b or c"."""
    if len(items) < 2:
        return items
    if last == "or":
        return say("{items} or {last}", items=items[:-1], last=items[-1])
    return say("{items} and {last}", items=items[:-1], last=items[-1])


def either(items: tuple[str | Message, ...]) -> Argument:
    """Alternatives as a sentence has them: "a", "a or b", "a, b or c"."""
    if len(items) < 2:
        return items
    return say("{items} or {last}", items=items[:-1], last=items[-1])


def paragraph(*sentences: Message) -> Message:
    """Whole sentences one after the other; those that are NOTHING are left out."""
    said = [each for each in sentences if each]
    if not said:
        return NOTHING
    first, *others = said
    return say("{first} {others}", first=first, others=paragraph(*others)) if others else first


def _mapped(value: Argument, change: Callable[[str], str]) -> Argument:
    match value:
        case str():
            return change(value)
        case Message():
            return value.mapped(change)
        case tuple():
            return tuple(change(each) if isinstance(each, str) else each.mapped(change) for each in _items(value))
        case _:
            return value


def _items(value: tuple[Any, ...]) -> tuple[str | Message, ...]:
    """An enumeration's items: its type alone does not tell it from a Message, which is a tuple, too."""
    return value


class _Language:
    def __init__(self, name: str, catalogue: gettext.NullTranslations) -> None:
        self.name = name
        self._catalogue = catalogue
        self._separator = _SEPARATORS.get(name, ",")

    def rendered(self, message: Message) -> str:
        if not message.id:
            return ""
        if message.many:
            count = message.args.get("count")
            number = count if isinstance(count, int) else 0
            sentence = self._catalogue.ngettext(message.id, message.many, number)
        else:
            sentence = self._catalogue.gettext(message.id)
        return sentence.format_map({name: self._shown(value) for name, value in message.args.items()})

    def _shown(self, value: Argument) -> str:
        match value:
            case Message():
                return self.rendered(value)
            case tuple():
                return self._catalogue.gettext(", ").join(self._shown(each) for each in _items(value))
            case int():
                return f"{value:,}".replace(",", self._separator)
            case _:
                return str(value)


_ENGLISH: Final = _Language(SOURCE_LANGUAGE, gettext.NullTranslations())
_language = _ENGLISH


def set_language(name: str, folder: Path | None = None) -> None:
    """Say everything in this language from now on, English where `folder` has no catalogue of it."""
    global _language
    if name == SOURCE_LANGUAGE or folder is None:
        _language = _ENGLISH
        return
    _language = _Language(name, gettext.translation(_DOMAIN, folder, [name], fallback=True))


def to_plain(message: Message) -> dict[str, Any]:
    """The message as plain data, for JSON."""
    args = {name: _plain(value) for name, value in message.args.items()}
    parts = {"id": message.id, "args": args, "many": message.many}
    return {name: value for name, value in parts.items() if value}


def from_plain(data: Mapping[str, Any]) -> Message:
    """The message that `to_plain` gave. KeyError, TypeError or ValueError where it is none."""
    args = {name: _argument(value) for name, value in data.get("args", {}).items()}
    return Message(data.get("id", ""), args, data.get("many", ""))


def _plain(value: Argument) -> Any:
    match value:
        case Message():
            return to_plain(value)
        case tuple():
            return [each if isinstance(each, str) else to_plain(each) for each in _items(value)]
        case _:
            return value


def _argument(value: Any) -> Argument:
    match value:
        case {}:
            return from_plain(value)
        case list():
            return tuple(each if isinstance(each, str) else from_plain(each) for each in value)
        case str() | int() | float():
            return value
        case _:
            raise TypeError(value)
