"""The content of an answer as JSON text, whatever its format."""

import codecs
from collections.abc import Callable

import msgspec

from trayapp.endpoints.model import Endpoint, Header, Response
from trayapp.messages import Message, say
from trayapp.store.records.pages import CellPage
from trayapp.sync.errors import SyncError
from trayapp.sync.formats import legacy_encodings, lines, packed, script, sniff
from trayapp.sync.formats.characters import (
    charset,
    check_utf8,
    decoded,
    is_cut,
    is_rather_utf8,
    is_utf8,
    unicode_encoding,
)
from trayapp.sync.formats.delimited import dialect, reading
from trayapp.sync.formats.delimited.rows import MOST_OF_ROW, BrokenOff, TooLong
from trayapp.sync.formats.faults import (
    broken_off,
    ended_with,
    incomplete,
    not_json,
    not_ready,
    page_instead,
    start_of,
    too_deep,
    unknown_encoding,
    unreadable,
)
from trayapp.sync.formats.lenient_json import OUTLINED
from trayapp.sync.formats.sniff import Format
from trayapp.sync.http.failures import (
    indivisible,
    record_too_large,
    server_message,
    too_large,
    too_many_values,
    too_packed,
)
from trayapp.sync.http.intake import MOST_PACKED, Text, TooPacked, count
from trayapp.sync.http.large import LARGE, MOST
from trayapp.sync.http.links import place_of
from trayapp.sync.http.request import Answer

_SPACE = b" \t\r\n\f\v"
MOST_VALUES = 2_000_000
"""Numbers, texts and so on of an answer that is in memory as a whole, above LARGE bytes."""
_GUARD = b")]}'"
"""Put before JSON by some servers, so that scripts of other sites can't run it."""


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, read: its format, its content as JSON text, and what people should know about its reading.

    `encoding` is that of its characters; `delimiter` stands between the cells of CSV, else it is "".
    `cells` are all records of CSV that are to be found at the top; of these only the first are in `text`. `header` is
    where the names of their fields are to be looked for in other answers.
    """

    format: Format
    text: bytes
    cells: CellPage | None = None
    warnings: tuple[Message, ...] = ()
    encoding: str = "utf-8"
    delimiter: str = ""
    header: Header = "auto"


def read(answer: Answer, endpoint: Endpoint, checked: bool = True) -> Body:
    """The answer as JSON text: a list of objects for NDJSON and CSV, an object for XML, `entries` in one for feeds.

    The format is that of the settings, else told by the Content-Type and the first characters. Raises SyncErrors: for
    a web page, an empty or a wrongly encoded answer, and for what is not of its format.
    checked: every byte of the text is proven to be UTF-8; else `check_records` is to be called for what is used of it.
    """
    if answer.status == 202:
        raise not_ready(answer.url)
    if answer.large is not None and not is_plain_json(answer, endpoint.response):
        answer = answer.whole()
    given = _unpacked(answer, endpoint.limits.bytes.bytes)
    body = given if isinstance(given, bytes) else given[:LARGE]
    if not body or body.isspace():
        return _nothing(answer, endpoint.response)
    warnings: list[Message] = []

    def tell(warning: Message) -> None:
        if warning not in warnings:
            warnings.append(warning)

    encoding, delimiter, cells = endpoint.response.encoding, "", None
    header = endpoint.response.header
    found = _format(body, answer, endpoint.response)
    if found != "csv" or not _is_utf8_text(given, answer, encoding):
        given = body = _held(given, answer.url)
    if found == "xml" or (found == "feed" and _peek(body, 100).startswith(b"<")):
        text, used = _markup_json(body, found, answer, endpoint.response, tell)
    elif found == "csv":
        characters, used = _characters(given, answer, encoding, tell)
        delimiter = endpoint.response.delimiter or _delimiter(characters, answer)
        cells, header = _cells(characters, answer, endpoint, tell, delimiter)
        text = b"[" + b",\n".join(cells[:OUTLINED]) + b"]"
    else:
        text, used = _as_utf8(body, answer, encoding, checked or found == "ndjson", tell)
        text = text.strip(_SPACE)
        if text.startswith(_GUARD):
            text = text.removeprefix(_GUARD).lstrip(_SPACE + b",")
        if found == "json" and text[:1] not in (b"[", b"{"):
            text = script.data(text) or text
        if found == "ndjson":
            text = _lines_json(text, answer)
    return Body(
        format=found,
        text=text,
        cells=cells,
        warnings=tuple(warnings),
        encoding=codecs.lookup(used).name,
        delimiter=delimiter,
        header=header,
    )


def _is_utf8_text(body: Text, answer: Answer, encoding: str | None) -> bool:
    """Whether it can be read from its file as it is."""
    given = unicode_encoding(body[:4]) or encoding or charset(answer.headers)
    if given is not None and not is_utf8(given):
        return False
    try:
        check_utf8(body)
    except UnicodeDecodeError:
        return False
    return True


def _held(body: Text, url: str) -> bytes:
    """All of it in memory. SyncError where that would be too much, or more than fits into it once it is taken apart."""
    if len(body) <= LARGE:
        return body[:]
    if len(body) > MOST:
        raise indivisible(url, MOST)
    signs = b"<=" if _peek(body[:100]).startswith(b"<") else b","
    if sum(count(body, signs[place : place + 1]) for place in range(len(signs))) > MOST_VALUES:
        raise too_many_values(url, MOST_VALUES)
    return body if isinstance(body, bytes) else body[:]


def _nothing(answer: Answer, response: Response) -> Body:
    """No lines are an empty listing, where lines are expected; elsewhere an empty answer is a mistake."""
    if response.format == "ndjson" or (response.format == "auto" and sniff.is_lines_type(answer.headers)):
        return Body(format="ndjson", text=b"[]")
    raise SyncError(
        say("The response is empty"),
        say("{address} sent nothing.", address=place_of(answer.url)),
        say("Check the address."),
        code="empty",
        field="url",
    )


def is_plain_json(answer: Answer, response: Response) -> bool:
    """Whether the body is read as it came: then its list may be shorter than what the server sent."""
    given = response.encoding or charset(answer.headers)
    utf8 = unicode_encoding(answer.body) is None and (given is None or is_utf8(given))
    format = "ndjson" if answer.large is not None and answer.large.is_lines else "json"
    return utf8 and response.format in ("auto", format) and answer.body[:1] in (b"[", b"{")


def _unpacked(answer: Answer, limit: int) -> Text:
    sent = answer.body if answer.kept is None else answer.kept
    encodings = {coding.strip() for coding in answer.headers.get("Content-Encoding", "").lower().split(",")}
    try:
        body = packed.unpacked(sent, limit)
    except TooPacked:
        raise too_packed(answer.url, MOST_PACKED) from None
    except packed.TooLarge:
        raise too_large(say("The unpacked file is larger than the limit of {limit} bytes.", limit=limit)) from None
    except packed.BrokenOff as error:
        raise broken_off(say("{address}: {reason}", address=place_of(answer.url), reason=error.why)) from None
    except packed.Unusable as error:
        raise SyncError(
            say("The file can't be unpacked"),
            say("{address}: {reason}", address=place_of(answer.url), reason=error.why),
            say("Check the address."),
            code="format",
        ) from None
    unknown = encodings - {"", "identity", "gzip", "x-gzip", "deflate", "br", "zstd"}
    if unknown and body is sent:
        raise SyncError(
            say("The response is compressed in an unknown way"),
            say("{address} compressed it with “{encoding}”.", address=place_of(answer.url), encoding=min(unknown)),
            say("Set the request header Accept-Encoding: gzip."),
            code="format",
            field="request.headers",
        )
    return body


def _format(body: bytes, answer: Answer, response: Response) -> Format:
    """The format to read the body as. Raises SyncError for a web page, and where data of another kind came."""
    start = _peek(body)
    if start.startswith(b"<") and sniff.is_markup(start):
        raise page_instead(start, answer.url)
    if response.format == "auto":
        return sniff.sniffed(_peek(body, len(body)), answer.headers, answer.url)
    wanted = response.format
    if start.startswith(b"<") and wanted in ("json", "ndjson"):
        raise SyncError(
            say("The response is XML, not JSON"),
            say("{address} sent XML, but response.format is {format}.", address=place_of(answer.url), format=wanted),
            say('Set response.format to "auto".'),
            code="format",
            field="response.format",
        )
    if wanted == "csv" and sniff.media_type(answer.headers).endswith("json"):
        raise SyncError(
            say("The response is JSON, not CSV"),
            say("{address} sent {start}.", address=place_of(answer.url), start=start_of(start)),
            say("Check the address. The server may be reporting a problem."),
            code="format",
            field="response.format",
        )
    return wanted


def _peek(body: bytes, size: int = 20_000) -> bytes:
    """The first bytes in UTF-8, outer space trimmed, for a look at what it is."""
    encoding = unicode_encoding(body)
    if encoding is not None:
        return body[:size].decode(encoding, "ignore").lstrip("\ufeff").encode().strip(_SPACE)
    return body[:size].strip(_SPACE) if size < len(body) else body.strip(_SPACE)


def _as_utf8(
    body: bytes, answer: Answer, encoding: str | None, checked: bool, tell: Callable[[Message], None]
) -> tuple[bytes, str]:
    """JSON is UTF-8 (RFC 8259 section 8.1), unless a byte order mark, the server or the settings say otherwise."""
    given = unicode_encoding(body) or encoding or _said(body, answer, tell)
    try:
        if given is not None and not is_utf8(given):
            text, used = decoded(body, given, meant=encoding is not None)
            return text.encode(), used
        if checked:
            check_utf8(body)
        return body, "utf-8"
    except (LookupError, UnicodeError):
        if given is None and is_cut(body.rstrip(_SPACE)):
            raise incomplete(answer.url, "UTF-8") from None
        raise unreadable(answer.url, given or "UTF-8") from None


def _said(body: bytes, answer: Answer, tell: Callable[[Message], None]) -> str | None:
    """The encoding that the server names, unless the text itself tells that it is UTF-8."""
    said = charset(answer.headers)
    if said is None or not is_rather_utf8(body, said):
        return said
    tell(say("The server says that the text is {encoding}, but it is UTF-8, and was read as such.", encoding=said))
    return None


def _characters(body: Text, answer: Answer, encoding: str | None, tell: Callable[[Message], None]) -> tuple[Text, str]:
    """In UTF-8 what names no encoding itself: it is read as said, else as UTF-8, else as its words tell."""
    if not isinstance(body, bytes):
        return body, "utf-8"  # else it would be in memory
    given = unicode_encoding(body) or encoding or _said(body, answer, tell)
    if given is not None and not is_utf8(given):
        try:
            text, used = decoded(body, given, meant=encoding is not None)
        except (LookupError, UnicodeError):
            raise unreadable(answer.url, given) from None
        return text.encode(), used
    try:
        check_utf8(body)
        return body, "utf-8"
    except UnicodeDecodeError:
        if encoding is not None:
            raise unreadable(answer.url, encoding) from None
    if is_cut(body.rstrip(_SPACE)):
        raise incomplete(answer.url, "UTF-8")
    found = legacy_encodings.guessed(body)
    if found is None:
        raise unknown_encoding(answer.url)
    tell(
        say(
            "The text is not UTF-8, so it was read as {encoding}. If letters look wrong, set response.encoding.",
            encoding=legacy_encodings.LABELS[found],
        )
    )
    return body.decode(found).encode(), found


def _markup_json(
    body: bytes, found: Format, answer: Answer, response: Response, tell: Callable[[Message], None]
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
            say("The response is not a feed"),
            say("{address} sent XML that begins with <{name}>.", address=place_of(answer.url), name=str(error)),
            say('Set response.format to "xml".'),
            code="format",
            field="response.format",
        ) from None
    except xml.Refused as error:
        raise SyncError(
            say("The XML can't be read"),
            say("{address}: {reason}", address=place_of(answer.url), reason=error.why),
            say("Check the address."),
            code="format",
        ) from None
    except xml.NotXml as error:
        if str(error).startswith(("no element found", "unclosed")):
            raise incomplete(answer.url, "XML") from None
        raise SyncError(
            say("The response is not XML"),
            say("The response from {address} has a mistake: {error}.", address=place_of(answer.url), error=str(error)),
            say("Check the address, or set response.format."),
            code="format",
            field="response.format",
        ) from None


def _xml_characters(body: bytes, encoding: str | None, url: str) -> tuple[str, str]:
    """As a byte order mark, the settings or the server say (RFC 7303 section 3), else as the document itself does."""
    from trayapp.sync.formats import xml

    declared = xml.declared_encoding(body)
    for name in (encoding, declared, "utf-8"):
        if name is None:
            continue
        try:
            return (body.decode("utf-8-sig"), "utf-8") if is_utf8(name) else decoded(body, name)
        except (LookupError, UnicodeError):
            continue
    raise unreadable(url, encoding or declared or "UTF-8")


def _delimiter(body: Text, answer: Answer) -> str:
    text = dialect.sample(body)
    is_tabs = sniff.media_type(answer.headers) == "text/tab-separated-values"
    return dialect.declared(text) or ("\t" if is_tabs else dialect.dialect(text).delimiter)


def _cells(
    body: Text, answer: Answer, endpoint: Endpoint, tell: Callable[[Message], None], delimiter: str
) -> reading.Table:
    response, address = endpoint.response, place_of(answer.url)
    layout = reading.Layout(response.header, response.skip, endpoint.table.types)
    try:
        return reading.read(body, tell, delimiter, layout)
    except TooLong:
        raise record_too_large(answer.url, MOST_OF_ROW) from None
    except BrokenOff:
        raise broken_off(say("In the text from {address}, the last quoted cell has no end.", address=address)) from None
    except reading.NothingThere as error:
        field = "response.skip" if response.header in ("auto", "none") else "response.header"
        raise SyncError(
            say("There is no table where the settings say"),
            say("The text from {address} has nothing on line {line}.", address=address, line=error.line),
            say("Correct {setting}.", setting=field),
            code="format",
            field=field,
        ) from None


def _lines_json(text: bytes, answer: Answer) -> bytes:
    try:
        values = lines.to_json(text)
    except lines.BadLine as error:
        if error.last:
            raise incomplete(answer.url, "JSON") from None
        cause = say(
            "Line {number} from {address} begins with {start}.",
            number=error.number,
            address=place_of(answer.url),
            start=start_of(error.start),
        )
        raise not_json(cause) from None
    except RecursionError:
        raise too_deep(answer.url) from None
    if (complaint := lines.complaint(values)) is not None:
        raise ended_with(server_message(complaint, {}), answer.url)
    return values
