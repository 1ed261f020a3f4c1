"""Names for endpoints and tables where the user gave none."""

import re
import unicodedata
from collections.abc import Collection
from urllib.parse import urlsplit

import msgspec

from trayapp.endpoints.model import Endpoint


def slug(text: str) -> str:
    """A lower-case ASCII word of letters, digits and `_`, made from any text; "" when nothing is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")[:48].strip("_")


def name_from_url(url: str) -> str:
    """What an endpoint is called by default: the last telling part of the path, else the host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "endpoint"  # it is no address, which is told later
    for part in reversed(parts.path.split("/")):
        word = re.sub(r"\.(json|ndjson|jsonl|csv|xml|rss|atom)$", "", part)
        if slug(word) and not re.fullmatch(r"v?\d+(\.\d+)*", word):
            return word
    return parts.hostname or "endpoint"


def completed(endpoint: Endpoint, ids: Collection[str] = (), tables: Collection[str] = ()) -> Endpoint:
    """The endpoint with id, name and table name filled in; made-up ones avoid `ids` and `tables`."""
    name = endpoint.name or name_from_url(endpoint.url)
    word = slug(name) or "endpoint"
    lowered = {table.lower() for table in tables}
    table = endpoint.table
    if not table.name:
        # SQLite keeps names that begin so for itself.
        table_word = f"t_{word}" if word.startswith("sqlite_") else word
        table = msgspec.structs.replace(table, name=_free(table_word, lowered))
    return msgspec.structs.replace(endpoint, id=endpoint.id or _free(word, ids), name=name, table=table)


def _free(word: str, taken: Collection[str]) -> str:
    number, candidate = 1, word
    while candidate in taken:
        number += 1
        candidate = f"{word}_{number}"
    return candidate
