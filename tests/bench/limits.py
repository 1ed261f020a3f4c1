"""What the same work costs at least with the same libraries: no checks, no bookkeeping, no reports."""

import csv
import io
import re
import time
from pathlib import Path
from typing import Any

import apsw
import msgspec
import requests


def download(url: str) -> list[bytes]:
    """The bodies of all pages."""
    bodies = []
    with requests.Session() as session:
        session.trust_env = False
        while url:
            with session.get(url, stream=True, timeout=30) as response:
                bodies.append(response.raw.read())
                found = re.search(r'<([^>]+)>; rel="next"', response.headers.get("Link", ""))
            url = found[1] if found else ""
    return bodies


_raw_list = msgspec.json.Decoder(list[msgspec.Raw])


def split(bodies: list[bytes]) -> int:
    """Cut every page into its records' bytes: the least that can be done to tell them apart."""
    return sum(len(_raw_list.decode(body)) for body in bodies)


class _Row(msgspec.Struct, gc=False):
    id: int
    node_id: str
    url: str
    html_url: str
    title: str
    state: str
    locked: bool
    comments: int
    score: float
    user: msgspec.Raw
    labels: msgspec.Raw
    assignee: None
    milestone: int | None
    created_at: str
    updated_at: str
    closed_at: None
    body: str


_rows = msgspec.json.Decoder(list[_Row])


def parse(bodies: list[bytes]) -> list[tuple[Any, ...]]:
    """Every record as a tuple ready to be stored, nested values as JSON text."""
    found: list[tuple[Any, ...]] = []
    for body in bodies:
        for row in _rows.decode(body):
            values = msgspec.structs.astuple(row)
            user, labels = (str(memoryview(raw), "utf-8") for raw in (row.user, row.labels))
            found.append((*values[:9], user, labels, *values[11:]))
    return found


def insert(rows: list[tuple[Any, ...]], path: Path) -> None:
    """Store the tuples in a new table, in one transaction; the WAL is written back before closing."""
    db = apsw.Connection(str(path))
    try:
        db.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0")
        fields = ", ".join(_Row.__struct_fields__[1:])
        with db:
            db.execute(f"CREATE TABLE items (id INTEGER PRIMARY KEY, {fields})")
            db.executemany(f"INSERT INTO items VALUES ({', '.join('?' * len(_Row.__struct_fields__))})", rows)
        db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    finally:
        db.close()


def update(rows: list[tuple[Any, ...]], path: Path) -> None:
    """Overwrite some rows of the table `insert` made, in one transaction."""
    db = apsw.Connection(str(path))
    try:
        db.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0")
        sets = ", ".join(f"{name} = ?{number}" for number, name in enumerate(_Row.__struct_fields__, 1))
        with db:
            db.executemany(f"UPDATE items SET {sets} WHERE id = ?1", rows)
        db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    finally:
        db.close()


def split_in_pieces(url: str, path: Path, piece: int = 2**20) -> tuple[float, float]:
    """Mirror one large JSON array with a bounded memory; CPU seconds of the download, and of all the rest.

    The rest: pieces are cut at a `}` after which they are a whole number of records, decoded, and stored.
    """
    db = apsw.Connection(str(path))
    began = time.process_time()
    read = 0.0
    try:
        db.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0")
        fields = ", ".join(_Row.__struct_fields__[1:])
        with db, requests.Session() as session, session.get(url, stream=True, timeout=30) as response:
            db.execute(f"CREATE TABLE items (id INTEGER PRIMARY KEY, {fields})")
            left = b""
            while True:
                start = time.process_time()
                text = response.raw.read(piece)
                read += time.process_time() - start
                left += text
                cut = left.rfind(b"}") + 1
                while cut:
                    whole = b"[" + left[1:cut] + b"]"
                    try:
                        rows = parse([whole])
                    except msgspec.DecodeError:
                        cut = left.rfind(b"}", 0, cut - 1) + 1
                        continue
                    db.executemany(f"INSERT INTO items VALUES ({', '.join('?' * len(_Row.__struct_fields__))})", rows)
                    left = left[cut:]
                    break
                if not text:
                    break
        db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    finally:
        db.close()
    return read, time.process_time() - began - read


def read_csv(body: bytes) -> int:
    """Read a CSV table without doing anything with it."""
    return sum(1 for _ in csv.reader(io.StringIO(body.decode(), newline="")))
