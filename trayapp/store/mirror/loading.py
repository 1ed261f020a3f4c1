"""Staged records as rows of one table, which is made and changed as they need it."""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import apsw
import msgspec

from trayapp.endpoints.model import Table
from trayapp.messages import say
from trayapp.store.errors import StoreError, UnfitKey
from trayapp.store.mirror import schema as tables
from trayapp.store.mirror.claim import Plan
from trayapp.store.mirror.decoder import Misfit, RowDecoder, Rows, kinds_beyond
from trayapp.store.mirror.deletions import Missing
from trayapp.store.mirror.own_keys import OwnKeys
from trayapp.store.mirror.schema import OWN_KEYS, Shape
from trayapp.store.records.casting import cast_cells, cast_records
from trayapp.store.records.cells import Cell, Column
from trayapp.store.records.digests import Digests
from trayapp.store.records.fields import Fields, decode_records
from trayapp.store.records.keys import joined
from trayapp.store.records.pages import CellPage, JsonPage
from trayapp.store.records.values import Kind, SqlValue, is_lossy, widen

SAMPLE = 200
"""So many records of the first batch are looked at for the kinds of their fields."""

_NOTHING: tuple[Kind, SqlValue] = ("null", None)


class Lossy(Exception):
    """Stored values would lose their meaning in a column that becomes wider, or remembered keys would be others."""


def see(seen: dict[str, Kind], records: Sequence[Fields]) -> None:
    """Take the kinds of the records' fields into `seen`."""
    for record in records:
        for path, (kind, _) in record.items():
            before = seen.get(path)
            if before != kind:
                seen[path] = kind if before is None else widen(before, kind)


class Fitting:
    """The table of one publish. `shape` is what it has now, or will have; `exists` whether it is there.

    `own_key`: the field of ours that is its key, "" when the records have one.
    """

    def __init__(self, db: apsw.Connection, plan: Plan, settings: Table, count: Callable[[], int]) -> None:
        """`count` says how many records were listed. A table that does not fit the settings is dropped."""
        self._db = db
        self._plan = plan
        self._settings = settings
        self._count = count
        self._keyed = bool(settings.key) and settings.mode != "append"
        self.own_key = settings.key[0] if self._keyed and settings.key[0] in OWN_KEYS else ""
        self.shape = plan.shape or Shape((), settings.key if self._keyed else ())
        self.exists = plan.shape is not None
        self._types = _applicable(settings.types, self.shape)
        self._own = OwnKeys(self.own_key)
        self._loose: frozenset[str] = frozenset()
        self._decoder: tuple[Shape, frozenset[str], RowDecoder | None] | None = None
        if not self.exists:
            tables.drop(db, plan.table)
            db.execute("DELETE FROM _sync_columns WHERE endpoint = ?", (plan.number,))

    def prepare(self, seen: dict[str, Kind]) -> None:
        """Bring the table to a shape that takes these kinds."""
        after = self._shape_for(seen)
        if after == self.shape and self.exists:
            return
        if not self.exists:
            missing = [field for field in self._settings.key if field not in {column.path for column in after.columns}]
            if self._keyed and missing:
                raise _no_key(missing[0], self._count())
            if not after.columns:
                raise _no_fields()
            tables.create(self._db, self._plan.table, after)
            self.exists = True
        elif after != self.shape:
            tables.alter(self._db, self._plan.table, self.shape, after)
            Missing(self._db, self._plan.number).rekey(self.shape.key_columns, after.key_columns)
        self.shape = after

    def _shape_for(self, seen: dict[str, Kind]) -> Shape:
        own: dict[str, Kind] = {self.own_key: OWN_KEYS[self.own_key]} if self.own_key else {}
        return tables.extended(self.shape, {**own, **seen}, self._settings)

    def rows_of_json(self, page: JsonPage) -> Rows:
        """The records as rows of the table, brought to a shape that takes them. Raises Lossy where that can't be."""
        own = self._own.values(page.digests)
        seen: dict[str, Kind] = {}
        shape = self.shape
        if not self.exists:
            see(seen, self.cast(decode_records(page[:SAMPLE])))
            shape = self._shape_for(seen)
        decoder = self._decoder_for(shape)
        if decoder is not None:
            try:
                rows = decoder.decode(page.text, own)
            except Misfit:
                pass
            else:
                self.prepare(seen)
                return rows
        return self._bound(decode_records(page), own)

    def rows_of(self, records: list[Fields], digests: Digests) -> Rows:
        """Decoded records as rows likewise. Raises Lossy where stored values would lose their meaning."""
        return self._bound(records, self._own.values(digests))

    def cast(self, records: list[Fields]) -> list[Fields]:
        """Decoded records with their values as the settings want them. StoreError where that can't be."""
        return cast_records(records, self._types)

    def keys_of(self, records: list[Fields]) -> list[Any]:
        """The keys of decoded records, which stay out of the table."""
        records = self.cast(records)
        self._check_keys(records)
        return self.keys(list(map(tuple, map(tables.binder(self.shape), records))))

    def _bound(self, records: list[Fields], own: Sequence[SqlValue]) -> Rows:
        """The records as rows, each value looked at."""
        records = self.cast(records)
        seen: dict[str, Kind] = {}
        see(seen, records)
        self._check_loss(seen)
        before = (self.shape, self._loose)
        self.prepare(seen)
        self._loose |= kinds_beyond(self.shape, records)
        if before == (self.shape, self._loose):
            # Something rarer was the reason, like numbers in a text column that no double holds.
            texts = {column.path for column in self.shape.columns if column.kind == "text"}
            self._loose |= texts - set(self.shape.key)
        if self.own_key:
            kind = OWN_KEYS[self.own_key]
            records = [{self.own_key: (kind, value), **record} for value, record in zip(own, records, strict=True)]
        self._check_keys(records)
        return list(map(tuple, map(tables.binder(self.shape), records)))

    def rows_of_cells(self, page: CellPage) -> Rows:
        """The rows of one block likewise: its columns are looked at as a whole, so that any kind of cells is taken."""
        (block,) = page.blocks
        own = self._own.values(block.digests)
        cells = {name: self._column(name, column) for name, column in zip(block.names, block.columns(), strict=True)}
        seen = {name: column.kind for name, column in cells.items()}
        self._check_loss(seen)
        self.prepare(seen)
        for field in self.shape.key:
            if field != self.own_key and (field not in cells or cells[field].has_empty):
                raise _no_key(field, self._count())
        others: dict[str, Sequence[SqlValue]] = {self.own_key: own} if self.own_key else {}
        nothing = [None] * len(block.digests)
        columns = [
            cells[column.path].bound(column.kind) if column.path in cells else others.get(column.path, nothing)
            for column in self.shape.columns
        ]
        return list(zip(*columns, strict=True))

    def _column(self, name: str, cells: Sequence[Cell]) -> Column:
        type = self._types.get(name)
        return Column(cells) if type is None else Column(cast_cells(name, cells, type), type == "boolean")

    def _check_loss(self, seen: Mapping[str, Kind]) -> None:
        for column in self.shape.columns:
            after = widen(column.kind, seen.get(column.path, "null"))
            if is_lossy(column.kind, after) or (column.path in self.shape.key and _is_rewritten(column.kind, after)):
                raise Lossy

    def _check_keys(self, records: Sequence[Fields]) -> None:
        for field in self.shape.key:
            if any(record.get(field, _NOTHING)[0] in ("null", "json") for record in records):
                raise _no_key(field, self._count())

    def _decoder_for(self, shape: Shape) -> RowDecoder | None:
        if self._decoder is None or self._decoder[:2] != (shape, self._loose):
            try:
                decoder = RowDecoder(shape, self._settings.ignore, self._loose)
            except ValueError:
                decoder = None
            self._decoder = (shape, self._loose, decoder)
        return self._decoder[2]

    def keys(self, rows: Rows) -> list[Any]:
        """The rows' keys, each one SQL value."""
        positions = [self.shape.columns.index(column) for column in self.shape.key_columns]
        if len(positions) == 1:
            return list(map(itemgetter(positions[0]), rows))
        return list(map(joined, map(itemgetter(*positions), rows)))

    def as_json(self, row: Sequence[Any], positions: Sequence[int] | None = None) -> str:
        """A row, or its fields at these positions, as one JSON object."""
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

    def save(self) -> None:
        """Record the shape for the next run."""
        if self.exists and tables.load_shape(self._db, self._plan.number, self._settings.key) != self.shape:
            tables.save_shape(self._db, self._plan.number, self.shape)


def _applicable(types: Mapping[str, str], shape: Shape) -> dict[str, str]:
    """The types but for those of columns that hold another one already, from before values were made to fit."""
    kinds = {column.path: column.kind for column in shape.columns}
    return {
        field: type
        for field, type in types.items()
        if kinds.get(field, type) in (type, "null", "long" if type == "integer" else type)
    }


def _is_rewritten(before: Kind, after: Kind) -> bool:
    """Whether values are written otherwise in a column that becomes wider so, like 1 as 1.0."""
    return before not in ("null", "real") and after == "real"


def _no_fields() -> StoreError:
    return StoreError(
        say("The records have no fields"),
        say("A table can't be made for records that are all empty."),
        say("Check where the records are in the response (response.records)."),
        code="no_fields",
        field="response.records",
    )


def _no_key(field: str, records: int) -> UnfitKey:
    return UnfitKey(
        say("Some records have no key"),
        say(
            "The field “{field}” is missing or empty in at least one of {count} records.",
            field=field,
            count=records,
        ),
        say("Choose a key (table.key) that every record has."),
    )
