"""One transaction that makes the mirrored table equal to a listing, and says exactly what that changed."""

import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import apsw
import msgspec

from trayapp.endpoints.model import Endpoint
from trayapp.store import table as tables
from trayapp.store.errors import StoreError
from trayapp.store.names import quote
from trayapp.store.records import Fields, decode_records
from trayapp.store.runs import record_changes
from trayapp.store.staging import Staging
from trayapp.store.table import HASH_KEY, Shape
from trayapp.store.tombstones import Tombstone
from trayapp.store.values import Kind, SqlValue, bound, is_lossy, widen

BRAKE_COUNT = 20
BRAKE_SHARE = 0.2


class Plan(msgspec.Struct, frozen=True):
    """What is known of an endpoint's table before a run.

    `mapping` tells how records become rows; when it differs from what the table was made with, the table is made anew.
    `shape` is None while there is no table. `rows` is how many the table held after the last run.
    """

    number: int
    table: str
    mapping: str
    shape: Shape | None
    rows: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a publish did, in records. `rows` is what the table holds now."""

    added: int = 0
    changed: int = 0
    deleted: int = 0
    unchanged: int = 0
    held: int = 0
    rows: int = 0
    warnings: tuple[str, ...] = ()


class ListingNeeded(Exception):
    """A column became wider in a way that needs every record again, also the unchanged ones: list once more."""


class _Lossy(Exception):
    pass


def make_plan(db: apsw.Connection, endpoint: Endpoint) -> Plan:
    """The plan for the endpoint's next run; inside a writing transaction, as it may follow a renamed table."""
    mapping = _mapping(endpoint)
    db.execute("INSERT INTO _sync_endpoints (id) VALUES (?) ON CONFLICT DO NOTHING", (endpoint.id,))
    row = db.execute(
        "SELECT number, table_name, mapping, coalesce(rows, 0) FROM _sync_endpoints WHERE id = ?", (endpoint.id,)
    ).fetchone()
    assert row is not None
    number, old_name, old_mapping, rows = row
    name = endpoint.table.name
    there = old_name is not None and tables.exists(db, old_name)
    if there and old_name != name and (old_name.lower() == name.lower() or not tables.exists(db, name)):
        db.execute(f"ALTER TABLE {quote(old_name)} RENAME TO {quote(name)}")
        db.execute("UPDATE _sync_endpoints SET table_name = ? WHERE number = ?", (name, number))
        old_name = name
    if tables.exists(db, name) and old_name != name:
        raise StoreError(
            f"The table {name} belongs to something else",
            f"The database already has a table {name} that was not made for this endpoint.",
            "Choose another table name for the endpoint.",
        )
    shape = tables.load_shape(db, number, endpoint.table.key) if there and old_mapping == mapping else None
    return Plan(number, name, mapping, shape, rows if there else 0)


def load_known(db: apsw.Connection, plan: Plan) -> dict[bytes, int]:
    """Digest → row number of every record published before; empty when the table is to be made anew."""
    rows_table = _rows_table(plan)
    if plan.shape is None or not tables.exists(db, rows_table):
        return {}
    return dict(db.execute(f"SELECT digest, n FROM {rows_table}"))


def publish(
    db: apsw.Connection,
    endpoint: Endpoint,
    plan: Plan,
    staging: Staging,
    run: int,
    *,
    complete: bool = True,
    full: bool = False,
    apply_held: bool = False,
    partial: bool = False,
) -> Outcome:
    """Bring the table up to what was staged, inside the caller's transaction. `run` numbers the recorded changes.

    complete: the staging holds the whole listing, so that what is missing was deleted on the server. full: nothing was
    known to the staging; the table itself is compared. apply_held: the user agreed to delete, so no brake.
    partial: the staging was made without knowing anything and holds only what changed since the last run, so that
    nothing is deleted but what a record itself says is deleted (`incremental.deleted`); never together with complete.
    Raises ListingNeeded, and StoreError when the records can't be kept apart by their key.
    """
    try:
        with db:  # a savepoint, so that nothing is left of a first attempt
            return _Publisher(db, endpoint, plan, staging, run, full, partial).publish(complete, apply_held)
    except _Lossy:
        if staging.unchanged or partial:
            raise ListingNeeded from None
    seen: dict[str, Kind] = {}
    for _, page in staging:
        _see(seen, decode_records([record for _, record in page]))
    # In full, as a key that became text has other values than those remembered.
    publisher = _Publisher(db, endpoint, plan, staging, run, full=True)
    publisher.prepare(seen)
    return publisher.publish(complete, apply_held)


def count_missing(db: apsw.Connection, endpoint: Endpoint, plan: Plan, staging: Staging, full: bool) -> int:
    """How many published records the staged listing lacks, changed ones not counted. Nothing is written."""
    if plan.shape is None or endpoint.table.mode != "mirror":
        return 0
    published: set[Any]
    columns = plan.shape.key_columns
    if full:
        names = ", ".join(quote(column.name) for column in columns)
        published = {_joined(row) for row in db.execute(f"SELECT {names} FROM {quote(plan.table)}")}
    else:
        lookup = f"SELECT key FROM {_rows_table(plan)} WHERE n = ?"
        published = {db.execute(lookup, (n,)).get for n in staging.remaining.values()}
    nothing: tuple[Kind, SqlValue] = ("null", None)
    for _, page in staging if published else ():
        for (digest, _), fields in zip(page, decode_records([record for _, record in page]), strict=True):
            fields.setdefault(HASH_KEY, ("text", digest.hex()))
            values = [(fields.get(column.path, nothing), column.kind) for column in columns]
            published.discard(_joined([bound(kind, value, column) for (kind, value), column in values]))
    return len(published)


def stored_key(db: apsw.Connection, endpoint: Endpoint) -> tuple[str, ...]:
    """The key the endpoint's table was made with; () when there is none, or the rest of the mapping differs."""
    mapping = db.execute("SELECT mapping FROM _sync_endpoints WHERE id = ?", (endpoint.id,)).get
    if not isinstance(mapping, str):
        return ()
    key = tuple(msgspec.json.decode(mapping)[0])
    keyed = msgspec.structs.replace(endpoint, table=msgspec.structs.replace(endpoint.table, key=key))
    return key if _mapping(keyed) == mapping else ()


def keep_held(db: apsw.Connection, id: str) -> None:
    """The user wants to keep the rows whose deletion is held: they stay until the server lists them again."""
    db.execute(
        "UPDATE _sync_held SET kept = 1 WHERE endpoint = (SELECT number FROM _sync_endpoints WHERE id = ?)", (id,)
    )
    db.execute("UPDATE _sync_endpoints SET held = 0 WHERE id = ?", (id,))


def _mapping(endpoint: Endpoint) -> str:
    table = endpoint.table
    parts = (table.key, table.mode, dict(table.rename), table.ignore, dict(table.types))
    return msgspec.json.encode(parts, order="sorted").decode()


def _rows_table(plan: Plan) -> str:
    return f"_sync_rows_{plan.number}"


def _see(seen: dict[str, Kind], records: Sequence[Fields]) -> None:
    for record in records:
        for path, (kind, _) in record.items():
            before = seen.get(path)
            if before != kind:
                seen[path] = kind if before is None else widen(before, kind)


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
    ) -> None:
        self.db = db
        self.table = endpoint.table
        self.plan = plan
        self.staging = staging
        self.run = run
        self.full = full
        self.partial = partial
        self.name = quote(plan.table)
        self.rows_table = _rows_table(plan)
        self.keyed = bool(self.table.key) and self.table.mode != "append"
        asked = endpoint.incremental
        self.tombstone = Tombstone.parse(asked.deleted) if asked is not None and self.keyed else None
        self.shape = plan.shape or Shape((), self.table.key if self.keyed else ())
        self.exists = plan.shape is not None
        self.added = self.changed = self.deleted = self.equal = self.duplicates = self.drifted = 0
        self.keys: dict[SqlValue, tuple[int, bytes]] = {}
        self.hashes: dict[str, int] = {}
        if not self.exists:
            tables.drop(db, plan.table)
            db.execute("DELETE FROM _sync_columns WHERE endpoint = ?", (plan.number,))
            db.execute("DELETE FROM _sync_held WHERE endpoint = ?", (plan.number,))
            db.execute(f"DROP TABLE IF EXISTS {self.rows_table}")
        db.execute(f"CREATE TABLE IF NOT EXISTS {self.rows_table} (n INTEGER PRIMARY KEY, key, digest BLOB)")
        self.before = 0
        self.remaining: dict[SqlValue, int | None] = {}
        self.empty_at_start = True

    def _look_at_table(self) -> None:
        if not self.exists:
            return
        self.remaining = self._remaining()
        self.before = len(self.remaining) if self.full and self.keyed else self.plan.rows
        self.empty_at_start = not self.db.execute(f"SELECT EXISTS (SELECT 1 FROM {self.name})").get

    def _remaining(self) -> dict[SqlValue, int | None]:
        """Key → row number of the records published before that were not staged as unchanged."""
        if not self.keyed:
            return {}
        if self.partial:
            # Rows are found by their key one by one, as most of the table is not in this listing.
            self.db.execute(f"CREATE INDEX IF NOT EXISTS {self.rows_table}_key ON {self.rows_table} (key)")
            return {}
        if self.full:
            self.db.execute(f"DELETE FROM {self.rows_table}")
            keys = ", ".join(quote(column.name) for column in self.shape.key_columns)
            return {_joined(row): None for row in self.db.execute(f"SELECT {keys} FROM {self.name}")}
        lookup = f"SELECT key FROM {self.rows_table} WHERE n = ?"
        return {self.db.execute(lookup, (n,)).get: n for n in self.staging.remaining.values()}

    def prepare(self, seen: dict[str, Kind]) -> None:
        """Bring the table to a shape that takes these kinds. Raises _Lossy where stored values would lose meaning."""
        if self.keyed and self.table.key == (HASH_KEY,):
            seen = {HASH_KEY: "text", **seen}
        after = tables.extended(self.shape, seen, self.table)
        if after == self.shape and self.exists:
            return
        if not self.exists:
            missing = [field for field in self.table.key if field not in {column.path for column in after.columns}]
            if self.keyed and missing:
                raise _no_key(missing[0], self.staging.records)
            tables.create(self.db, self.plan.table, after)
            self.exists = True
        elif after != self.shape:
            tables.alter(self.db, self.plan.table, self.shape, after)
        self.shape = after

    def publish(self, complete: bool, apply_held: bool) -> Outcome:
        self._look_at_table()
        if self.table.mode == "replace" and self.exists:
            self.deleted = self.before
            self.db.execute(f"DELETE FROM {self.name}")
            self.db.execute(f"DELETE FROM {self.rows_table}")
            self.remaining, self.empty_at_start = {}, True
        for page, staged in self.staging:
            records = decode_records([record for _, record in staged])
            digests = [digest for digest, _ in staged]
            if self.tombstone is None:
                self._take(page, digests, records)
                continue
            marks = [self.tombstone.marks(record) for record in records]
            for dead, group in groupby(range(len(records)), key=marks.__getitem__):
                positions = list(group)  # in their order, as a record may come back after its tombstone
                if dead:
                    self._bury([records[position] for position in positions])
                else:
                    self._take(page, [digests[each] for each in positions], [records[each] for each in positions])
        held = 0
        if self.table.mode == "mirror":
            held = self._delete_missing(apply_held) if complete else self._still_held()
        rows = self.before + self.added - self.deleted
        self._save(rows, held)
        return Outcome(
            added=self.added,
            changed=self.changed,
            deleted=self.deleted,
            unchanged=self.staging.unchanged + self.equal,
            held=held,
            rows=rows,
            warnings=tuple(self._warnings()),
        )

    def _take(self, page: int, digests: Sequence[bytes], records: Sequence[Fields]) -> None:
        seen: dict[str, Kind] = {}
        _see(seen, records)
        for column in self.shape.columns:
            wider = widen(column.kind, seen.get(column.path, "null"))
            if is_lossy(column.kind, wider):
                raise _Lossy
        self.prepare(seen)
        if self.keyed:
            self._upsert(page, digests, records)
        else:
            self._insert([self._bind(record) for record in records])
            self.added += len(records)

    def _bury(self, records: Sequence[Fields]) -> None:
        """Delete the records that these tombstones stand for."""
        if not self.exists or self.table.key == (HASH_KEY,):
            return  # a content hash does not tell which record it was: that one will be missing from the listing
        look_up, delete = (
            self._statement(f"{verb} FROM {{table}} WHERE {{key}}") for verb in ("SELECT {columns}", "DELETE")
        )
        positions = [self.shape.columns.index(column) for column in self.shape.key_columns]
        changes: list[tuple[SqlValue, str, str | None, str | None]] = []
        for record in records:
            row = self._bind(record)
            values = [row[position] for position in positions]
            self._check_key(values, record)
            key = _joined(values)
            self.keys.pop(key, None)
            n = self.remaining.pop(key, None)
            old = self.db.execute(look_up, values).fetchone()
            if old is None:
                continue
            self.db.execute(delete, values)
            self.deleted += 1
            changes.append((key, "deleted", self._json(old), None))
            where, value = ("n = ?", n) if n is not None else ("key IS ?", key)
            self.db.execute(f"DELETE FROM {self.rows_table} WHERE {where}", (value,))
            self.db.execute("DELETE FROM _sync_held WHERE endpoint = ? AND key IS ?", (self.plan.number, key))
        record_changes(self.db, self.run, self.plan.table, changes)

    def _bind(self, record: Fields) -> list[SqlValue]:
        return tables.binder(self.shape)(record)

    def _upsert(self, page: int, digests: Sequence[bytes], records: Sequence[Fields]) -> None:
        bind = tables.binder(self.shape)
        key_positions = [self.shape.columns.index(column) for column in self.shape.key_columns]
        look_up = self._statement("SELECT {columns} FROM {table} WHERE {key}")
        inserts: list[list[SqlValue]] = []
        new_digests: list[tuple[SqlValue, bytes]] = []
        changes: list[tuple[SqlValue, str, str | None, str | None]] = []
        for digest, record in zip(digests, records, strict=True):
            if self.table.key == (HASH_KEY,):
                record = {HASH_KEY: ("text", self._hash(digest)), **record}
            row = bind(record)
            key_values = [row[position] for position in key_positions]
            self._check_key(key_values, record)
            key = _joined(key_values)
            known = self.keys.get(key)
            if known is not None:
                self._repeated(key, known, page, digest)
                if known[1] == digest:
                    continue
            self.keys[key] = (page, digest)
            old: Sequence[Any] | None = None
            if known is not None or not self.empty_at_start:
                old = self.db.execute(look_up, key_values).fetchone()
            if old is None:
                inserts.append(row)
                self.added += 1
                if not self.empty_at_start:
                    changes.append((key, "added", None, self._json(row)))
            elif list(old) != row or any(type(a) is not type(b) for a, b in zip(old, row, strict=True)):
                differing = [
                    i for i, (a, b) in enumerate(zip(old, row, strict=True)) if a != b or type(a) is not type(b)
                ]
                self._update(row, key_values, differing)
                self.changed += known is None
                if not self.empty_at_start:
                    changes.append((key, "changed", self._json(old, differing), self._json(row, differing)))
            else:
                self.equal += known is None
            if known is None:
                new_digests.append((key, digest))
            else:
                self.db.execute(f"UPDATE {self.rows_table} SET digest = ? WHERE key IS ?", (digest, key))
        self._insert(inserts)
        self._remember(new_digests)
        record_changes(self.db, self.run, self.plan.table, changes)

    def _hash(self, digest: bytes) -> str:
        """Identical records are told apart by how many came before."""
        text = digest.hex()
        count = self.hashes[text] = self.hashes.get(text, 0) + 1
        return text if count == 1 else f"{text}:{count}"

    def _check_key(self, values: Sequence[SqlValue], record: Fields) -> None:
        for field, value in zip(self.table.key, values, strict=True):
            if value is None or record[field][0] == "json":
                raise _no_key(field, self.staging.records)

    def _repeated(self, key: SqlValue, known: tuple[int, bytes], page: int, digest: bytes) -> None:
        if known[1] == digest:
            self.duplicates += 1
        elif known[0] == page:
            raise StoreError(
                f"{', '.join(self.table.key)} does not tell the records apart",
                f"Two different records on one page share {key!r}.",
                "Choose a key (table.key) whose fields together are different for every record.",
            )
        else:
            self.drifted += 1

    def _insert(self, rows: Sequence[Sequence[SqlValue]]) -> None:
        if rows:
            columns = ", ".join(quote(column.name) for column in self.shape.columns)
            holes = ", ".join("?" * len(self.shape.columns))
            self.db.executemany(f"INSERT INTO {self.name} ({columns}) VALUES ({holes})", rows)

    def _update(self, row: Sequence[SqlValue], key_values: Sequence[SqlValue], positions: Sequence[int]) -> None:
        sets = ", ".join(f"{quote(self.shape.columns[position].name)} = ?" for position in positions)
        self.db.execute(
            self._statement(f"UPDATE {{table}} SET {sets.replace('{', '{{').replace('}', '}}')} WHERE {{key}}"),
            [*(row[position] for position in positions), *key_values],
        )

    def _statement(self, template: str) -> str:
        return template.format(
            table=self.name,
            columns=", ".join(quote(column.name) for column in self.shape.columns),
            key=" AND ".join(f"{quote(column.name)} = ?" for column in self.shape.key_columns),
        )

    def _remember(self, digests: Sequence[tuple[SqlValue, bytes]]) -> None:
        """One digest per key: two would make a record look deleted when only one of its forms goes."""
        fresh = []
        for key, digest in digests:
            n = self.remaining.get(key)
            if n is not None:
                self.db.execute(f"UPDATE {self.rows_table} SET digest = ? WHERE n = ?", (digest, n))
            elif self.empty_at_start or key in self.remaining:
                fresh.append((key, digest))
            else:
                self.db.execute(f"UPDATE {self.rows_table} SET digest = ? WHERE key IS ?", (digest, key))
                if not self.db.changes():
                    fresh.append((key, digest))
        self.db.executemany(f"INSERT INTO {self.rows_table} (key, digest) VALUES (?, ?)", fresh)

    def _delete_missing(self, apply_held: bool) -> int:
        """Delete what the listing no longer has, or hold it when that is suspiciously much; how many are held."""
        number = self.plan.number
        kept = {key for (key,) in self.db.execute("SELECT key FROM _sync_held WHERE endpoint = ? AND kept", (number,))}
        missing = [key for key in self.remaining if key not in self.keys and key not in kept]
        self.db.execute("DELETE FROM _sync_held WHERE endpoint = ? AND NOT kept", (number,))
        if kept:
            back = [(number, key) for key in kept if key in self.keys or key not in self.remaining]
            self.db.executemany("DELETE FROM _sync_held WHERE endpoint = ? AND key IS ?", back)
        too_many = len(missing) > max(BRAKE_COUNT, BRAKE_SHARE * self.before) or not self.staging.records
        if not missing:
            return 0
        if too_many and not apply_held:
            self.db.executemany("INSERT INTO _sync_held VALUES (?, ?, 0)", [(number, key) for key in missing])
            return len(missing)
        look_up, delete = (
            self._statement(f"{verb} FROM {{table}} WHERE {{key}}") for verb in ("SELECT {columns}", "DELETE")
        )
        changes: list[tuple[SqlValue, str, str | None, str | None]] = []
        for key in missing:
            values = _split(key, len(self.table.key))
            old = self.db.execute(look_up, values).fetchone()
            if old is not None:
                self.db.execute(delete, values)
                self.deleted += 1
                changes.append((key, "deleted", self._json(old), None))
            if (n := self.remaining.pop(key)) is not None:
                self.db.execute(f"DELETE FROM {self.rows_table} WHERE n = ?", (n,))
        record_changes(self.db, self.run, self.plan.table, changes)
        return 0

    def _still_held(self) -> int:
        """How many deletes stay held when this listing says nothing about what it lacks."""
        number = self.plan.number
        held = [key for (key,) in self.db.execute("SELECT key FROM _sync_held WHERE endpoint = ?", (number,))]
        back = [key for key in held if key in self.keys or not (self.partial or key in self.remaining)]
        self.db.executemany("DELETE FROM _sync_held WHERE endpoint = ? AND key IS ?", [(number, key) for key in back])
        return int(self.db.execute("SELECT count(*) FROM _sync_held WHERE endpoint = ? AND NOT kept", (number,)).get)

    def _keep_in_mind(self) -> None:
        """After a full comparison: what stays in the table though the listing lacks it must be found missing again."""
        if self.full and self.keyed:
            left = [(key, os.urandom(16)) for key in self.remaining if key not in self.keys]
            self.db.executemany(f"INSERT INTO {self.rows_table} (key, digest) VALUES (?, ?)", left)

    def _save(self, rows: int, held: int) -> None:
        self._keep_in_mind()
        if self.exists:
            before = tables.load_shape(self.db, self.plan.number, self.table.key)
            if before != self.shape:
                tables.save_shape(self.db, self.plan.number, self.shape)
        self.db.execute(
            "UPDATE _sync_endpoints SET table_name = ?1, mapping = ?2, rows = ?3, held = ?4 WHERE number = ?5"
            " AND (table_name, mapping, rows, held) IS NOT (?1, ?2, ?3, ?4)",
            (self.plan.table if self.exists else None, self.plan.mapping, rows, held, self.plan.number),
        )

    def _json(self, row: Sequence[Any], positions: Sequence[int] | None = None) -> str:
        columns = self.shape.columns
        picked = range(len(columns)) if positions is None else positions
        return msgspec.json.encode(
            {
                columns[i].name: msgspec.Raw(row[i].encode())
                if columns[i].kind == "json" and row[i] is not None
                else row[i]
                for i in picked
            }
        ).decode()

    def _warnings(self) -> Iterator[str]:
        if self.duplicates:
            yield f"The server listed {self.duplicates:,} records twice."
        if self.drifted:
            yield f"{self.drifted:,} records changed or moved while they were listed; the later form was kept."


def _joined(values: Sequence[Any]) -> Any:
    """A key as one SQL value: itself when it is one field, else a JSON array."""
    return values[0] if len(values) == 1 else msgspec.json.encode(list(values)).decode()


def _split(key: Any, count: int) -> list[Any]:
    return [key] if count == 1 else list(msgspec.json.decode(key))


def _no_key(field: str, records: int) -> StoreError:
    return StoreError(
        "Some records have no key",
        f"The field {field!r} is missing or empty in at least one of {records:,} records.",
        "Choose a key (table.key) that every record has.",
    )
