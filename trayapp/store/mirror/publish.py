"""One transaction that makes the mirrored table equal to a listing, and says exactly what that changed."""

import os
from array import array
from collections.abc import Iterator, Sequence
from itertools import compress, count, groupby
from operator import is_not, ne
from typing import Any

import apsw
import msgspec

from trayapp.endpoints.model import Endpoint
from trayapp.messages import Message, say, say_count
from trayapp.store.bookkeeping.endpoint_states import BELIEVED, doubt, save_table
from trayapp.store.bookkeeping.history import record_changes
from trayapp.store.errors import UnfitKey
from trayapp.store.mirror.claim import Plan, check_plan
from trayapp.store.mirror.decoder import Rows
from trayapp.store.mirror.deletions import Missing, Proof, too_many
from trayapp.store.mirror.loading import Fitting, Lossy, see
from trayapp.store.mirror.schema import HASH_KEY
from trayapp.store.mirror.tombstones import Tombstone
from trayapp.store.names import quote
from trayapp.store.records.casting import cast_records
from trayapp.store.records.digests import SIZE, Digests
from trayapp.store.records.fields import Fields, decode_records
from trayapp.store.records.keys import joined, split
from trayapp.store.records.pages import Page
from trayapp.store.records.values import Kind, SqlValue
from trayapp.store.staging.published import Known, KnownTable, ListingNeeded
from trayapp.store.staging.staging import Staging

SHOWN_NAMES = 10
"""So many names of columns are told."""

LOOK_UP = 250
"""Keys looked up, or rows deleted, by one statement."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a publish did, in records. `rows` is what the table holds now.

    held: deletions that wait for the user's word; suspects: such as wait for the next listing. shared: records with
    the key of a different one on another page.
    """

    added: int = 0
    changed: int = 0
    deleted: int = 0
    unchanged: int = 0
    held: int = 0
    suspects: int = 0
    rows: int = 0
    shared: int = 0
    warnings: tuple[Message, ...] = ()


def publish(
    db: apsw.Connection,
    endpoint: Endpoint,
    plan: Plan,
    staging: Staging,
    run: int,
    *,
    proof: Proof = "whole",
    full: bool = False,
    apply_held: bool = False,
    partial: bool = False,
    checks: bool = False,
) -> Outcome:
    """Bring the table up to what was staged, inside the caller's transaction. `run` numbers the recorded changes.

    proof: how far what the staging lacks is proven to be deleted on the server. full: nothing was known to the staging;
    the table itself is compared. apply_held: the user agreed to delete, so no brake.
    partial: the staging was made without knowing anything and holds only what changed since the last run, so that
    nothing is deleted but what a record itself says is deleted (`incremental.deleted`); the proof is "none".
    checks: with `full`: what other programs did to the table is told.
    Raises ListingNeeded, and UnfitKey when the records can't be kept apart by their key.
    """
    check_plan(db, plan, endpoint.id)
    try:
        with db:  # a savepoint, so that nothing is left of a first attempt
            return _Publisher(db, endpoint, plan, staging, run, full, partial, checks).publish(proof, apply_held)
    except Lossy:
        if staging.unchanged or partial:
            raise ListingNeeded from None
    seen: dict[str, Kind] = {}
    types = endpoint.table.types
    for batch in staging:
        see(seen, cast_records(decode_records(batch.page), types))
    # In full, as a key that became text has other values than those remembered.
    publisher = _Publisher(db, endpoint, plan, staging, run, full=True, checks=checks)
    publisher.fitting.prepare(seen)
    return publisher.publish(proof, apply_held)


class _Publisher:
    """The state of one publish."""

    def __init__(
        self,
        db: apsw.Connection,
        endpoint: Endpoint,
        plan: Plan,
        staging: Staging,
        run: int,
        full: bool,
        partial: bool = False,
        checks: bool = False,
    ) -> None:
        self.db = db
        self.table = endpoint.table
        self.deletes = endpoint.deletes
        self.plan = plan
        self.staging = staging
        self.run = run
        self.full = full
        self.partial = partial
        self.name = quote(plan.table)
        self.known = KnownTable(db, plan.number)
        self.missing = Missing(db, plan.number)
        self.keyed = bool(self.table.key) and self.table.mode != "append"
        asked = endpoint.incremental
        self.tombstone = Tombstone.parse(asked.deleted) if asked is not None and self.keyed else None
        self.fitting = Fitting(db, plan, self.table, lambda: staging.records)
        self.added = self.changed = self.deleted = self.equal = self.duplicates = self.drifted = 0
        self.columns = {column.name for column in self.fitting.shape.columns}
        self.emptied: set[str] = set()
        """The columns that lost a value in a changed record."""
        self.met: dict[Any, tuple[int, bytes]] = {}
        self.bulk = array("I")  # the pages of what was added without an entry in `met`
        if not self.fitting.exists:
            self.missing.forget()
            self.known.drop()
        self.known.create()
        self.before = 0
        self.remaining: dict[Any, int | None] = {}
        """Key → position of the records published before that were not listed in this run, so far as was seen."""
        self.empty_at_start = True
        self.checks = checks
        self.published: dict[Any, bytes] = {}
        """Key → digest of what the last run left, where it is compared with what the table has now."""
        self.restored = self.mended = self.strange = 0

    def _look_at_table(self) -> None:
        if not self.fitting.exists:
            return
        self.remaining = self._remaining()
        self.before = len(self.remaining) if self.full and self.keyed else self.plan.rows
        self.empty_at_start = not self.db.execute(f"SELECT EXISTS (SELECT 1 FROM {self.name})").get

    def _remaining(self) -> dict[Any, int | None]:
        if not self.keyed:
            return {}
        if self.full:
            if self.checks:
                self.published = self.known.current()
            self.known.clear()
            keys = ", ".join(quote(column.name) for column in self.fitting.shape.key_columns)
            return {joined(row): None for row in self.db.execute(f"SELECT {keys} FROM {self.name}")}
        missing = self.staging.missing
        return {**self.known.keys_at(self.staging.known, missing)} if missing else {}

    def publish(self, proof: Proof, apply_held: bool) -> Outcome:
        self._look_at_table()
        if self.table.mode == "replace" and self.fitting.exists:
            self.deleted = self.before
            self.db.execute(f"DELETE FROM {self.name}")
            self.known.clear()
            self.remaining, self.empty_at_start = {}, True
        for batch in self.staging:
            page = batch.page
            if self.fitting.own_key == HASH_KEY:
                page = page.as_json()  # such a key does not tell in which format its record came
            if self.tombstone is None:
                rows = page.by_form(self.fitting.rows_of_json, self.fitting.rows_of_cells)
                self._take(batch.numbers, page.digests, rows)
            else:
                self._take_or_bury(batch.numbers, page, self.tombstone)
        if self.deletes:
            self._delete_missing(proof, apply_held)
        rows_now = self.before + self.added - self.deleted
        self._keep_in_mind()
        self.known.write(Known() if self.full else self.staging.known)
        held = self.missing.held
        self._save(rows_now, held)
        if self.full:
            doubt(self.db, self.plan.number, BELIEVED)
        return Outcome(
            added=self.added,
            changed=self.changed,
            deleted=self.deleted,
            unchanged=self.staging.unchanged + self.equal,
            held=held,
            suspects=self.missing.suspects,
            rows=rows_now,
            shared=self.drifted,
            warnings=tuple(self._warnings()),
        )

    def _take(self, pages: Sequence[int], digests: Digests, rows: Rows) -> None:
        if not self.keyed:
            self._insert(rows)
            self.added += len(rows)
            return
        # What is known of a table that others emptied, or tombstones did, is to be corrected row by row.
        is_first = not (self.partial or self.staging.known.digests)
        in_bulk = self.empty_at_start and not self.met and is_first and self.tombstone is None
        if not (in_bulk and self._insert_all(pages, digests, rows)):
            self._upsert(pages, digests, rows)

    def _take_or_bury(self, numbers: Sequence[int], page: Page, tombstone: Tombstone) -> None:
        records = decode_records(page)
        marks = [tombstone.marks(record) for record in records]
        for dead, group in groupby(range(len(records)), key=marks.__getitem__):
            positions = list(group)  # in their order, as a record may come back after its tombstone
            some = [records[position] for position in positions]
            if dead:
                self._bury(some)
            else:
                digests = page.digests.only(positions)
                on = [numbers[position] for position in positions]
                self._take(on, digests, self.fitting.rows_of(some, digests))

    def _bury(self, records: list[Fields]) -> None:
        """Delete the records that these tombstones stand for."""
        if not self.fitting.exists or self.fitting.own_key:
            return  # a key of ours does not tell which record it was: that one will be missing from the listing
        keys = self.fitting.keys_of(records)
        for key in keys:
            self.met.pop(key, None)
        self._delete(list(dict.fromkeys(keys)))
        self.missing.settle(keys)

    def _insert_all(self, pages: Sequence[int], digests: Digests, rows: Rows) -> bool:
        """Add the rows to a table that holds only rows of this run; False, and nothing done, when a key is repeated."""
        try:
            with self.db:
                self._insert(rows)
        except apsw.ConstraintError:
            appended = zip(self.known.appended(), self.bulk, strict=True)
            self.met = {key: (page, digest) for (key, digest), page in appended}
            return False
        self.added += len(rows)
        self.bulk.extend(pages)
        keys = self.fitting.keys(rows)
        self.restored += sum(map(self.published.__contains__, keys)) if self.published else 0
        self.known.append(keys, digests)
        return True

    def _upsert(self, pages: Sequence[int], digests: Digests, rows: Rows) -> None:
        keys = self.fitting.keys(rows)
        if pages[0] != pages[-1] and len(set(keys)) < len(keys):
            for _, group in groupby(range(len(keys)), key=pages.__getitem__):
                places = list(group)  # page by page, as a later form of a record is compared with the one before
                self._upsert(
                    [pages[place] for place in places],
                    digests.only(places),
                    [rows[place] for place in places],
                )
            return
        stored = self._stored([key for key in keys if key in self.met or not self.empty_at_start])
        inserts: Rows = []
        new_keys: list[SqlValue] = []
        new_digests: list[bytes] = []
        updates: dict[tuple[int, ...], list[tuple[SqlValue, ...]]] = {}
        changes: list[tuple[SqlValue, str, str | None, str | None]] = []
        key_positions = [self.fitting.shape.columns.index(column) for column in self.fitting.shape.key_columns]
        for page, digest, key, row in zip(pages, digests, keys, rows, strict=True):
            known = self.met.get(key)
            if known is not None:
                self._repeated(key, known, page, digest)
                if known[1] == digest:
                    continue
            self.met[key] = (page, digest)
            old = stored.get(key)
            if old is None:
                inserts.append(row)
                position = self.remaining.pop(key, None)
                if position is None:
                    new_keys.append(key)
                    new_digests.append(digest)
                else:
                    self.known.replace(position, digest)  # another program deleted its row
                self.added += 1
                self.restored += key in self.published
                if not self.empty_at_start:
                    changes.append((key, "added", None, self.fitting.as_json(row)))
                continue
            differing = _differing(old, row)
            if known is None and self._came_unchanged(key):
                self._come_twice(key, bool(differing))
                if not differing:
                    continue
            if differing:
                values = (*(row[i] for i in differing), *(row[i] for i in key_positions))
                updates.setdefault(differing, []).append(values)
                names = self.fitting.shape.columns
                self.emptied.update(names[i].name for i in differing if row[i] is None)
                self.changed += known is None
                self.mended += self.published.get(key) == digest
                if not self.empty_at_start:
                    changes.append(
                        (key, "changed", self.fitting.as_json(old, differing), self.fitting.as_json(row, differing))
                    )
            else:
                self.equal += known is None
                if self.partial and known is None:
                    continue  # nothing new is known of it, and a run without changes writes nothing
            self._enter(key, digest, known is None)
        self._insert(inserts)
        for positions, several in updates.items():
            self.db.executemany(self._update_sql(positions), several)
        self.known.append(new_keys, Digests.chained(new_digests))
        record_changes(self.db, self.run, self.plan.table, changes)

    def _enter(self, key: SqlValue, digest: bytes, first: bool) -> None:
        """Note the digest of a record that has a row already. `first`: it is met in this run for the first time."""
        position = self.remaining.pop(key, None)
        if position is not None:
            self.known.replace(position, digest)
        elif self.full and first:
            self.known.append([key], Digests(digest))
        else:
            self.known.supersede(key, digest)

    def _stored(self, keys: Sequence[Any]) -> dict[Any, tuple[Any, ...]]:
        """The rows with these keys that the table has, by key."""
        wanted = list(dict.fromkeys(keys))
        width = len(self.fitting.shape.key)
        columns = ", ".join(quote(column.name) for column in self.fitting.shape.columns)
        names = ", ".join(quote(column.name) for column in self.fitting.shape.key_columns)
        found: Rows = []
        step = max(1, LOOK_UP // width)
        for start in range(0, len(wanted), step):
            part = wanted[start : start + step]
            one = "?" if width == 1 else f"({', '.join('?' * width)})"
            several = f"VALUES {', '.join([one] * len(part))}" if width > 1 else ", ".join([one] * len(part))
            values = [value for key in part for value in split(key, width)]
            found += self.db.execute(f"SELECT {columns} FROM {self.name} WHERE ({names}) IN ({several})", values)
        return dict(zip(self.fitting.keys(found), found, strict=True))

    def _came_unchanged(self, key: SqlValue) -> bool:
        """Whether a record that is met for the first time was listed before, as it was, so that it was not staged."""
        return not self.partial and key not in self.remaining

    def _come_twice(self, key: SqlValue, changed: bool) -> None:
        """A record was listed as it was, and again."""
        if not changed:
            self.duplicates += 1
            return
        if self.staging.pages == 1:
            raise self._ambiguous(key)
        self.drifted += 1
        self.equal -= 1  # it counts as changed

    def _repeated(self, key: SqlValue, known: tuple[int, bytes], page: int, digest: bytes) -> None:
        if known[1] == digest:
            self.duplicates += 1
        elif known[0] == page:
            raise self._ambiguous(key)
        else:
            self.drifted += 1

    def _ambiguous(self, key: SqlValue) -> UnfitKey:
        return UnfitKey(
            say("{key} is not unique", key=", ".join(self.table.key)),
            say("Two different records on one page have the same value, “{key}”.", key=key),
            say("Choose a key (table.key) that is different for every record."),
        )

    def _insert(self, rows: Rows) -> None:
        columns = ", ".join(quote(column.name) for column in self.fitting.shape.columns)
        holes = ", ".join("?" * len(self.fitting.shape.columns))
        self.db.executemany(f"INSERT INTO {self.name} ({columns}) VALUES ({holes})", rows)

    def _update_sql(self, positions: Sequence[int]) -> str:
        sets = ", ".join(f"{quote(self.fitting.shape.columns[position].name)} = ?" for position in positions)
        return f"UPDATE {self.name} SET {sets} WHERE {self._key_is()}"

    def _key_is(self) -> str:
        return " AND ".join(f"{quote(column.name)} = ?" for column in self.fitting.shape.key_columns)

    def _delete_missing(self, proof: Proof, apply_held: bool) -> None:
        """Delete what the listing no longer has, or hold it when that is suspiciously much."""
        if proof == "none":
            self.missing.settle_if(lambda key: key in self.met or not (self.partial or key in self.remaining))
            return
        if proof == "counted":
            proof = "half" if self.duplicates or self.drifted else "whole"
        gone = self.missing.proven(self.remaining, proof)
        if not apply_held and (too_many(len(gone), self.before) or not self.staging.records):
            self.missing.hold(gone)
            return
        for start in range(0, len(gone), LOOK_UP):
            self._delete(gone[start : start + LOOK_UP])

    def _delete(self, keys: Sequence[Any]) -> None:
        stored = self._stored(keys)
        width = len(self.table.key)
        self.db.executemany(f"DELETE FROM {self.name} WHERE {self._key_is()}", [split(key, width) for key in stored])
        self.deleted += len(stored)
        self.strange += sum(key not in self.published for key in stored) if self.published else 0
        for key in keys:
            known = key in self.remaining
            position = self.remaining.pop(key, None)
            if position is not None:
                self.known.remove(position)
            elif key in stored and not known:
                self.known.supersede(key, None)
        changes = [(key, "deleted", self.fitting.as_json(stored[key]), None) for key in keys if key in stored]
        record_changes(self.db, self.run, self.plan.table, changes)

    def _keep_in_mind(self) -> None:
        """After a full comparison: what stays in the table though the listing lacks it must be found missing again."""
        if self.full:
            self.known.append(list(self.remaining), Digests(os.urandom(SIZE * len(self.remaining))))

    def _save(self, rows: int, held: int) -> None:
        self.fitting.save()
        table = self.plan.table if self.fitting.exists else None
        save_table(self.db, self.plan.number, table, self.plan.mapping, rows, held)

    def _warnings(self) -> Iterator[Message]:
        if self.duplicates:
            yield say_count(
                "The server listed one record twice.", "The server listed {count} records twice.", self.duplicates
            )
        if self.drifted:
            yield say_count(
                "One record changed or moved while it was listed; the later form was kept.",
                "{count} records changed or moved while they were listed; the later form was kept.",
                self.drifted,
            )
        yield from self._done_by_others()
        names = [column.name for column in self.fitting.shape.columns]
        new = tuple(name for name in names if name not in self.columns)
        if new and self.columns:
            yield (
                say("New columns: {names}.", names=new)
                if len(new) <= SHOWN_NAMES
                else say(
                    "New columns: {names} and {count} more.", names=new[:SHOWN_NAMES], count=len(new) - SHOWN_NAMES
                )
            )
        gone = tuple(name for name in names if name in self.emptied and not self._has_values(name))
        if gone:
            yield (
                say("Columns without any value now: {names}.", names=gone)
                if len(gone) <= SHOWN_NAMES
                else say(
                    "Columns without any value now: {names} and {count} more.",
                    names=gone[:SHOWN_NAMES],
                    count=len(gone) - SHOWN_NAMES,
                )
            )

    def _done_by_others(self) -> Iterator[Message]:
        if self.restored:
            yield say_count(
                "One row that another program had deleted was restored.",
                "{count} rows that another program had deleted were restored.",
                self.restored,
            )
        if self.mended:
            yield say_count(
                "One row that another program had changed was put right.",
                "{count} rows that another program had changed were put right.",
                self.mended,
            )
        if self.strange:
            yield say_count(
                "One row that another program had added was deleted.",
                "{count} rows that another program had added were deleted.",
                self.strange,
            )

    def _has_values(self, column: str) -> bool:
        sql = f"SELECT EXISTS (SELECT 1 FROM {self.name} WHERE {quote(column)} IS NOT NULL)"
        return bool(self.db.execute(sql).get)


def _differing(old: Sequence[Any], new: Sequence[Any]) -> tuple[int, ...]:
    """The positions where two rows differ, if only in type."""
    differing = compress(count(), map(ne, old, new))
    if list(map(type, old)) == list(map(type, new)):
        return tuple(differing)
    return tuple(sorted({*differing, *compress(count(), map(is_not, map(type, old), map(type, new)))}))
