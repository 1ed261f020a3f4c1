"""Text from elsewhere made fit to be shown: nothing in it is obeyed by what shows it, and it has an end.

Servers, files and strangers' settings may hold characters that a terminal or a widget acts upon instead of drawing
them: control characters (ECMA-48), those that turn the direction of writing (Unicode Standard Annex 9), separators of
lines, halves of surrogate pairs. What is stored stays as it came; it goes through here where people get to see it.
"""

import re

_ACTS = "\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ud800-\udfff\ufff9-\ufffb"
_ACTING = re.compile(f"[{_ACTS}]")
_LONGEST, _MOST_LINES = 1000, 24
_UNBROKEN = re.compile(r"[^\s/-]{80}(?=[^\s/-])")
"""As much of a word as may stand in a line of a window."""


def visible(text: str) -> str:
    """The text with a sign in place of every character that is not drawn but obeyed. Lines stay lines."""
    if text.isprintable():  # all but spaces is drawn: by far most texts
        return text
    return _ACTING.sub(_sign, text.replace("\r\n", "\n").replace("\t", " "))


def elided(text: str, length: int) -> str:
    """One line of at most `length` characters, visible; what is left out is told by an ellipsis."""
    start = text[: 4 * length]
    line = visible(" ".join(start.split()))
    if len(line) <= length and len(start) == len(text):
        return line
    return f"{line[: length - 1].rstrip()}…"


def shortened(text: str, length: int = _LONGEST, lines: int = _MOST_LINES) -> str:
    """At most `length` characters in at most `lines` lines, visible; what is left out is told by an ellipsis."""
    shown = visible(text[: length + 1]).split("\n", lines)
    short = "\n".join(shown[:lines])
    if len(text) <= length and len(shown) <= lines:
        return short
    return f"{short[: length - 1].rstrip()}…"


def breakable(text: str) -> str:
    """The text with places in its longest words where a line may end, so that no window is widened by one."""
    return _UNBROKEN.sub("\\g<0>\u200b", text)


def unmarked(text: str) -> str:
    """The text for a program that may take it for markup, or may not: in either it is seen, with other brackets."""
    return text.replace("<", "‹").replace(">", "›")


def escaped(document: str) -> str:
    r"""JSON or TOML, whose layout is of ASCII and whose strings know \uXXXX, with the same meaning and all visible."""
    return document if document.isascii() and "\x7f" not in document else _ACTING.sub(_escape, document)


def _sign(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)  # the block "Control Pictures" has one for each
    return "␡" if code == 0x7F else "\ufffd"


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
