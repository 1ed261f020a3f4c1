"""A block of statements that is done as a whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager

import apsw


@contextmanager
def all_or_nothing(db: apsw.Connection, *, writing: bool = False) -> Iterator[None]:
    """A transaction, or a part of the one that goes on. What leaves the block is what went wrong in it.

    apsw's own `with db:` fails to roll back where SQLite has done so itself, as when the disk reports an error, and
    says that instead. writing: nobody else writes from the beginning of the block on, so that what was read in it still
    holds when it writes.
    """
    begin, commit, roll_back = "BEGIN IMMEDIATE" if writing else "BEGIN", "COMMIT", "ROLLBACK"
    if db.in_transaction:
        begin, commit, roll_back = "SAVEPOINT part", "RELEASE part", "ROLLBACK TO part; RELEASE part"
    db.execute(begin)
    try:
        yield
        db.execute(commit)
    except BaseException:
        if db.in_transaction:
            db.execute(roll_back)
        raise
