"""Text as a malicious or careless server may send it, and what of it must never reach whoever draws it."""

import unicodedata

ACTING = frozenset(
    chr(code)
    for code in range(0x110000)
    if unicodedata.category(chr(code)) in ("Cc", "Cs", "Zl", "Zp")
    or unicodedata.bidirectional(chr(code)) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    or unicodedata.name(chr(code), "").endswith(("-TO-LEFT MARK", "-TO-RIGHT MARK", "LETTER MARK"))
)
"""Controls, surrogates, separators of lines, and what turns the direction of writing."""
ESCAPES = "\x1b[2J\x1b]0;owned\x07\x9b31m\x08\x08\r\x0b\x0c\x7f\x85\u202e\u2066\u200f\u2028\u061c"
MARKUP = "<h1>big</h1><b>bold</b>&amp;<a href='file:///'>link</a>"


def acting(text: str, allowed: str = "\n") -> set[str]:
    """The characters of a text that a terminal or a widget would obey."""
    return (ACTING & set(text)) - set(allowed)
