"""From an answer's bytes to its records, each still the bytes of one JSON object."""

import codecs
import re
import textwrap
from collections.abc import Mapping
from typing import Any

import msgspec

from trayapp.sync.errors import AuthError, SyncError, TransientError
from trayapp.sync.http import Answer
from trayapp.sync.links import place_of

_raw_list = msgspec.json.Decoder(list[msgspec.Raw])
_raw_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def json_text(answer: Answer, encoding: str | None) -> bytes:
    """The answer as UTF-8 JSON text. Raises SyncError for a web page, an empty or a wrongly encoded answer.

    JSON is UTF-8 (RFC 8259 section 8.1); a byte order mark, the charset the server names, or the `encoding` from the
    settings says otherwise.
    """
    body = answer.body
    for bom, name in _BOMS:
        if body.startswith(bom):
            body = _recoded(body, name, answer)
            break
    else:
        declared = encoding or _charset(answer.headers)
        if declared and codecs_name(declared) not in ("utf-8", "ascii"):
            body = _recoded(body, declared, answer)
    body = body.strip()
    if not body:
        raise SyncError("The answer is empty", f"{place_of(answer.url)} sent nothing.", "Check the address.")
    if body.startswith(b"<"):
        raise _page_instead(body, answer)
    return body


def codecs_name(encoding: str) -> str:
    """Python's name for an encoding, or the name itself when it is unknown."""
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return encoding.lower()


def _charset(headers: Mapping[str, str]) -> str | None:
    found = re.search(r"charset\s*=\s*\"?([\w-]+)", headers.get("Content-Type", ""), re.IGNORECASE)
    return found[1] if found else None


def _recoded(body: bytes, encoding: str, answer: Answer) -> bytes:
    try:
        return body.decode(encoding).encode()
    except (LookupError, UnicodeError) as error:
        raise SyncError(
            "The answer's characters can't be read",
            f"{place_of(answer.url)} says its text is {encoding}, but it is not.",
            "Set response.encoding for this endpoint, for example to latin-1.",
        ) from error


def _page_instead(body: bytes, answer: Answer) -> SyncError:
    text = body[:20_000].decode("utf-8", "replace")
    title = re.search(r"<title[^>]*>\s*([^<]{1,100})", text, re.IGNORECASE)
    named = f" titled “{' '.join(title[1].split())}”" if title else ""
    if re.match(r"\s*<(\?xml|rss|feed)", text, re.IGNORECASE):
        return SyncError("The answer is XML", "XML and feeds are not supported yet.", "Ask the API for JSON.")
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


def split_records(text: bytes, path: str, url: str) -> list[bytes]:
    """The records at `path` ("" is the whole body, else dotted or "jmes:…"), each as the bytes of a JSON object.

    Raises SyncError when there is no list of objects.
    """
    try:
        if path.startswith("jmes:"):
            found = _searched(parse(text, url), path.removeprefix("jmes:"))
            records = [msgspec.json.encode(item) for item in found]
        else:
            raw = msgspec.Raw(text)
            for part in path.split(".") if path else ():
                level = _raw_object.decode(raw)
                if part not in level:
                    raise _no_list(path, url, f"there is no {part!r} in the answer")
                raw = level[part]
            if bytes(memoryview(raw)[:1]) == b"{" and not path:
                records = [bytes(raw)]
            else:
                records = [bytes(item) for item in _raw_list.decode(raw)]
    except msgspec.ValidationError:
        raise _no_list(path, url, "what stands there is no list") from None
    except msgspec.DecodeError as error:
        records = _lenient(text, path, url, error)
    except RecursionError:
        raise _too_deep(url) from None
    for record in records:
        if record[:1] != b"{":
            raise _no_list(path, url, f"the list holds {_kind(record)}, not objects")
    return records


def parse(text: bytes, url: str) -> Any:
    """The whole body as Python values. Raises SyncError when it is no JSON; NaN and lone surrogates are let through."""
    import json

    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        try:
            return json.loads(text)
        except RecursionError:
            raise _too_deep(url) from None
        except ValueError:
            raise _no_json(text, url, error) from None
    except RecursionError:
        raise _too_deep(url) from None


def _lenient(text: bytes, path: str, url: str, error: Exception) -> list[bytes]:
    import json

    value = parse(text, url)
    for part in path.split(".") if path else ():
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, dict) and not path:
        value = [value]
    if not isinstance(value, list):
        raise _no_list(path, url, "what stands there is no list") from error
    return [json.dumps(item).encode() for item in value]


def _searched(value: Any, expression: str) -> list[Any]:
    import jmespath

    found = jmespath.search(expression, value)
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def _kind(record: bytes) -> str:
    first = record[:1]
    return "lists" if first == b"[" else "texts" if first == b'"' else "nothing" if first == b"n" else "single values"


def _too_deep(url: str) -> SyncError:
    return SyncError(
        "The answer is nested too deeply", f"{place_of(url)} sent more levels than can be read.", "Check the address."
    )


def _no_json(text: bytes, url: str, error: Exception) -> SyncError:
    if "truncated" in str(error):
        return TransientError(
            "The answer breaks off", f"{place_of(url)} sent incomplete JSON.", "It is tried again by itself."
        )
    # Whole words only: half a token that the server repeats would not be known for a secret.
    words = text[:2000].decode("utf-8", "replace")
    start = textwrap.shorten(words, 60, placeholder=" …", break_long_words=False, break_on_hyphens=False)
    return SyncError(
        "The answer is not JSON", f"{place_of(url)} sent something that begins with “{start}”.", "Check the address."
    )


def _no_list(path: str, url: str, why: str) -> SyncError:
    place = f"at {path!r}" if path else "in the answer"
    return SyncError(
        "The answer has no list of records",
        f"{place_of(url)}: {why} {place}." if path else f"{place_of(url)}: {why}.",
        "Check the address, or set response.records to where the list is.",
    )
