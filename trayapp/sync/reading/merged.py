"""Records that come in parts: a listing that goes on by a `continue` object gives more fields of the same records.

MediaWiki is the model (https://www.mediawiki.org/wiki/API:Continue): the answers of one query are to be merged, each
record by its key, lists inside it added up.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from trayapp.endpoints.model import Endpoint
from trayapp.messages import Message
from trayapp.store.records.pages import JsonPage, Page
from trayapp.sync.evidence import Evidence, Lack
from trayapp.sync.formats import lenient_json
from trayapp.sync.paging.following import Walk
from trayapp.sync.paging.listing import Listing
from trayapp.sync.records import keys
from trayapp.sync.records.extraction import own_records

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items = msgspec.json.Decoder(list[msgspec.Raw])


class Merged:
    """A listing whose records are put together before anybody sees them. All of it is in memory meanwhile."""

    def __init__(self, listing: Listing, endpoint: Endpoint) -> None:
        self._listing = listing
        self._key = endpoint.table.key
        self._table = endpoint.table.name
        self.evidence: Evidence = "unproven"
        self.lacking: Lack | None = None
        self.shifting = False
        self.warnings: list[Message] = []
        self.walk: Walk = listing.walk

    def __iter__(self) -> Iterator[Page]:
        found: dict[tuple[bytes, ...], dict[str, msgspec.Raw]] = {}
        url = self._listing.source.call.url
        for records in self._listing:
            page = own_records(records, self._listing.source.path, url)
            for fields in map(_fields.decode, page):
                key = self._key_of(fields, page, len(found))
                known = found.get(key)
                if known is None:
                    found[key] = {name: msgspec.Raw(bytes(raw)) for name, raw in fields.items()}
                else:
                    _add(known, fields)
        self.evidence = self._listing.evidence
        self.lacking = self._listing.lacking
        self.shifting = self._listing.shifting
        self.warnings = self._listing.warnings
        yield JsonPage([msgspec.json.encode(fields) for fields in found.values()])

    def _key_of(self, fields: dict[str, msgspec.Raw], page: Sequence[bytes], place: int) -> tuple[bytes, ...]:
        if not self._key:
            plain: list[dict[str, Any]] = [lenient_json.value_of(record) for record in page]
            self._key = keys.key_of(plain, self._table)
        if not self._key:
            return (b"%d" % place,)  # every record stands for itself
        return tuple(bytes(fields.get(name, b"")) for name in self._key)


def comes_in_parts(listing: Listing) -> bool:
    """Whether a listing goes on by an object that is merged into the next request."""
    return listing.source.pages.kind == "cursor" and not listing.source.pages.param


def _add(known: dict[str, msgspec.Raw], more: dict[str, msgspec.Raw]) -> None:
    for name, raw in more.items():
        before, after = bytes(known.get(name, b"")), bytes(raw)
        if not before or before == after:
            known[name] = msgspec.Raw(after)
        elif before[:1] == b"[" and after[:1] == b"[":
            known[name] = msgspec.Raw(msgspec.json.encode([*_items.decode(before), *_items.decode(after)]))
        elif before[:1] == b"{" and after[:1] == b"{":
            inner = _fields.decode(before)
            _add(inner, _fields.decode(after))
            known[name] = msgspec.Raw(msgspec.json.encode(inner))
        else:
            known[name] = msgspec.Raw(after)
