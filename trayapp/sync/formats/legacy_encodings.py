"""Which encoding a text has that is not Unicode and does not say: by what can be a text at all, then by its words."""

import re
import unicodedata
from collections.abc import Iterable

_CANDIDATES = (
    "cp1252", "cp1250", "cp1254", "cp1251", "koi8_r", "iso8859_7", "cp1253", "cp932", "gb18030", "big5",
    "cp949", "euc_jp",
)  # fmt: skip
_LEAST, _MARGIN = 0.8, 0.15
"""How well a text must fit an encoding, and how much better than the next one."""

_LATIN = frozenset({"cp1252", "cp1250", "cp1254"})
_MOST_BYTES = 2**14
_CHUNK = re.compile(rb"(?<![0-9@-\xff])[0-9@-\x7f]*+[\x80-\xff][0-9@-\xff]*")
"""A run of bytes with such that are not ASCII; no character of any candidate has those outside in its middle."""

_ALPHABETS = {
    "cp1252": (
        "äöüß", "àâæçéèêëîïôœùûüÿ", "áéíñóúüªº", "áâãàçéêíóôúüªº", "àèéìíîòóùú", "åäöé", "æøåéèòóôü", "áðéíóúýþæö",
        "áèéëïíóöüçê", "àçéèíïóòúü", "áéíóú", "êëéôûîïò", "äöüõšž",
    ),
    "cp1250": (
        "ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "čćđšž", "ăâîşţ", "ëç", "äöüß",
    ),
    "cp1254": ("çğ\u0131öşüâîû\u0307",),
    "cp1251": (
        "абвгдежзийклмнопрстуфхцчшщъыьэюяё", "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя", "абвгдежзийклмнопрстуфхцчшщъьюя",
        "абвгдђежзијклљмнњопрстћуфхцчџш", "абвгдеёжзійклмнопрстуўфхцчшыьэюя",
    ),
    "koi8_r": ("абвгдежзийклмнопрстуфхцчшщъыьэюяё",),
    "iso8859_7": ("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",),
    "cp1253": ("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",),
}  # fmt: skip
"""Letters beyond ASCII of the languages that are written in an encoding, each language by itself."""

_FREQUENT = {
    "cp1251": frozenset("оеаинтсрвлкмі"),
    "koi8_r": frozenset("оеаинтсрвлкмі"),
    "iso8859_7": frozenset("αοιετσςνηυρπκάίόέή"),
    "cp1253": frozenset("αοιετσςνηυρπκάίόέή"),
}
"""The most frequent letters of the languages written so."""

_ICELANDIC = frozenset("þðý")
_ICELANDIC_ONLY = frozenset("áíóúæ")
"""Turkish has other letters in place of the former, and nothing like the latter."""

_SIGNS = frozenset("€£¥$§©®™°²³½¼¾µ±×÷·•–—‘’‚“”„«»‹›…¡¿№†‰ \u00a0´¨")  # noqa: RUF001


LABELS = {
    "cp1252": "Windows-1252", "cp1250": "Windows-1250", "cp1254": "Windows-1254", "cp1251": "Windows-1251",
    "koi8_r": "KOI8-R", "iso8859_7": "ISO-8859-7", "cp1253": "Windows-1253", "cp932": "Shift_JIS (cp932)",
    "gb18030": "GBK (gb18030)", "big5": "Big5", "cp949": "EUC-KR (cp949)", "euc_jp": "EUC-JP",
}  # fmt: skip
"""What people call the candidates."""


def guessed(body: bytes) -> str | None:
    """The Python name of the encoding; None where several fit and the text would be another in each.

    Where only the languages of Western and of Central Europe fit alike, it is that of Western Europe.
    """
    chunks = _chunks(body)
    if len(chunks) > 1 and sum(map(_is_utf8, chunks)) >= len(chunks) / 2:
        return None  # pieces of several encodings, of which no single one has all
    text = b"\n".join(chunks)
    found: dict[str, float] = {}
    readings: dict[str, str] = {}
    for name in _CANDIDATES:
        try:
            readings[name] = text.decode(name)
            body.decode(name)
        except UnicodeDecodeError:
            readings.pop(name, None)
            continue
        found[name] = _fitting(name, readings[name].split("\n"), chunks)
    best = max(found.values(), default=0.0)
    if best < _LEAST:
        words = readings.get("cp1252", "").split("\n")
        return "cp1252" if "cp1252" in found and _fitting("cp1252", words, chunks, mixed=True) > _LEAST else None
    if "cp1252" in found and all(char.isascii() or char in _SIGNS for char in readings["cp1252"]):
        return "cp1252"
    fitting = [name for name in found if found[name] >= best - 0.1]
    if len({readings[name] for name in fitting}) == 1 or ({*fitting} <= {"cp1252", "cp1250"} and "cp1252" in fitting):
        return fitting[0]
    rated = sorted((found[name] + _frequency(name, readings[name]), name) for name in fitting)
    rated.reverse()
    leader = rated[0][1]
    behind = next((rate for rate, name in rated if readings[name] != readings[leader]), 0.0)
    return leader if rated[0][0] - behind > _MARGIN else _less_messy(text, fitting)


def _is_utf8(chunk: bytes) -> bool:
    try:
        chunk.decode()
    except UnicodeDecodeError:
        return False
    return True


def _chunks(body: bytes) -> list[bytes]:
    chunks: dict[bytes, None] = {}
    size = 0
    for match in _CHUNK.finditer(body):
        if match[0] not in chunks:
            chunks[match[0]] = None
            size += len(match[0])
            if size > _MOST_BYTES:
                break
    return list(chunks)


def _fitting(name: str, words: Iterable[str], chunks: Iterable[bytes], mixed: bool = False) -> float:
    """How many of the words can be words of one language that is written so, from 0 to 1; mixed: each of any."""
    if name not in _ALPHABETS:
        rated = [_asian(name, word, chunk) for word, chunk in zip(words, chunks, strict=False)]
        return sum(rated) / max(1, len(rated))
    parts = [part for word in words for part in re.findall(r"[^\W\d_]+|[^\x00-\x7f]", word) if not part.isascii()]
    if not parts:
        return 0.0
    shaped = [part for part in parts if part in _SIGNS or _is_word(name, part)]
    letters = {char for part in shaped for char in part.lower()}
    if name == "cp1252" and letters & _ICELANDIC and not letters & _ICELANDIC_ONLY:
        return 0.0

    def is_of(part: str, alphabet: str) -> bool:
        return part in _SIGNS or {*filter(_is_beyond, part.lower().replace("õe", "e"))} <= {*alphabet}

    alphabets = _ALPHABETS[name]
    if mixed:
        return sum(any(is_of(part, alphabet) for alphabet in alphabets) for part in shaped) / len(parts)
    return max(sum(is_of(part, alphabet) for part in shaped) for alphabet in alphabets) / len(parts)


def _is_beyond(letter: str) -> bool:
    return not letter.isascii()


def _is_word(name: str, word: str) -> bool:
    """Whether a run of letters looks like a word: in one script, and with capitals only where they may be."""
    beyond = sum(map(_is_beyond, word))
    if name in _LATIN:
        if beyond > 1 and beyond == len(word):
            return False
    elif beyond < len(word):
        return False
    return word in (word.lower(), word.upper()) or (word[1:] == word[1:].lower() and word[0] == word[0].upper())


def _frequency(name: str, text: str) -> float:
    """Which share of the letters beyond ASCII is frequent; a half for what is not known."""
    letters = [char for char in text.lower() if not char.isascii() and char.isalpha()]
    if name not in _FREQUENT or not letters:
        return 0.5
    return sum(char in _FREQUENT[name] for char in letters) / len(letters)


def _asian(name: str, word: str, chunk: bytes) -> float:
    """Which share of a word's characters is common in that language."""
    beyond = [char for char in word if not char.isascii()]
    if not beyond or re.search(r"[a-z][^\x00-\x7f][a-z]", word):
        return 0.0
    common = sum(_is_common(name, char) for char in beyond)
    return common / len(beyond) if len(beyond) > 1 or len(chunk) <= 3 else 0.0


def _is_common(name: str, char: str) -> bool:
    kind = unicodedata.name(char, "")
    if kind.startswith(("IDEOGRAPHIC", "FULLWIDTH")):
        return True
    is_kana = kind.startswith(("HIRAGANA", "KATAKANA"))
    try:
        code = char.encode("gb2312" if name == "gb18030" else "euc_kr" if name == "cp949" else name)
    except UnicodeEncodeError:
        return False
    if name in ("cp932", "euc_jp"):
        # Kanji of the first level of JIS X 0208 are the common ones; circled digits and some names are beyond it.
        shown = char.encode("cp932", "ignore")
        return is_kana or (len(shown) == 2 and (0x87 <= shown[0] <= 0x98 or shown[0] in (0xED, 0xEE, 0xFA, 0xFB)))
    if is_kana or len(code) != 2:
        return False
    if name == "gb18030":
        return 0xB0 <= code[0] <= 0xD7
    if name == "big5":
        return 0xA4 <= code[0] <= 0xC6
    return kind.startswith("HANGUL")


def _less_messy(text: bytes, names: list[str]) -> str | None:
    """What a library finds that counts odd combinations of characters, where that is plain."""
    from charset_normalizer import from_bytes

    matches = list(from_bytes(text, cp_isolation=names, threshold=0.5))
    rated = sorted((match.chaos, -match.coherence, match.encoding) for match in matches)
    if not rated or (len(rated) > 1 and rated[1][0] - rated[0][0] < 0.05 and rated[0][1] == rated[1][1]):
        return None
    return rated[0][2] if rated[0][2] in names else None
