"""What answers are written in, and packed with."""

import csv
import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from xml.sax.saxutils import escape

import brotli

from tests.server import Reply, html, raw
from tests.shapes.paging import listing
from tests.shapes.shape import Record, Records, Shape, answering

_EXPAND = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><a><i><id>1</id><n>&c;</n></i><i/></a>'


def _lines(records: Records) -> bytes:
    return b"".join(json.dumps(each, ensure_ascii=False).encode() + b"\n" for each in records)


def _json(records: Records) -> bytes:
    return json.dumps(list(records), ensure_ascii=False).encode()


def _csv(records: Records, encoding: str = "utf-8", **options: Any) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]), **options)
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode(encoding)


def _zip(name: str, *contents: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"{number or ''}{name}", content)
    return file.getvalue()


def _rss(records: Records) -> bytes:
    items = "".join(
        f"<item><guid>{each['id']}</guid><title>{escape(each['name'])}</title><category>a &amp; b</category></item>"
        for each in records
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>{items}</channel></rss>'.encode()


def _rdf(records: Records) -> bytes:
    items = "".join(f'<item rdf:about="u{each["id"]}"><title>{escape(each["name"])}</title></item>' for each in records)
    start = '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">'
    return f'{start}<channel rdf:about="c"><title>t</title></channel>{items}</rdf:RDF>'.encode()


def _atom(records: Records) -> bytes:
    entries = "".join(
        f"<entry><id>{each['id']}</id><title>{escape(each['name'])}</title><updated>2024-02-02T00:00:00Z</updated>"
        f'<link rel="alternate" href="https://example.org/{each["id"]}"/></entry>'
        for each in records
    )
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><id>f</id>{entries}</feed>'.encode()


def _atom_rows(records: Records) -> list[Record]:
    return [
        {
            "id": str(each["id"]),
            "title": each["name"],
            "updated": "2024-02-02T00:00:00Z",
            "link": f"https://example.org/{each['id']}",
        }
        for each in records
    ]


def _xml(records: Records) -> bytes:
    items = "".join(
        f'<item id="{each["id"]}"><name>{escape(each["name"])}</name><price>{each["price"]}</price></item>'
        for each in records
    )
    return f'<?xml version="1.0" encoding="utf-8"?>\n<shop><items>{items}</items></shop>'.encode()


def _xml_rows(records: Records) -> list[Record]:
    return [{name: each[name] for name in ("id", "name", "price")} for each in records]


def _encoded(name: str, pack: Callable[[bytes], bytes]) -> Any:
    return answering(lambda records: raw(pack(_json(records))).with_headers(Content_Encoding=name))


def _typed(body: Callable[[Records], bytes], kind: str) -> Any:
    return answering(lambda records: raw(body(records), kind))


def _zstd(body: bytes) -> bytes:
    try:
        from compression import zstd
    except ImportError:
        from backports import zstd
    return bytes(zstd.compress(body))


def _csv_with_breaks(records: Records) -> bytes:
    return b"\xef\xbb\xbf" + _csv([{**each, "note": 'a "b",\r\nc'} for each in records], lineterminator="\r\n")


def _csv_pages(records: Callable[[], Records]) -> Any:
    def handler(seen: Any) -> Reply:
        start = int(seen.param("from", "0"))
        page = raw(_csv(records()[start : start + 10]), "text/csv")
        more = start + 10 < len(records())
        return page.with_headers(**({"Link": f'<{seen.path}?from={start + 10}>; rel="next"'} if more else {}))

    return handler


def _gzipped_pages(records: Callable[[], Records]) -> Any:
    pages = listing(pages="link")(records)

    def handler(seen: Any) -> Reply:
        reply = pages(seen)
        return replace(reply, body=gzip.compress(reply.body)).with_headers(Content_Encoding="gzip")

    return handler


FORMATS: dict[str, Shape] = {
    "NDJSON": Shape(_typed(_lines, "application/x-ndjson")),
    "NDJSON without saying so": Shape(_typed(_lines, "text/plain")),
    "JSON text sequence": Shape(
        _typed(lambda r: b"".join(b"\x1e" + line + b"\n" for line in _lines(r).splitlines()), "application/json-seq")
    ),
    "JSON as text/plain": Shape(_typed(_json, "text/plain")),
    "JSON as text/html": Shape(_typed(_json, "text/html")),
    "JSON with a byte order mark": Shape(_typed(lambda r: b"\xef\xbb\xbf" + _json(r), "application/json")),
    "JSON in UTF-16": Shape(
        _typed(lambda r: json.dumps(list(r), ensure_ascii=False).encode("utf-16"), "application/json; charset=utf-16")
    ),
    "CSV": Shape(_typed(_csv, "text/csv"), flat=True),
    "CSV, CRLF and quotes in fields, byte order mark": Shape(
        _typed(_csv_with_breaks, "text/csv"),
        flat=True,
        rows=lambda r: [{**each, "note": 'a "b",\r\nc'} for each in r],
    ),
    "CSV with semicolons in latin-1": Shape(_typed(lambda r: _csv(r, "latin-1", delimiter=";"), "text/csv"), flat=True),
    "CSV, charset=iso-8859-1": Shape(_typed(lambda r: _csv(r, "latin-1"), "text/csv; charset=iso-8859-1"), flat=True),
    "CSV with bars, as text/plain": Shape(_typed(lambda r: _csv(r, delimiter="|"), "text/plain"), flat=True),
    "CSV with a title and a blank line above the header": Shape(
        _typed(lambda r: b"Report of items\n\n# made today\n" + _csv(r), "text/csv"), flat=True
    ),
    "CSV with a space behind every comma": Shape(_typed(lambda r: _csv(r).replace(b",", b", "), "text/csv"), flat=True),
    "TSV": Shape(_typed(lambda r: _csv(r, delimiter="\t"), "text/tab-separated-values"), flat=True),
    "CSV in pages": Shape(_csv_pages, flat=True),
    "XML": Shape(_typed(_xml, "application/xml"), rows=_xml_rows),
    "RSS": Shape(
        _typed(_rss, "application/rss+xml"),
        rows=lambda r: [{"guid": str(each["id"]), "title": each["name"], "category": ["a & b"]} for each in r],
        keeps=True,
    ),
    "RSS 1.0": Shape(
        _typed(_rdf, "application/rdf+xml"),
        rows=lambda r: [{"id": f"u{each['id']}", "title": each["name"]} for each in r],
        keeps=True,
    ),
    "Atom": Shape(_typed(_atom, "application/atom+xml"), rows=_atom_rows, keeps=True),
    "gzip": Shape(_encoded("gzip", gzip.compress)),
    "deflate": Shape(_encoded("deflate", zlib.compress)),
    "br": Shape(_encoded("br", brotli.compress)),
    "zstd": Shape(_encoded("zstd", _zstd)),
    "gzip, in pages": Shape(_gzipped_pages),
    ".json.gz": Shape(_typed(lambda r: gzip.compress(_json(r)), "application/gzip"), path="/api/items.json.gz"),
    ".csv.gz": Shape(
        _typed(lambda r: gzip.compress(_csv(r)), "application/octet-stream"), path="/api/items.csv.gz", flat=True
    ),
    ".zip with one file": Shape(
        _typed(lambda r: _zip("items.csv", _csv(r)), "application/zip"), path="/api/items.zip", flat=True
    ),
    ".zip with two files": Shape(
        _typed(lambda r: _zip("items.json", _json(r), _json(r)), "application/zip"),
        refused="The file can't be unpacked",
    ),
    "a web page": Shape(answering(lambda _: html()), refused="The response is a web page, not data"),
    "XML with entities of its own": Shape(
        answering(lambda _: raw(_EXPAND.encode(), "application/xml")), refused="The XML can't be read"
    ),
    "JSON that breaks off": Shape(
        _typed(lambda r: _json(r)[:-9], "application/json"), refused="The response was cut off"
    ),
    "no content at all": Shape(answering(lambda _: Reply(status=204)), refused="The response is empty"),
    "a picture": Shape(
        answering(lambda _: raw(b"\x89PNG\r\n\x1a\n" + bytes(64), "image/png")),
        refused="The response's text can't be read",
    ),
}
