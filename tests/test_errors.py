"""Any exception as a problem for people: the state of the machine is never called a bug."""

import errno
import os
import socket
import sqlite3
from pathlib import Path

import apsw
import pytest
import requests

from trayapp.errors import UserError, problem_of


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "disk_full"),
        (errno.EDQUOT, "disk_full"),
        (errno.EFBIG, "disk_full"),
        (errno.EACCES, "permission"),
        (errno.EPERM, "permission"),
        (errno.EROFS, "permission"),
        (errno.EMFILE, "too_many_files"),
        (errno.ENFILE, "too_many_files"),
        (errno.EIO, "disk_error"),
        (errno.EBUSY, "locked"),
        (errno.ENETUNREACH, "network"),
        (errno.EHOSTUNREACH, "network"),
        (errno.ECONNREFUSED, "network"),
        (errno.ECONNRESET, "network"),
        (errno.ETIMEDOUT, "network"),
    ],
)
def test_the_state_of_the_machine_is_no_bug(number: int, code: str) -> None:
    found = problem_of(OSError(number, os.strerror(number), "/data/traysync.db"))
    assert found.code == code
    assert found.title
    assert found.next
    assert found.action != "report_bug"


def test_it_says_where() -> None:
    assert "/data/x.db" in str(problem_of(OSError(errno.ENOSPC, "", "/data/x.db")).cause)
    assert "the data folder" in str(problem_of(OSError(errno.ENOSPC, "")).cause)


@pytest.mark.parametrize(
    "error",
    [
        socket.gaierror(socket.EAI_NONAME, "unknown"),
        requests.ConnectionError("refused"),
        requests.Timeout("slow"),
        TimeoutError(),
    ],
)
def test_the_network_is_no_bug(error: Exception) -> None:
    assert problem_of(error).code == "network"


def test_a_busy_database_is_no_bug(tmp_path: Path) -> None:
    holder = apsw.Connection(str(tmp_path / "x.db"))
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(apsw.BusyError) as caught:
        apsw.Connection(str(tmp_path / "x.db")).execute("CREATE TABLE t (x)")
    assert problem_of(caught.value).code == "locked"
    other = sqlite3.connect(tmp_path / "y.db")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError) as busy:
        sqlite3.connect(tmp_path / "y.db", timeout=0).execute("CREATE TABLE t (x)")
    assert problem_of(busy.value).code == "locked"


def test_a_full_database_is_no_bug() -> None:
    db = apsw.Connection(":memory:")
    db.execute("CREATE TABLE t (x); PRAGMA max_page_count = 3")
    with pytest.raises(apsw.FullError) as caught:
        db.execute("INSERT INTO t VALUES (zeroblob(100000))")
    assert problem_of(caught.value).code == "disk_full"


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        KeyError("x"),
        SystemExit(3),
        apsw.SQLError("no such table: x"),
        sqlite3.OperationalError("no such table: x"),
        requests.exceptions.InvalidURL("x"),
        FileNotFoundError(errno.ENOENT, "x", "y"),
    ],
)
def test_everything_else_is_a_bug(error: BaseException) -> None:
    found = problem_of(error)
    assert (found.code, found.action) == ("bug", "report_bug")


def test_what_a_person_can_act_on_keeps_its_own_words() -> None:
    error = UserError("No keyring", "It is locked.", "Unlock it.", code="keyring_locked", action="unlock_keyring")
    assert problem_of(error) is error.problem
