"""What a listing lacks: whether that proves it deleted, and what waits for the next listing or for the user's word."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import apsw

from trayapp.endpoints.model import Endpoint
from trayapp.store.bookkeeping.endpoint_states import find_entry, save_none_held
from trayapp.store.mirror.claim import Plan
from trayapp.store.mirror.decoder import Misfit, RowDecoder
from trayapp.store.mirror.own_keys import OwnKeys
from trayapp.store.mirror.schema import Column, Shape, converted
from trayapp.store.names import quote
from trayapp.store.records.casting import cast_records
from trayapp.store.records.fields import decode_records
from trayapp.store.records.keys import joined, split
from trayapp.store.records.pages import JsonPage
from trayapp.store.records.values import Kind, SqlValue, bound
from trayapp.store.staging.published import KnownTable
from trayapp.store.staging.staging import Staging

Proof = Literal["none", "half", "counted", "whole"]
"""How far a listing proves that what it lacks is gone.

none: it is incomplete. half: rows may have slipped between its pages; what a second such listing lacks too is gone.
counted: likewise, but it has as many records as the server says, which is whole proof if none came twice.
"""

BRAKE_COUNT = 20
BRAKE_SHARE = 0.2

_NOTHING: tuple[Kind, SqlValue] = ("null", None)


class Missing:
    """The keys of one endpoint's rows that a listing lacked and that are still in its table.

    `_sync_held` has those whose deletion waits for the user's word, or that the user wants to keep; `_sync_suspects`
    those that wait for the next listing. What is listed again is in neither.
    """

    def __init__(self, db: apsw.Connection, number: int) -> None:
        self._db = db
        self._number = number

    def forget(self) -> None:
        """Forget all."""
        self._db.execute("DELETE FROM _sync_held WHERE endpoint = ?", (self._number,))
        self._db.execute("DELETE FROM _sync_suspects WHERE endpoint = ?", (self._number,))

    def settle(self, keys: Iterable[SqlValue]) -> None:
        """These were listed, or are deleted."""
        several = [(self._number, key) for key in keys]
        self._db.executemany("DELETE FROM _sync_held WHERE endpoint = ? AND key IS ?", several)
        self._db.executemany("DELETE FROM _sync_suspects WHERE endpoint = ? AND key IS ?", several)

    def rekey(self, before: Sequence[Column], after: Sequence[Column]) -> None:
        """The key's columns have other kinds now, and the table's rows other values of them."""
        kinds = [(old.kind, new.kind) for old, new in zip(before, after, strict=True)]
        for table in ("_sync_held", "_sync_suspects"):
            changes = []
            for key in self._keys(f"{table} WHERE"):
                values = zip(split(key, len(kinds)), kinds, strict=True)
                changes.append((joined([converted(value, *pair) for value, pair in values]), self._number, key))
            self._db.executemany(f"UPDATE {table} SET key = ? WHERE endpoint = ? AND key IS ?", changes)

    def settle_if(self, is_back: Callable[[SqlValue], bool]) -> None:
        """Forget those of which that is true, after a listing that says nothing about what it lacks."""
        self.settle([key for key in (*self._held(), *self._kept(), *self._suspects()) if is_back(key)])

    def proven(self, missing: Collection[SqlValue], proof: Proof) -> list[SqlValue]:
        """Those of the keys missing in a complete listing that are gone for sure. The others are suspects from now on.

        What the user wants to keep is never among them. Nothing is held any more: see `hold`.
        """
        kept = self._kept()
        doubtful = [key for key in missing if key not in kept]
        before = {*self._held(), *self._suspects()}
        sure = doubtful if proof == "whole" else [key for key in doubtful if key in before]
        self._db.execute("DELETE FROM _sync_held WHERE endpoint = ? AND NOT kept", (self._number,))
        self._db.execute("DELETE FROM _sync_suspects WHERE endpoint = ?", (self._number,))
        self.settle(kept.difference(missing))
        if len(sure) < len(doubtful):
            new = [(self._number, key) for key in doubtful if key not in before]
            self._db.executemany("INSERT INTO _sync_suspects VALUES (?, ?)", new)
        return sure

    def hold(self, keys: Sequence[SqlValue]) -> None:
        """These wait for the user's word."""
        self._db.executemany("INSERT INTO _sync_held VALUES (?, ?, 0)", [(self._number, key) for key in keys])

    @property
    def held(self) -> int:
        """How many wait for the user's word."""
        return len(self._held())

    @property
    def suspects(self) -> int:
        """How many wait for the next listing."""
        return len(self._suspects())

    def _held(self) -> set[SqlValue]:
        return self._keys("_sync_held WHERE NOT kept AND")

    def _kept(self) -> set[SqlValue]:
        return self._keys("_sync_held WHERE kept AND")

    def _suspects(self) -> set[SqlValue]:
        return self._keys("_sync_suspects WHERE")

    def _keys(self, table: str) -> set[SqlValue]:
        return {key for (key,) in self._db.execute(f"SELECT key FROM {table} endpoint = ?", (self._number,))}


def too_many(missing: int, rows: int) -> bool:
    """Whether so many deletions from a table of so many rows rather are somebody's mistake."""
    return missing > max(BRAKE_COUNT, BRAKE_SHARE * rows)


def keep_held(db: apsw.Connection, id: str) -> None:
    """The user wants to keep the rows whose deletion is held: they stay until the server lists them again."""
    entry = find_entry(db, id)
    if entry is not None:
        db.execute("UPDATE _sync_held SET kept = 1 WHERE endpoint = ?", (entry.number,))
        save_none_held(db, entry.number)


def count_missing(db: apsw.Connection, endpoint: Endpoint, plan: Plan, staging: Staging, full: bool) -> int:
    """How many published records the staged listing lacks, changed ones not counted. Nothing is written."""
    if plan.shape is None or not endpoint.deletes:
        return 0
    published: set[Any]
    columns = plan.shape.key_columns
    if full:
        names = ", ".join(quote(column.name) for column in columns)
        published = {joined(row) for row in db.execute(f"SELECT {names} FROM {quote(plan.table)}")}
    else:
        published = set(KnownTable(db, plan.number).keys_at(staging.known, staging.missing))
    try:
        decoder = RowDecoder(Shape(columns, plan.shape.key), (), frozenset(), strict=False)
    except ValueError:
        decoder = None
    own = OwnKeys(columns[0].path)
    for batch in staging if published else ():
        page = batch.page.as_json()
        published.difference_update(own.values(page.digests) or _keys_of(page, columns, decoder, endpoint.table.types))
    return len(published)


def _keys_of(
    page: JsonPage, columns: Sequence[Column], decoder: RowDecoder | None, types: Mapping[str, str]
) -> Iterator[Any]:
    """The keys of staged records, as they would be bound into these columns."""
    if decoder is not None:
        try:
            yield from map(joined, decoder.decode(page.text))
            return
        except Misfit:
            pass
    for record in cast_records(decode_records(page), types):
        values = [(record.get(column.path, _NOTHING), column.kind) for column in columns]
        yield joined([bound(kind, value, column) for (kind, value), column in values])
