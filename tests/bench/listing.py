"""The listing all benches use: records like an issue tracker's, about 670 bytes each, in pages linked by `Link`."""

import json
from typing import Any, Literal

State = Literal["base", "changed"]
"""In "changed", one record of a hundred differs from "base"."""

RECORDS_PER_PAGE = 1000
_TEXT = "the sync of a large table must not block while rows arrive from Zürich and 東京 in many small pages"
_WORDS = _TEXT.split()


def record(number: int, state: State) -> dict[str, Any]:
    """The record with that number, from 1."""
    edited = state == "changed" and number % 100 == 7
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
        "updated_at": f"2025-{mixed % 12 + 1:02d}-{mixed % 28 + 1:02d}T{mixed % 24:02d}:45:{30 if edited else 0:02d}Z",
        "closed_at": None,
        "body": " ".join(words[9:] * 2),
    }


def pages(records: int, state: State) -> list[bytes]:
    """The bodies of all pages, each a JSON array."""
    return [
        json.dumps(
            [record(number, state) for number in range(start, min(start + RECORDS_PER_PAGE, records + 1))],
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()
        for start in range(1, records + 1, RECORDS_PER_PAGE)
    ]
