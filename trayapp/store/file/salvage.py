"""What can be read of a damaged file, copied into a new one."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

import apsw

from trayapp.store.errors import translated
from trayapp.store.file.damage import complaints
from trayapp.store.file.leaves import FIRST, leaves
from trayapp.store.file.transactions import all_or_nothing
from trayapp.store.names import quote

Row = tuple[Any, ...]
Gap = tuple[int, int]
"""The least and the greatest rowid of a part that can't be read."""

_KINDS = ("table", "index", "trigger", "view")
_UNREADABLE = (apsw.CorruptError, apsw.NotADBError, apsw.FormatError, apsw.SQLError)


class Loss(NamedTuple):
    """A table of which something can't be read: the rows with these rowids; which is not known where there are none.

    doubtful: all could be read, but something of it must be missing or wrong.
    """

    table: str
    gaps: tuple[Gap, ...] = ()
    doubtful: bool = False


class _Object(NamedTuple):
    type: str
    name: str
    root: int
    sql: str | None


class _Table(NamedTuple):
    """How rows are read and written: `rowid` is the word for it, "" for a table without. `key` orders such a table."""

    name: str
    columns: tuple[str, ...]
    rowid: str
    key: tuple[str, ...]


def salvage(
    source: Path, target: Path, skipped: Callable[[str], bool] = lambda _: False, *, is_damaged: bool = True
) -> list[Loss]:
    """Copy what can be read of `source` to `target`, a new file, but for the tables that are `skipped`.

    is_damaged: that is known, and each table is checked; else damage raises StoreCorrupt. The tables of which
    something is lost; `target` has all of them of which the definition can be read. The file's own list of its tables
    is the table "sqlite_schema", which can lose rows likewise. Where `source` is sound this is a copy of one state of
    it. StoreErrors; StoreCorrupt when nothing can be read.
    """
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with translated(target):
        new = apsw.Connection(str(target))
        try:
            new.execute("PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = OFF; PRAGMA journal_mode = MEMORY")
            with translated(source):
                old = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READONLY)
            try:
                old.set_busy_timeout(5000)
                # What can be read of the list of tables counts, and so does what there is of a file that was cut off.
                old.execute("PRAGMA writable_schema = ON; PRAGMA cell_size_check = ON; BEGIN")
                with all_or_nothing(new):
                    losses = _Salvage(source, old, new, is_damaged).all(skipped)
                    with suppress(*_UNREADABLE):
                        new.pragma("user_version", old.pragma("user_version"))
            finally:
                old.close()
        finally:
            new.close()
    return losses


def fill(db: apsw.Connection, backup: Path, loss: Loss) -> int:
    """Copy the rows that were lost from a back-up, where that has the table; how many came. StoreErrors.

    Of a doubtful table all its rows, also instead of those that are there: which of them are right is not known.
    """
    with translated(backup):
        copy = apsw.Connection(str(backup), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            sql = copy.execute(
                "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ? AND sql IS NOT NULL", (loss.table,)
            ).get
            if sql is None:
                return 0
            if not db.table_exists("main", loss.table):
                db.execute(str(sql))
                _make_dependents(db, copy, loss.table)
            table, ours = _table(copy, loss.table), _table(db, loss.table)
            both = tuple(name for name in table.columns if name in ours.columns)
            if bool(table.rowid) != bool(ours.rowid) or not both:
                return 0
            table = table._replace(columns=both)
            if not table.rowid or not loss.gaps:
                return _insert(db, table, _rows(copy, table), "REPLACE" if loss.doubtful else "IGNORE")
            return sum(_insert(db, table, _between(copy, table, low, high)) for low, high in loss.gaps)
        finally:
            copy.close()


def tables_of(path: Path) -> list[str]:
    """The names of all tables in a sound file. StoreErrors."""
    with translated(path):
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            rows = db.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage AND name NOT LIKE 'sqlite_%'"
            )
            return [str(name) for (name,) in rows]
        finally:
            db.close()


def missing_tables(db: apsw.Connection, backup: Path) -> list[str]:
    """The tables of which a back-up has rows, by their rowid or key, that `db` has not. StoreErrors."""
    with translated(backup):
        db.execute("ATTACH ? AS copy", (str(backup),))
        try:
            return [name for name in tables_of(backup) if db.table_exists("main", name) and _has_more(db, name)]
        finally:
            db.execute("DETACH copy")


def _has_more(db: apsw.Connection, name: str) -> bool:
    table = _table(db, name)
    key = table.rowid or ", ".join(map(quote, table.key))
    ours, theirs = (f"SELECT {key} FROM {schema}.{quote(name)}" for schema in ("main", "copy"))
    try:
        return bool(db.execute(f"SELECT EXISTS ({theirs} EXCEPT {ours})").get)
    except apsw.SQLError:  # it has other columns there
        return False


class _Salvage:
    def __init__(self, path: Path, old: apsw.Connection, new: apsw.Connection, is_damaged: bool) -> None:
        self._path = path
        self._old = old
        self._new = new
        self._is_damaged = is_damaged
        self._losses: list[Loss] = []

    def all(self, skipped: Callable[[str], bool]) -> list[Loss]:
        objects = self._objects()
        for each in objects:
            if each.type == "table" and not each.name.startswith("sqlite_") and not skipped(each.name):
                self._copy_table(each)
        if any(each.name == "sqlite_sequence" for each in objects):
            self._copy_rows("sqlite_sequence", 0)
        for kind in ("index", "trigger", "view"):
            for each in objects:
                if each.type == kind and each.sql is not None:
                    self._make(each)
        return self._losses

    def _objects(self) -> list[_Object]:
        """What the file's list of its tables says, as far as it can be read."""
        schema = _Table("sqlite_schema", ("type", "name", "rootpage", "sql"), "rowid", ())
        rows: list[Row] = []
        try:
            rows += _ordered(_rows(self._old, schema))
        except _UNREADABLE:
            if not self._is_damaged:
                raise
            rows = []
            gaps = self._around(schema, 1, rows.extend)
            self._losses.append(Loss("sqlite_schema", tuple(gaps)))
        found = []
        for _, *values in rows:
            kind, name, root, sql = (_text(values[2 * at], values[2 * at + 1]) for at in range(4))
            is_whole = isinstance(root, int) and (sql is None or isinstance(sql, str))
            if kind in _KINDS and isinstance(name, str) and is_whole:
                found.append(_Object(kind, name, root, sql))
            elif not self._losses:
                self._losses.append(Loss("sqlite_schema"))
        return found

    def _copy_table(self, table: _Object) -> None:
        if not self._make(table):
            return
        if not table.root:  # a virtual table's rows are in other tables
            return
        self._copy_rows(table.name, table.root)

    def _make(self, object: _Object) -> bool:
        """Make it in the new file; False, and it is lost, when what it was made by can't be used any more."""
        try:
            if object.type == "table" and not object.root:
                self._new.execute("PRAGMA writable_schema = ON")
                self._new.execute(
                    "INSERT INTO sqlite_schema VALUES ('table', ?1, ?1, 0, ?2)", (object.name, object.sql)
                )
                self._new.execute("PRAGMA writable_schema = RESET")
            else:
                self._new.execute(object.sql or "")
        except (apsw.SQLError, apsw.ConstraintError):
            self._losses.append(Loss(object.name))
            return False
        return True

    def _copy_rows(self, name: str, root: int) -> None:
        table = _table(self._new, name)
        if not table.columns:
            return
        try:
            rows = _rows(self._old, table)
            with all_or_nothing(self._new):  # what came before the damage may be wrong, too
                _insert(self._new, table, _ordered(rows) if table.rowid else rows)
            if self._is_damaged and complaints(self._old, name):
                self._losses.append(Loss(name, doubtful=True))
        except _UNREADABLE:
            if not self._is_damaged:
                raise
            gaps = self._around(table, root, lambda rows: _insert(self._new, table, rows))
            self._losses.append(Loss(name, tuple(gaps)))

    def _around(self, table: _Table, root: int, take: Callable[[Iterator[Row]], object]) -> list[Gap]:
        """Give all rows that can be read around the damage to `take`, some twice perhaps; what can't be read."""
        if not table.rowid:
            keys = ", ".join(f"{quote(name)} DESC" for name in table.key)
            take(_until_damage(lambda: _rows(self._old, table)))
            take(_until_damage(lambda: _rows(self._old, table, f"ORDER BY {keys}")))
            return []
        gaps: list[Gap] = []
        for leaf in leaves(self._path, root):
            if leaf.ids is None:
                gaps.append((leaf.low, leaf.high))
            elif leaf.ids:
                gaps += self._read_leaf(table, leaf.ids, take)
        return gaps

    def _read_leaf(self, table: _Table, ids: Sequence[int], take: Callable[[Iterator[Row]], object]) -> list[Gap]:
        """Read the rows of one leaf, which is sound, while what it leads to may not be."""
        left = set(ids)

        def read(low: int, high: int) -> Iterator[Row]:
            for row in _between(self._old, table, low, high):
                if row[0] in left:
                    left.discard(row[0])
                    yield row

        take(_until_damage(lambda: read(ids[0], ids[-1])))
        for id in sorted(left):
            take(_until_damage(lambda id=id: read(id, id)))  # type: ignore[misc]  # mypy: a lambda's default has no type
        return [(id, id) for id in sorted(left)]


def _make_dependents(db: apsw.Connection, copy: apsw.Connection, table: str) -> None:
    of_it = "WHERE tbl_name = ? AND type IN ('index', 'trigger') AND sql IS NOT NULL"
    for (sql,) in copy.execute(f"SELECT sql FROM sqlite_schema {of_it}", (table,)).fetchall():
        with suppress(apsw.SQLError):  # the name is taken by another
            db.execute(str(sql))


def _table(db: apsw.Connection, name: str) -> _Table:
    rows: list[Row] = db.execute(f"PRAGMA table_xinfo({quote(name)})").fetchall()
    columns = tuple(row[1] for row in rows if row[6] == 0)
    key = tuple(row[1] for row in sorted(rows, key=lambda row: row[5]) if row[5])
    has_rowid = not db.execute("SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?", (name,)).get
    taken = {column.lower() for column in columns}
    words = [word for word in ("rowid", "_rowid_", "oid") if word not in taken] if has_rowid else []
    return _Table(name, columns, words[0] if words else "", key or columns)


def _rows(db: apsw.Connection, table: _Table, rest: str = "", values: Sequence[int] = ()) -> Iterator[Row]:
    """The table's rows: the rowid, if any, then of each column the value, text as bytes, and whether it is text.

    Text need not be UTF-8 in a file that others write, or that is damaged.
    """
    names = [table.rowid] if table.rowid else []
    for column in map(quote, table.columns):
        is_text = f"typeof({column}) = 'text'"
        names += [f"iif({is_text}, CAST({column} AS BLOB), {column})", is_text]
    return db.execute(f"SELECT {', '.join(names)} FROM {quote(table.name)} {rest}", values)


def _between(db: apsw.Connection, table: _Table, low: int, high: int) -> Iterator[Row]:
    where = f"WHERE {table.rowid} >= ? AND {table.rowid} <= ? ORDER BY {table.rowid}"
    return _rows(db, table, where, (low, high))


def _insert(
    db: apsw.Connection, table: _Table, rows: Iterator[Row], others: Literal["IGNORE", "REPLACE"] = "IGNORE"
) -> int:
    """Add those that are not there yet, or all, as far as the table may hold them; how many."""
    names = [*([table.rowid] if table.rowid else []), *map(quote, table.columns)]
    holes = ["?1"] if table.rowid else []
    for value in range(len(holes) + 1, len(holes) + 1 + 2 * len(table.columns), 2):
        holes.append(f"iif(?{value + 1}, CAST(?{value} AS TEXT), ?{value})")
    before = db.total_changes()
    sql = f"INSERT OR {others} INTO {quote(table.name)} ({', '.join(names)}) VALUES ({', '.join(holes)})"
    db.executemany(sql, rows)
    return db.total_changes() - before


def _ordered(rows: Iterator[Row]) -> Iterator[Row]:
    """The rows, as long as their rowids ascend. CorruptError when they don't."""
    last = FIRST - 1
    for row in rows:
        if row[0] <= last:
            raise apsw.CorruptError
        last = row[0]
        yield row


def _until_damage(read: Callable[[], Iterator[Row]]) -> Iterator[Row]:
    try:
        yield from read()
    except _UNREADABLE:
        return


def _text(value: Any, is_text: int) -> Any:
    return value.decode("utf-8", "replace") if is_text else value
