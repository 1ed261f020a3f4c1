"""From an answer's bytes to JSON text, whatever its format, and from that to its records."""

import codecs
import functools
import itertools
import json
import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from trayapp.endpoints.model import Endpoint, Response
from trayapp.endpoints.paths import RecordsPath, parse_records_path
from trayapp.store.cells import Cells
from trayapp.sync import selection
from trayapp.sync.errors import AuthError, SyncError, TransientError
from trayapp.sync.formats import delimited, lines, packed, sniff
from trayapp.sync.formats.characters import charset, check_utf8, is_utf8, unicode_encoding
from trayapp.sync.formats.rows import BrokenOff
from trayapp.sync.formats.sniff import Format
from trayapp.sync.http import Answer
from trayapp.sync.links import place_of

_SPACE = b" \t\r\n\f\v"
_OUTLINED = 100
MOST_LEVELS = 500
"""Of arrays and objects in each other in a record: what every Python can read, and SQLite's JSON functions, too."""
_raw_list = msgspec.json.Decoder(list[msgspec.Raw])
_GUARD = b")]}'"
"""Put before JSON by some servers, so that scripts of other sites can't run it."""


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, read: its format, its content as JSON text, and what people should know about its reading.

    `encoding` is that of its characters; `delimiter` stands between the cells of CSV, else it is "".
    `cells` are all records of CSV that are to be found at the top; of these only the first are in `text`.
    """

    format: Format
    text: bytes
    cells: Cells | None = None
    warnings: tuple[str, ...] = ()
    encoding: str = "utf-8"
    delimiter: str = ""


def read(answer: Answer, endpoint: Endpoint, checked: bool = True) -> Body:
    """The answer as JSON text: a list of objects for NDJSON and CSV, an object for XML, `entries` in one for feeds.

    The format is that of the settings, else told by the Content-Type and the first characters. Raises SyncErrors: for
    a web page, an empty or a wrongly encoded answer, and for what is not of its format.
    checked: every byte of the text is proven to be UTF-8; else `check_records` is to be called for what is used of it.
    """
    if answer.large is not None and not _is_plain_json(answer, endpoint.response):
        answer = answer.whole()
    body = _unpacked(answer, endpoint.limits.bytes.bytes)
    if not body or body.isspace():
        return _nothing(answer, endpoint.response)
    warnings: list[str] = []
    encoding, delimiter, cells = endpoint.response.encoding, "", None
    found = _format(body, answer, endpoint.response)
    if found in ("xml", "feed"):
        text, used = _markup_json(body, found, answer, endpoint.response, warnings.append)
    elif found == "csv":
        characters, used = _characters(body, answer, encoding, warnings.append)
        delimiter = endpoint.response.delimiter or _delimiter(characters, answer)
        cells = _cells(characters, answer, warnings.append, delimiter)
        text = b"[" + b",\n".join(cells[:_OUTLINED]) + b"]"
    else:
        text, used = _as_utf8(body, answer, encoding, checked or found == "ndjson")
        text = text.strip(_SPACE)
        if text.startswith(_GUARD):
            text = text.removeprefix(_GUARD).lstrip(_SPACE + b",")
        if found == "ndjson":
            text = _lines_json(text, answer)
    return Body(
        format=found,
        text=text,
        cells=cells,
        warnings=tuple(dict.fromkeys(warnings)),
        encoding=codecs.lookup(used).name,
        delimiter=delimiter,
    )


def _nothing(answer: Answer, response: Response) -> Body:
    """No lines are an empty listing, where lines are expected; elsewhere an empty answer is a mistake."""
    if response.format == "ndjson" or (response.format == "auto" and sniff.is_lines_type(answer.headers)):
        return Body(format="ndjson", text=b"[]")
    raise SyncError("The answer is empty", f"{place_of(answer.url)} sent nothing.", "Check the address.")


def _is_plain_json(answer: Answer, response: Response) -> bool:
    """Whether the body is read as it came: then its list may be shorter than what the server sent."""
    given = response.encoding or charset(answer.headers)
    utf8 = unicode_encoding(answer.body) is None and (given is None or is_utf8(given))
    return utf8 and response.format in ("auto", "json") and answer.body[:1] in (b"[", b"{")


def is_large_list(answer: Answer, response: Response, path: str) -> bool:
    """Whether the records at `path` are those of which some are left out of a large answer's body.

    If not, `Answer.whole` is to be read.
    """
    if answer.large is None or path.startswith("jmes:") or not _is_plain_json(answer, response):
        return False
    try:
        return split_records(answer.large.sample(), path, answer.url) == [b"{}"]
    except SyncError:
        return False


def _unpacked(answer: Answer, limit: int) -> bytes:
    encodings = answer.headers.get("Content-Encoding", "").strip().lower()
    try:
        body = packed.unpacked(answer.body, limit)
    except packed.TooLarge:
        raise SyncError(
            "The server sends too much",
            f"What the file unpacks to is larger than the limit of {limit:,} bytes.",
            "Raise limits.bytes if that is expected.",
        ) from None
    except packed.BrokenOff as error:
        raise TransientError("The answer breaks off", f"{place_of(answer.url)}: {error}.", _AGAIN) from None
    except packed.Unusable as error:
        raise SyncError(
            "The file can't be unpacked", f"{place_of(answer.url)}: {error}.", "Check the address."
        ) from None
    if encodings not in ("", "identity", "gzip", "x-gzip", "deflate", "br", "zstd") and body is answer.body:
        raise SyncError(
            "The answer is compressed in an unknown way",
            f"{place_of(answer.url)} sent it as {encodings!r}.",
            "Ask for another way with the header Accept-Encoding: gzip.",
        )
    return body


_AGAIN = "It is tried again by itself."


def _format(body: bytes, answer: Answer, response: Response) -> Format:
    """The format to read the body as. Raises SyncError for a web page, and where data of another kind came."""
    start = _peek(body)
    if start.startswith(b"<") and sniff.is_markup(start):
        raise _page_instead(start, answer)
    if response.format == "auto":
        return sniff.sniffed(_peek(body, len(body)), answer.headers, answer.url)
    wanted = response.format
    if start.startswith(b"<") and wanted in ("json", "ndjson"):
        raise SyncError(
            "The answer is XML, not JSON",
            f"{place_of(answer.url)} sent it although response.format is {wanted}.",
            'Set response.format to "auto".',
        )
    if wanted == "csv" and sniff.media_type(answer.headers).endswith("json"):
        raise SyncError(
            "The answer is JSON, not CSV",
            f"{place_of(answer.url)} sent: {_start(start)}",
            "Check the address; the server may want to tell of a problem.",
        )
    return wanted


def _peek(body: bytes, size: int = 20_000) -> bytes:
    """The first bytes in UTF-8, outer space trimmed, for a look at what it is."""
    encoding = unicode_encoding(body)
    if encoding is not None:
        return body[:size].decode(encoding, "ignore").lstrip("\ufeff").encode().strip(_SPACE)
    return body[:size].strip(_SPACE) if size < len(body) else body.strip(_SPACE)


def own_records(records: Iterable[bytes], path: str, url: str) -> list[bytes]:
    """The records that `cut_records` gave, as bytes of their own. Raises SyncError when one is no object."""
    owned = list(map(bytes, records))
    try:
        selection.check_objects(owned)
    except selection.NoRecords as error:
        raise _no_list(path, url, str(error), error.hint) from None
    return owned


def check_records(records: Sequence[bytes], url: str) -> None:
    """Raise SyncError when one is not UTF-8, or has more than MOST_LEVELS."""
    try:
        check_utf8(b"\n".join(records))
    except UnicodeDecodeError:
        raise _unreadable(url, "UTF-8") from None
    if any(len(record) > 2 * MOST_LEVELS and _levels(record) > MOST_LEVELS for record in records):
        raise _too_deep(url)


def _levels(text: bytes) -> int:
    """How many arrays and objects are at most open at once in JSON; its number of brackets where that is few."""
    if (count := text.count(b"[") + text.count(b"{")) <= MOST_LEVELS:
        return count
    brackets = re.findall(rb"[\[{\]}]", re.sub(rb'"[^"\\]*(?:\\.[^"\\]*)*"', b"", text, flags=re.DOTALL))
    return max(itertools.accumulate(1 if bracket in b"[{" else -1 for bracket in brackets), default=0)


def _as_utf8(body: bytes, answer: Answer, encoding: str | None, checked: bool) -> tuple[bytes, str]:
    """JSON is UTF-8 (RFC 8259 section 8.1), unless a byte order mark, the server or the settings say otherwise."""
    given = unicode_encoding(body) or encoding or charset(answer.headers)
    try:
        if given is not None and not is_utf8(given):
            return body.decode(given).encode(), given
        if checked:
            check_utf8(body)
        return body, "utf-8"
    except (LookupError, UnicodeError):
        raise _unreadable(answer.url, given or "UTF-8") from None


def _characters(body: bytes, answer: Answer, encoding: str | None, tell: Callable[[str], None]) -> tuple[bytes, str]:
    """In UTF-8 what names no encoding itself: it is read as said, else as UTF-8, else as Windows writes it."""
    given = unicode_encoding(body) or encoding or charset(answer.headers)
    if given is not None and not is_utf8(given):
        try:
            return body.decode(given).encode(), given
        except (LookupError, UnicodeError):
            raise _unreadable(answer.url, given) from None
    try:
        check_utf8(body)
        return body, "utf-8"
    except UnicodeDecodeError:
        if encoding is not None:
            raise _unreadable(answer.url, encoding) from None
    tell("The text is not UTF-8; it was read as Windows-1252. If letters look wrong, set response.encoding.")
    try:
        return body.decode("cp1252").encode(), "cp1252"
    except UnicodeDecodeError:
        return body.decode("latin-1").encode(), "latin-1"


def _markup_json(
    body: bytes, found: Format, answer: Answer, response: Response, tell: Callable[[str], None]
) -> tuple[bytes, str]:
    from trayapp.sync.formats import feed, xml

    encoding = unicode_encoding(body) or response.encoding or charset(answer.headers)
    try:
        text, used = _xml_characters(body, encoding, answer.url)
        if found == "feed":
            return feed.to_json(text.strip(), tell), used
        return msgspec.json.encode(xml.to_value(text.strip())), used
    except feed.NoFeed as error:
        raise SyncError(
            "The answer is no feed", f"{place_of(answer.url)} sent XML that begins with <{error}>.", 'Try format "xml".'
        ) from None
    except xml.Refused as error:
        raise SyncError("The XML is not read", f"{place_of(answer.url)}: {error}.", "Check the address.") from None
    except xml.NotXml as error:
        if str(error).startswith(("no element found", "unclosed")):
            raise TransientError(
                "The answer breaks off", f"{place_of(answer.url)} sent incomplete XML.", _AGAIN
            ) from None
        raise SyncError(
            "The answer is not XML",
            f"{place_of(answer.url)} sent something with a mistake in it ({error}).",
            "Check the address, or set response.format.",
        ) from None


def _xml_characters(body: bytes, encoding: str | None, url: str) -> tuple[str, str]:
    """As a byte order mark, the settings or the server say (RFC 7303 section 3), else as the document itself does."""
    from trayapp.sync.formats import xml

    declared = xml.declared_encoding(body)
    for name in (encoding, declared, "utf-8"):
        if name is None:
            continue
        try:
            return (body.decode("utf-8-sig"), "utf-8") if is_utf8(name) else (body.decode(name), name)
        except (LookupError, UnicodeError):
            continue
    raise _unreadable(url, encoding or declared or "UTF-8")


def _delimiter(body: bytes, answer: Answer) -> str:
    text = delimited.sample(body)
    is_tabs = sniff.media_type(answer.headers) == "text/tab-separated-values"
    return delimited.declared(text) or ("\t" if is_tabs else delimited.dialect(text).delimiter)


def _cells(body: bytes, answer: Answer, tell: Callable[[str], None], delimiter: str) -> Cells:
    try:
        return delimited.read(body, tell, delimiter)
    except BrokenOff as error:
        raise TransientError("The answer breaks off", f"{place_of(answer.url)}: {error}.", _AGAIN) from None


def _lines_json(text: bytes, answer: Answer) -> bytes:
    try:
        return lines.to_json(text)
    except lines.BadLine as error:
        if error.last:
            raise TransientError(
                "The answer breaks off", f"{place_of(answer.url)} sent incomplete JSON.", _AGAIN
            ) from None
        raise SyncError(
            "The answer is not JSON",
            f"{place_of(answer.url)} sent in line {error.number:,}: {_start(error.start)}",
            "Check the address.",
        ) from None
    except RecursionError:
        raise _too_deep(answer.url) from None


def _unreadable(url: str, encoding: str) -> SyncError:
    return SyncError(
        "The answer's characters can't be read",
        f"The text of {place_of(url)} should be {encoding}, but it is not.",
        "Set response.encoding for this endpoint, for example to latin-1.",
    )


def _page_instead(start: bytes, answer: Answer) -> SyncError:
    text = start.decode("utf-8", "replace")
    title = re.search(r"<title[^>]*>\s*([^<]{1,100})", text, re.IGNORECASE)
    named = f" titled “{' '.join(title[1].split())}”" if title else ""
    if re.search(r"type\s*=\s*[\"']?password", text, re.IGNORECASE):
        return AuthError(
            "The server wants a sign-in",
            f"{place_of(answer.url)} sent a sign-in page{named} instead of data.",
            "Choose the right authentication for this endpoint.",
        )
    return SyncError(
        "The answer is a web page, not data",
        f"{place_of(answer.url)} sent HTML{named}.",
        "Use the address of the API, not of the page that shows the data.",
    )


def records_of(
    body: Body, path: str, url: str, split: "Callable[[bytes, str, str], Sequence[bytes]] | None" = None
) -> Sequence[bytes]:
    """The records of an answer as `split` gives them, which is `split_records`; but rows of cells still as such."""
    if body.cells is not None and not path:
        return body.cells
    text = body.text if body.cells is None else b"[" + b",".join(body.cells) + b"]"
    return (split or split_records)(text, path, url)


def split_records(text: bytes, path: str, url: str) -> list[bytes]:
    """The records at `path` (see endpoints.paths, or "jmes:…"), each as the bytes of a JSON object.

    Raises SyncError when there are none, which is not the same as an empty list.
    """
    return list(_split(text, path, url, selection.select))


def cut_records(text: bytes, path: str, url: str) -> Sequence[bytes]:
    """Like `split_records`, only faster: a record may be a view of the text. `own_records` is for those that are used.

    A view keeps the whole text in memory.
    """
    return _split(text, path, url, selection.cut)


def _split(text: bytes, path: str, url: str, split: Callable[[bytes, RecordsPath], Sequence[bytes]]) -> Sequence[bytes]:
    if path.startswith("jmes:"):
        return _searched(text, path.removeprefix("jmes:"), url)
    try:
        where = _compiled(path)
    except ValueError as error:
        raise _no_list(path, url, str(error)) from None
    try:
        return split(text, where)
    except selection.NoRecords as error:
        raise _no_list(path, url, str(error), error.hint) from None
    except RecursionError:
        raise _too_deep(url) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _from_mended(text, where, path, url, error)


@functools.lru_cache(100)
def _compiled(path: str) -> RecordsPath:
    return parse_records_path(path)


def _from_mended(text: bytes, where: RecordsPath, path: str, url: str, error: Exception) -> list[bytes]:
    mended = msgspec.json.encode(_loads(text, url, error))
    try:
        return selection.select(mended, where)
    except selection.NoRecords as no:
        raise _no_list(path, url, str(no), no.hint) from None
    except RecursionError:
        raise _too_deep(url) from None


def parse(text: bytes, url: str) -> Any:
    """The whole body as Python values. Raises SyncError when it is no JSON; NaN and lone surrogates are let through."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return msgspec.json.decode(msgspec.json.encode(_loads(text, url, error)))
    except RecursionError:
        raise _too_deep(url) from None


def outline(text: bytes, url: str) -> Any:
    """As `parse`, but of a list only the first items: enough to tell what kind of answer it is."""
    if text[:1] != b"[":
        return parse(text, url)
    try:
        return [msgspec.json.decode(item) for item in _raw_list.decode(text)[:_OUTLINED]]
    except (msgspec.DecodeError, RecursionError):
        return parse(text, url)


def _loads(text: bytes, url: str, error: Exception) -> Any:
    """What the strict parser refuses but servers send: NaN and Infinity become null, lone surrogates U+FFFD.

    Numbers stay as they are written, for msgspec to encode.
    """
    try:
        value = json.loads(
            text.decode(), parse_constant=lambda _: None, parse_float=_token, parse_int=_token, strict=False
        )
        return _clean(value)
    except RecursionError:
        raise _too_deep(url) from None
    except UnicodeDecodeError:
        raise _unreadable(url, "UTF-8") from None
    except ValueError:
        raise _no_json(text, url, error) from None


def _token(number: str) -> msgspec.Raw:
    return msgspec.Raw(number.encode())


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(name): _clean(item) for name, item in value.items()}
    return value


def _searched(text: bytes, expression: str, url: str) -> list[bytes]:
    import jmespath

    try:
        value = _exact.decode(text)
    except RecursionError:
        raise _too_deep(url) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        value = parse(text, url)
    found = jmespath.search(expression, value)
    items = found if isinstance(found, list) else [] if found is None else [found]
    records = [msgspec.json.encode(item) for item in items]
    if any(record[:1] != b"{" for record in records):
        raise _no_list(f"jmes:{expression}", url, "what it gives are not all objects")
    return records


def _exact_float(number: str) -> float | str:
    """A double where it holds the number exactly, else the number's digits: what the table would hold, too."""
    real = float(number)
    return real if Decimal(number) == Decimal(repr(real)) else number


_exact = msgspec.json.Decoder(float_hook=_exact_float)


def _too_deep(url: str) -> SyncError:
    return SyncError(
        "The answer is nested too deeply", f"{place_of(url)} sent more levels than can be read.", "Check the address."
    )


def _no_json(text: bytes, url: str, error: Exception) -> SyncError:
    if "truncated" in str(error):
        return TransientError("The answer breaks off", f"{place_of(url)} sent incomplete JSON.", _AGAIN)
    return SyncError(
        "The answer is not JSON",
        f"{place_of(url)} sent something that begins with {_start(text)}.",
        "Check the address.",
    )


def _start(text: bytes) -> str:
    # Whole words only: half a token that the server repeats would not be known for a secret.
    words = text[:2000].decode("utf-8", "replace")
    start = textwrap.shorten(words, 60, placeholder=" …", break_long_words=False, break_on_hyphens=False)
    return f"“{start}”"


def _no_list(path: str, url: str, why: str, hint: str = "") -> SyncError:
    place = f" at {path!r}" if path else ""
    return SyncError(
        "The answer has no list of records",
        f"{place_of(url)}{place}: {why}.",
        hint or "Check the address, or set response.records to where the list is.",
    )
