"""The listing all benches use: records like an issue tracker's, about 670 bytes each."""

import json
from collections.abc import Iterator
from typing import Any, Literal

State = Literal["base", "changed"]
"""In "changed", of a thousand records ten are edited, one is new and one is gone."""

RECORDS_PER_PAGE = 1000
_TEXT = "the sync of a large table must not block while rows arrive from Zürich and 東京 in many small pages"
_WORDS = _TEXT.split()


def is_edited(number: int) -> bool:
    """Whether "changed" has another form of that record."""
    return number % 100 == 7


def is_gone(number: int) -> bool:
    """Whether "changed" lacks that record."""
    return number % 1000 == 500


def numbers(records: int, state: State) -> list[int]:
    """The records' numbers, from 1, in the listing's order."""
    if state == "base":
        return list(range(1, records + 1))
    return [number for number in range(1, records + records // 1000 + 1) if number > records or not is_gone(number)]


def counts(records: int) -> dict[str, int]:
    """What a run from "base" to "changed" must report."""
    known = range(1, records + 1)
    edited, gone = sum(map(is_edited, known)), sum(map(is_gone, known))
    return {"added": records // 1000, "changed": edited, "deleted": gone, "unchanged": records - edited - gone}


def record(number: int, state: State) -> dict[str, Any]:
    """The record with that number."""
    edited = state == "changed" and is_edited(number)
    mixed = number * 2654435761 % 2**32  # spreads neighbouring numbers
    words = [_WORDS[(mixed >> shift) % len(_WORDS)] for shift in range(24)]
    return {
        "id": number,
        "node_id": f"MDU6SXNzdWU{mixed:010d}",
        "url": f"https://api.example.org/repos/example/project/issues/{number}",
        "html_url": f"https://example.org/project/issues/{number}",
        "title": " ".join(words[:7]) + (" (edited)" if edited else ""),
        "state": "open" if mixed % 3 else "closed",
        "locked": mixed % 11 == 0,
        "comments": mixed % 60,
        "score": mixed % 10000 / 100,
        "user": {"login": f"user{mixed % 5000}", "id": mixed % 5000, "site_admin": False},
        "labels": [{"id": mixed % 7, "name": words[7]}, {"id": mixed % 5, "name": words[8]}],
        "assignee": None,
        "milestone": mixed % 40 if mixed % 4 == 0 else None,
        "created_at": f"2024-{mixed % 12 + 1:02d}-{mixed % 28 + 1:02d}T{mixed % 24:02d}:15:00Z",
        "updated_at": NEWEST if edited else f"2025-{mixed % 12 + 1:02d}-{mixed % 28 + 1:02d}T{mixed % 24:02d}:45:00Z",
        "closed_at": None,
        "body": " ".join(words[9:] * 2),
    }


NEWEST = "2026-01-01T00:00:00Z"
"""When the edited records of "changed" were updated; all others before 2026."""


def encoded(several: list[dict[str, Any]]) -> bytes:
    """As a server writes them."""
    return json.dumps(several, ensure_ascii=False, separators=(",", ":")).encode()


def pages(records: int, state: State) -> list[bytes]:
    """The bodies of all pages, each a JSON array."""
    wanted = numbers(records, state)
    return [
        encoded([record(number, state) for number in wanted[start : start + RECORDS_PER_PAGE]])
        for start in range(0, len(wanted), RECORDS_PER_PAGE)
    ]


def updated(records: int) -> bytes:
    """What "changed" has new since "base", in one page: the edited and the new records."""
    newest = [number for number in numbers(records, "changed") if is_edited(number) or number > records]
    return encoded([record(number, "changed") | {"updated_at": NEWEST} for number in newest])


def csv(rows: int) -> Iterator[bytes]:
    """The lines of a CSV table, seven columns and 100 bytes each."""
    yield b"id,sku,name,price,stock,active,updated\n"
    for number in range(1, rows + 1):
        mixed = number * 2654435761 % 2**32
        name = f'"{_WORDS[mixed % 19]} {_WORDS[mixed // 19 % 19]}, ""{number}"""'
        price, stock = mixed % 10**6 / 100, mixed % 500
        updated = f"2025-{mixed % 12 + 1:02d}-11T{mixed % 24:02d}:00:00Z"
        yield f"{number},SKU-{mixed:010d},{name},{price},{stock},{mixed % 2},{updated}\n".encode()
