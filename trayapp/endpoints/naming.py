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
    """What an endpoint is called by default: the last telling part of the path, else the host, else "endpoint"."""
    try:
        parts = urlsplit(url)
    except ValueError:  # it may still be typed; who checks the endpoint says what is wrong with it
        return "endpoint"
    for part in reversed(parts.path.split("/")):
        word = re.sub(r"\.(json|ndjson|jsonl|csv|xml|rss|atom)$", "", part)
        if slug(word) and not re.fullmatch(r"v?\d+(\.\d+)*", word):
            return word
    return parts.hostname or "endpoint"


def completed(
    endpoint: Endpoint, ids: Collection[str] = (), tables: Collection[str] = (), tried: "Tried | None" = None
) -> Endpoint:
    """The endpoint with id, name and table name filled in; made-up ones avoid `ids` and `tables`, in lower case.

    tried: the same for all endpoints of a list, while names are only added to those to be avoided.
    """
    tried = tried if tried is not None else {}
    if endpoint.id and endpoint.name and endpoint.table.name:
        return endpoint
    name = endpoint.name or name_from_url(endpoint.url)
    word = slug(name) or "endpoint"
    table = endpoint.table
    if not table.name:
        # SQLite keeps names that begin so for itself.
        table_word = f"t_{word}" if word.startswith("sqlite_") else word
        table = msgspec.structs.replace(table, name=_free(table_word, tables, tried, "table"))
    return msgspec.structs.replace(endpoint, id=endpoint.id or _free(word, ids, tried, "id"), name=name, table=table)


Tried = dict[tuple[str, str], int]
"""Up to which number a word's names were found taken, by what they are for and the word."""


def _free(word: str, taken: Collection[str], tried: Tried, what: str) -> str:
    number = tried.get((what, word), 1)
    candidate = word if number == 1 else f"{word}_{number}"
    while candidate in taken:
        number += 1
        candidate = f"{word}_{number}"
    tried[what, word] = number
    return candidate
