"""One transaction that makes the mirrored table equal to a listing, and says exactly what that changed."""

import os
from array import array
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import apsw
import msgspec

from trayapp.endpoints.model import Endpoint
from trayapp.store import table as tables
from trayapp.store.decoder import Misfit, RowDecoder, Rows, kinds_beyond
from trayapp.store.errors import StoreError
from trayapp.store.known import DIGEST, Known, KnownTable
from trayapp.store.names import quote
from trayapp.store.records import Fields, decode_records
from trayapp.store.runs import record_changes
from trayapp.store.staging import Batch, Staging
from trayapp.store.table import HASH_KEY, Column, Shape
from trayapp.store.tombstones import Tombstone
from trayapp.store.values import Kind, SqlValue, bound, is_lossy, widen

BRAKE_COUNT = 20
BRAKE_SHARE = 0.2

SAMPLE = 200
"""So many records of the first batch are looked at for the kinds of their fields."""

LOOK_UP = 250
"""Keys looked up, or rows deleted, by one statement."""

_NOTHING: tuple[Kind, SqlValue] = ("null", None)


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
    mapping = mapping_of(endpoint)
    db.execute("INSERT INTO _sync_endpoints (id) VALUES (?) ON CONFLICT DO NOTHING", (endpoint.id,))
    row = db.execute(
        "SELECT number, table_name, mapping, coalesce(rows, 0) FROM _sync_endpoints WHERE id = ?", (endpoint.id,)
    ).fetchone()
    assert row is not None
    number, old_name, old_mapping, rows = row
    name = endpoint.table.name
    there = old_name is not None and tables.exists(db, old_name)
    if there and rows and _keeps_what_is_gone(old_mapping) and old_mapping != mapping:
        if old_name == name:
            raise StoreError(
                f"The table {name} would lose rows",
                "Its key, columns or mode were changed, and it holds rows that the server may no longer list.",
                "Give the endpoint another table name: a new table is made, and this one stays. Or undo the change.",
            )
        there = False  # the old table stays as it is, and is the user's from now on
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


def _keeps_what_is_gone(mapping: str) -> bool:
    """Whether a table made so may hold rows that can't be fetched again."""
    return msgspec.json.decode(mapping)[1] in ("append", "upsert")


def load_known(db: apsw.Connection, plan: Plan) -> Known:
    """The digests of all records published before; none when the table is to be made anew."""
    table = KnownTable(db, plan.number)
    return table.load() if plan.shape is not None and tables.exists(db, table.name) else Known()


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
    for batch in staging:
        _see(seen, decode_records(batch.records()))
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
        published = set(KnownTable(db, plan.number).keys_at(staging.known, staging.missing))
    try:
        decoder = RowDecoder(Shape(columns, plan.shape.key), (), frozenset(), strict=False)
    except ValueError:
        decoder = None
    for batch in staging if published else ():
        published.difference_update(_keys_of(batch, columns, decoder))
    return len(published)


def _keys_of(batch: Batch, columns: Sequence[Column], decoder: RowDecoder | None) -> Iterator[Any]:
    """The keys of staged records, as they would be bound into these columns."""
    if decoder is not None:
        try:
            yield from map(_joined, decoder.decode(batch.text, [digest.hex() for digest in batch.digests]))
            return
        except Misfit:
            pass
    for digest, fields in zip(batch.digests, decode_records(batch.records()), strict=True):
        fields.setdefault(HASH_KEY, ("text", digest.hex()))
        values = [(fields.get(column.path, _NOTHING), column.kind) for column in columns]
        yield _joined([bound(kind, value, column) for (kind, value), column in values])


def stored_key(db: apsw.Connection, endpoint: Endpoint) -> tuple[str, ...]:
    """The key the endpoint's table was made with; () when there is none, or the rest of the mapping differs."""
    mapping = db.execute("SELECT mapping FROM _sync_endpoints WHERE id = ?", (endpoint.id,)).get
    if not isinstance(mapping, str):
        return ()
    key = tuple(msgspec.json.decode(mapping)[0])
    keyed = msgspec.structs.replace(endpoint, table=msgspec.structs.replace(endpoint.table, key=key))
    return key if mapping_of(keyed) == mapping else ()


def keep_held(db: apsw.Connection, id: str) -> None:
    """The user wants to keep the rows whose deletion is held: they stay until the server lists them again."""
    db.execute(
        "UPDATE _sync_held SET kept = 1 WHERE endpoint = (SELECT number FROM _sync_endpoints WHERE id = ?)", (id,)
    )
    db.execute("UPDATE _sync_endpoints SET held = 0 WHERE id = ?", (id,))


def mapping_of(endpoint: Endpoint) -> str:
    """The settings that decide how records become rows, as text."""
    table = endpoint.table
    parts = (table.key, table.mode, dict(table.rename), table.ignore, dict(table.types))
    return msgspec.json.encode(parts, order="sorted").decode()


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
        self.known = KnownTable(db, plan.number)
        self.keyed = bool(self.table.key) and self.table.mode != "append"
        asked = endpoint.incremental
        self.tombstone = Tombstone.parse(asked.deleted) if asked is not None and self.keyed else None
        self.hashed = self.keyed and self.table.key == (HASH_KEY,)
        self.shape = plan.shape or Shape((), self.table.key if self.keyed else ())
        self.exists = plan.shape is not None
        self.added = self.changed = self.deleted = self.equal = self.duplicates = self.drifted = 0
        self.met: dict[Any, tuple[int, bytes]] = {}
        self.bulk = array("I")  # the pages of what was added without an entry in `met`
        self.hashes: dict[str, int] = {}
        self.loose: frozenset[str] = frozenset()
        self.decoder: tuple[Shape, frozenset[str], RowDecoder | None] | None = None
        if not self.exists:
            tables.drop(db, plan.table)
            db.execute("DELETE FROM _sync_columns WHERE endpoint = ?", (plan.number,))
            db.execute("DELETE FROM _sync_held WHERE endpoint = ?", (plan.number,))
            self.known.drop()
        self.known.create()
        self.before = 0
        self.remaining: dict[Any, int | None] = {}
        """Key → position of the records published before that were not listed in this run, so far as was seen."""
        self.empty_at_start = True

    def _look_at_table(self) -> None:
        if not self.exists:
            return
        self.remaining = self._remaining()
        self.before = len(self.remaining) if self.full and self.keyed else self.plan.rows
        self.empty_at_start = not self.db.execute(f"SELECT EXISTS (SELECT 1 FROM {self.name})").get

    def _remaining(self) -> dict[Any, int | None]:
        if not self.keyed or self.partial:
            return {}
        if self.full:
            self.known.clear()
            keys = ", ".join(quote(column.name) for column in self.shape.key_columns)
            return {_joined(row): None for row in self.db.execute(f"SELECT {keys} FROM {self.name}")}
        missing = self.staging.missing
        return {**self.known.keys_at(self.staging.known, missing)} if missing else {}

    def prepare(self, seen: dict[str, Kind]) -> None:
        """Bring the table to a shape that takes these kinds."""
        after = self._shape_for(seen)
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

    def _shape_for(self, seen: dict[str, Kind]) -> Shape:
        return tables.extended(self.shape, {HASH_KEY: "text", **seen} if self.hashed else seen, self.table)

    def publish(self, complete: bool, apply_held: bool) -> Outcome:
        self._look_at_table()
        if self.table.mode == "replace" and self.exists:
            self.deleted = self.before
            self.db.execute(f"DELETE FROM {self.name}")
            self.known.clear()
            self.remaining, self.empty_at_start = {}, True
        for batch in self.staging:
            if self.tombstone is None:
                self._take(batch.pages, batch.digests, self._rows(batch))
            else:
                self._take_or_bury(batch, self.tombstone)
        held = 0
        if self.table.mode == "mirror":
            held = self._delete_missing(apply_held) if complete else self._still_held()
        rows_now = self.before + self.added - self.deleted
        self._keep_in_mind()
        self.known.write(Known() if self.full or self.table.mode == "replace" else self.staging.known)
        self._save(rows_now, held)
        return Outcome(
            added=self.added,
            changed=self.changed,
            deleted=self.deleted,
            unchanged=self.staging.unchanged + self.equal,
            held=held,
            rows=rows_now,
            warnings=tuple(self._warnings()),
        )

    def _take(self, pages: Sequence[int], digests: Sequence[bytes], rows: Rows) -> None:
        if not self.keyed:
            self._insert(rows)
            self.added += len(rows)
            return
        in_bulk = self.empty_at_start and not self.met and not self.partial and self.tombstone is None
        if not (in_bulk and self._insert_all(pages, digests, rows)):
            self._upsert(pages, digests, rows)

    def _take_or_bury(self, batch: Batch, tombstone: Tombstone) -> None:
        records = decode_records(batch.records())
        marks = [tombstone.marks(record) for record in records]
        for dead, group in groupby(range(len(records)), key=marks.__getitem__):
            positions = list(group)  # in their order, as a record may come back after its tombstone
            some = [records[position] for position in positions]
            if dead:
                self._bury(some)
            else:
                digests = [batch.digests[position] for position in positions]
                pages = [batch.pages[position] for position in positions]
                self._take(pages, digests, self._bound(some, [self._hash(digest) for digest in digests]))

    def _bury(self, records: Sequence[Fields]) -> None:
        """Delete the records that these tombstones stand for."""
        if not self.exists or self.hashed:
            return  # a content hash does not tell which record it was: that one will be missing from the listing
        self._check_keys(records)
        keys = self._keys(list(map(tuple, map(tables.binder(self.shape), records))))
        for key in keys:
            self.met.pop(key, None)
        self._delete(list(dict.fromkeys(keys)))
        self.db.executemany(
            "DELETE FROM _sync_held WHERE endpoint = ? AND key IS ?", [(self.plan.number, key) for key in keys]
        )

    def _rows(self, batch: Batch) -> Rows:
        """The batch as rows of the table, which is brought to a shape that takes them."""
        hashes = [self._hash(digest) for digest in batch.digests] if self.hashed else []
        seen: dict[str, Kind] = {}
        shape = self.shape
        if not self.exists:
            _see(seen, decode_records(batch.records()[:SAMPLE]))
            shape = self._shape_for(seen)
        decoder = self._decoder_for(shape)
        if decoder is not None:
            try:
                rows = decoder.decode(batch.text, hashes)
            except Misfit:
                pass
            else:
                self.prepare(seen)
                return rows
        return self._bound(decode_records(batch.records()), hashes)

    def _bound(self, records: Sequence[Fields], hashes: Sequence[str]) -> Rows:
        """The records as rows, each value looked at. Raises _Lossy where stored values would lose their meaning."""
        seen: dict[str, Kind] = {}
        _see(seen, records)
        for column in self.shape.columns:
            if is_lossy(column.kind, widen(column.kind, seen.get(column.path, "null"))):
                raise _Lossy
        before = (self.shape, self.loose)
        self.prepare(seen)
        self.loose |= kinds_beyond(self.shape, records)
        if before == (self.shape, self.loose):
            # Something rarer was the reason, like numbers in a text column that no double holds.
            texts = {column.path for column in self.shape.columns if column.kind == "text"}
            self.loose |= texts - set(self.shape.key)
        if self.hashed:
            records = [{HASH_KEY: ("text", text), **record} for text, record in zip(hashes, records, strict=True)]
        self._check_keys(records)
        return list(map(tuple, map(tables.binder(self.shape), records)))

    def _check_keys(self, records: Sequence[Fields]) -> None:
        for field in self.shape.key:
            if any(record.get(field, _NOTHING)[0] in ("null", "json") for record in records):
                raise _no_key(field, self.staging.records)

    def _decoder_for(self, shape: Shape) -> RowDecoder | None:
        if self.decoder is None or self.decoder[:2] != (shape, self.loose):
            try:
                decoder = RowDecoder(shape, self.table.ignore, self.loose)
            except ValueError:
                decoder = None
            self.decoder = (shape, self.loose, decoder)
        return self.decoder[2]

    def _keys(self, rows: Rows) -> list[Any]:
        positions = [self.shape.columns.index(column) for column in self.shape.key_columns]
        if len(positions) == 1:
            return list(map(itemgetter(positions[0]), rows))
        return list(map(_joined, map(itemgetter(*positions), rows)))

    def _insert_all(self, pages: Sequence[int], digests: Sequence[bytes], rows: Rows) -> bool:
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
        self.known.append(self._keys(rows), digests)
        return True

    def _upsert(self, pages: Sequence[int], digests: Sequence[bytes], rows: Rows) -> None:
        keys = self._keys(rows)
        if pages[0] != pages[-1] and len(set(keys)) < len(keys):
            for _, group in groupby(range(len(keys)), key=pages.__getitem__):
                places = list(group)  # page by page, as a later form of a record is compared with the one before
                self._upsert(
                    [pages[place] for place in places],
                    [digests[place] for place in places],
                    [rows[place] for place in places],
                )
            return
        stored = self._stored([key for key in keys if key in self.met or not self.empty_at_start])
        inserts: Rows = []
        new_keys: list[SqlValue] = []
        new_digests: list[bytes] = []
        updates: dict[tuple[int, ...], list[tuple[SqlValue, ...]]] = {}
        changes: list[tuple[SqlValue, str, str | None, str | None]] = []
        key_positions = [self.shape.columns.index(column) for column in self.shape.key_columns]
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
                new_keys.append(key)
                new_digests.append(digest)
                self.added += 1
                if not self.empty_at_start:
                    changes.append((key, "added", None, self._json(row)))
                continue
            differing = _differing(old, row)
            if differing:
                values = (*(row[i] for i in differing), *(row[i] for i in key_positions))
                updates.setdefault(differing, []).append(values)
                self.changed += known is None
                if not self.empty_at_start:
                    changes.append((key, "changed", self._json(old, differing), self._json(row, differing)))
            else:
                self.equal += known is None
                if self.partial and known is None:
                    continue  # nothing new is known of it, and a run without changes writes nothing
            self._enter(key, digest, known is None)
        self._insert(inserts)
        for positions, several in updates.items():
            self.db.executemany(self._update_sql(positions), several)
        self.known.append(new_keys, new_digests)
        record_changes(self.db, self.run, self.plan.table, changes)

    def _enter(self, key: SqlValue, digest: bytes, first: bool) -> None:
        """Note the digest of a record that has a row already. `first`: it is met in this run for the first time."""
        position = self.remaining.pop(key, None) if first else None
        if position is not None:
            self.known.replace(position, digest)
        elif self.full and first:
            self.known.append([key], [digest])
        else:
            self.known.supersede(key, digest)

    def _stored(self, keys: Sequence[Any]) -> dict[Any, tuple[Any, ...]]:
        """The rows with these keys that the table has, by key."""
        wanted = list(dict.fromkeys(keys))
        width = len(self.shape.key)
        columns = ", ".join(quote(column.name) for column in self.shape.columns)
        names = ", ".join(quote(column.name) for column in self.shape.key_columns)
        found: Rows = []
        step = max(1, LOOK_UP // width)
        for start in range(0, len(wanted), step):
            part = wanted[start : start + step]
            one = "?" if width == 1 else f"({', '.join('?' * width)})"
            several = f"VALUES {', '.join([one] * len(part))}" if width > 1 else ", ".join([one] * len(part))
            values = [value for key in part for value in _split(key, width)]
            found += self.db.execute(f"SELECT {columns} FROM {self.name} WHERE ({names}) IN ({several})", values)
        return dict(zip(self._keys(found), found, strict=True))

    def _hash(self, digest: bytes) -> str:
        """Identical records are told apart by how many came before."""
        text = digest.hex()
        count = self.hashes[text] = self.hashes.get(text, 0) + 1
        return text if count == 1 else f"{text}:{count}"

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

    def _insert(self, rows: Rows) -> None:
        if rows:
            columns = ", ".join(quote(column.name) for column in self.shape.columns)
            holes = ", ".join("?" * len(self.shape.columns))
            self.db.executemany(f"INSERT INTO {self.name} ({columns}) VALUES ({holes})", rows)

    def _update_sql(self, positions: Sequence[int]) -> str:
        sets = ", ".join(f"{quote(self.shape.columns[position].name)} = ?" for position in positions)
        return f"UPDATE {self.name} SET {sets} WHERE {self._key_is()}"

    def _key_is(self) -> str:
        return " AND ".join(f"{quote(column.name)} = ?" for column in self.shape.key_columns)

    def _delete_missing(self, apply_held: bool) -> int:
        """Delete what the listing no longer has, or hold it when that is suspiciously much; how many are held."""
        number = self.plan.number
        kept = {key for (key,) in self.db.execute("SELECT key FROM _sync_held WHERE endpoint = ? AND kept", (number,))}
        missing = [key for key in self.remaining if key not in kept]
        self.db.execute("DELETE FROM _sync_held WHERE endpoint = ? AND NOT kept", (number,))
        if kept:
            back = [(number, key) for key in kept if key not in self.remaining]
            self.db.executemany("DELETE FROM _sync_held WHERE endpoint = ? AND key IS ?", back)
        too_many = len(missing) > max(BRAKE_COUNT, BRAKE_SHARE * self.before) or not self.staging.records
        if not missing:
            return 0
        if too_many and not apply_held:
            self.db.executemany("INSERT INTO _sync_held VALUES (?, ?, 0)", [(number, key) for key in missing])
            return len(missing)
        for start in range(0, len(missing), LOOK_UP):
            self._delete(missing[start : start + LOOK_UP])
        return 0

    def _delete(self, keys: Sequence[Any]) -> None:
        stored = self._stored(keys)
        width = len(self.table.key)
        self.db.executemany(f"DELETE FROM {self.name} WHERE {self._key_is()}", [_split(key, width) for key in stored])
        self.deleted += len(stored)
        for key in keys:
            known = key in self.remaining
            position = self.remaining.pop(key, None)
            if position is not None:
                self.known.remove(position)
            elif key in stored and not known:
                self.known.supersede(key, None)
        changes = [(key, "deleted", self._json(stored[key]), None) for key in keys if key in stored]
        record_changes(self.db, self.run, self.plan.table, changes)

    def _still_held(self) -> int:
        """How many deletes stay held when this listing says nothing about what it lacks."""
        number = self.plan.number
        held = [key for (key,) in self.db.execute("SELECT key FROM _sync_held WHERE endpoint = ?", (number,))]
        back = [key for key in held if key in self.met or not (self.partial or key in self.remaining)]
        self.db.executemany("DELETE FROM _sync_held WHERE endpoint = ? AND key IS ?", [(number, key) for key in back])
        return int(self.db.execute("SELECT count(*) FROM _sync_held WHERE endpoint = ? AND NOT kept", (number,)).get)

    def _keep_in_mind(self) -> None:
        """After a full comparison: what stays in the table though the listing lacks it must be found missing again."""
        if self.full and self.remaining:
            self.known.append(list(self.remaining), [os.urandom(DIGEST) for _ in self.remaining])

    def _save(self, rows: int, held: int) -> None:
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


def _differing(old: Sequence[Any], new: Sequence[Any]) -> tuple[int, ...]:
    """The positions where two rows differ, if only in type."""
    if old == new and list(map(type, old)) == list(map(type, new)):
        return ()
    return tuple(i for i, (a, b) in enumerate(zip(old, new, strict=True)) if a != b or type(a) is not type(b))


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
