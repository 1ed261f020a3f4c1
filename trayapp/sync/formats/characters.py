"""From bytes to characters."""

import codecs
import re
from collections.abc import Mapping

from trayapp.sync.http.intake import Text, windows

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PIECE = 16384
_NO_CHARACTERS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined"})
"""What Python has among the encodings of texts, and no server's text is in; some take time quadratic to its length."""


def unicode_encoding(body: bytes) -> str | None:
    """The encoding that a byte order mark, or the zero bytes of ASCII letters in UTF-16 or -32, give away."""
    for bom, name in _BOMS:
        if body.startswith(bom):
            return name
    head = body[:4]
    if len(head) < 2 or 0 not in head:
        return None
    if head[:2] == b"\0\0":
        return "utf-32-be"
    if head[0] == 0:
        return "utf-16-be"
    if head[1] == 0:
        return "utf-32-le" if head[2:] == b"\0\0" else "utf-16-le"
    return None


def check_utf8(body: Text) -> None:
    """Raise UnicodeDecodeError for what is not UTF-8. In pieces that stay in the processor's cache: thrice as fast."""
    if not isinstance(body, bytes):
        decoder = codecs.getincrementaldecoder("utf-8")()
        for window in windows(body):
            decoder.decode(window)
        decoder.decode(b"", True)
        return
    if body.isascii():
        return
    view = memoryview(body)
    start = 0
    while start < len(body):
        piece = view[start : start + _PIECE]
        start += codecs.utf_8_decode(piece, "strict", start + len(piece) == len(body))[1]


def charset(headers: Mapping[str, str]) -> str | None:
    """The charset a Content-Type names."""
    found = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", headers.get("Content-Type", ""), re.IGNORECASE)
    return found[1] if found else None


def is_utf8(encoding: str) -> bool:
    """Whether text of that encoding is UTF-8 already."""
    try:
        return codecs.lookup(encoding).name in ("utf-8", "ascii")
    except (LookupError, ValueError):
        return False


def is_known(encoding: str) -> bool:
    """Whether texts are in that encoding."""
    try:
        return codecs.lookup(encoding).name not in _NO_CHARACTERS
    except (LookupError, ValueError):
        return False  # a ValueError is of a name with a zero in it


_LARGER = {
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
}
"""What is meant by these names in practice (https://encoding.spec.whatwg.org/#names-and-labels)."""


def decoded(body: bytes, encoding: str, meant: bool = False) -> tuple[str, str]:
    """The text in that encoding, or in the larger one that is called so, too; and which of them it is.

    meant: a person chose it, so that the larger one counts only where the text is not written in that one.

    Raises LookupError for no encoding, UnicodeError for what is not written so.
    """
    if not is_known(encoding):
        raise LookupError(encoding)
    name = codecs.lookup(encoding).name
    larger = _LARGER.get(name, encoding)
    # ISO 8859 has control characters where the larger ones have letters, and no text has those.
    is_larger = not meant and name.startswith("iso8859")
    first = larger if is_larger and any(map(body.__contains__, _CONTROLS)) else encoding
    try:
        return body.decode(first), first
    except UnicodeError:
        other = encoding if first == larger else larger
        return body.decode(other), other


_CONTROLS = tuple(bytes([code]) for code in range(0x80, 0xA0))


def is_cut(body: bytes) -> bool:
    """Whether a text is UTF-8, with more than ASCII, but for its last character, of which some bytes are missing."""
    for count in (1, 2, 3):
        byte = body[-count] if count <= len(body) else 0
        if byte < 0x80:
            return False
        if byte >= 0xC2:
            rest = body[:-count]
            return count < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4) and not rest.isascii() and _is_utf8(rest)
    return False


def _is_utf8(body: bytes) -> bool:
    try:
        check_utf8(body)
    except UnicodeDecodeError:
        return False
    return True


def is_rather_utf8(body: bytes, encoding: str) -> bool:
    """Whether a text that is said to be in a single-byte encoding is UTF-8: other letters hardly ever come so."""
    single = is_known(encoding) and codecs.lookup(encoding).name.startswith(("iso8859", "cp125"))
    return single and not body.isascii() and _is_utf8(body)
