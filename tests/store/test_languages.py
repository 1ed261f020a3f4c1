"""Old history and old states in today's language; the columns for whoever reads the file hold English."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from trayapp.errors import Problem
from trayapp.messages import foreign, say
from trayapp.store.bookkeeping.endpoint_states import EndpointRow, load_state, save_state
from trayapp.store.bookkeeping.history import RunRow, list_runs, record_run
from trayapp.store.file.database import Store
from trayapp.store.file.migrations import MIGRATIONS
from trayapp.sync.cancel import StopReason, stopped_sentence, time_limit
from trayapp.sync.report import Report, sentence_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
RUN = RunRow(
    endpoint="a",
    name="A",
    started=NOW,
    finished=NOW,
    status="stopped",
    reason=say("no network"),
    warnings=(foreign("Slow."), say("no network")),
    sentence=stopped_sentence(StopReason("condition", say("no network"))),
)
PROBLEM = Problem(
    say("The run took longer than {limit}", limit="30m"),
    next=say("Raise it."),
    code="time_limit",
    field="limits.run",
    line=7,
    action="edit_field",
)
STATE = EndpointRow(
    id="a",
    last_attempt=NOW,
    blocked_by=say("no network"),
    stop_reason=time_limit("30m").words,
    stop_code="time_limit",
    sentence=RUN.sentence,
    problem=PROBLEM,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "traysync.db")
    yield store
    store.close()


def keep(store: Store) -> None:
    with store.writing() as db:
        record_run(db, RUN)
        save_state(db, STATE)


def test_an_old_run_is_read_in_german(store: Store, german: None) -> None:
    keep(store)
    with store.reading() as db:
        (run,) = list_runs(db)
    assert [str(run.reason), str(run.sentence)] == ["kein Netz", "Angehalten: kein Netz."]
    assert [*map(str, run.warnings)] == ["Slow.", "kein Netz"]


def test_a_count_has_its_plural_in_german(store: Store, german: None) -> None:
    report = Report(
        endpoint="a", name="A", table="a", status="held", started=NOW, finished=NOW, added=1, changed=1200, held=2
    )
    with store.writing() as db:
        record_run(
            db, RunRow(endpoint="a", name="A", started=NOW, finished=NOW, status="held", sentence=sentence_of(report))
        )
    with store.reading() as db:
        (run,) = list_runs(db)
    assert str(run.sentence) == "1 neuer, 1.200 geändert. 2 Löschungen brauchen deine Zustimmung."
    assert run.sentence.english() == "1 new, 1,200 changed. 2 deletions need your confirmation."


def test_a_state_comes_back_with_all_that_its_problem_knows(store: Store, german: None) -> None:
    keep(store)
    with store.reading() as db:
        state = load_state(db, "a")
    assert state == STATE
    assert state.problem == PROBLEM
    assert str(state.problem.title) == "Der Lauf dauerte länger als 30m"


def test_the_columns_hold_english(store: Store, german: None) -> None:
    keep(store)
    with store.reading() as db:
        (run,) = db.execute("SELECT reason, sentence, warnings FROM _sync_runs").fetchall()
        (state,) = db.execute(
            "SELECT blocked_by, stop_reason, problem_title, problem_next, sentence FROM _sync_endpoints"
        ).fetchall()
    assert (run[0], run[1], json.loads(run[2])) == ("no network", "Stopped: no network.", ["Slow.", "no network"])
    assert state == (
        "no network",
        "took longer than 30m",
        "The run took longer than 30m",
        "Raise it.",
        "Stopped: no network.",
    )


def test_rows_of_older_versions_show_their_english(tmp_path: Path, german: None) -> None:
    db = apsw.Connection(str(tmp_path / "old.db"))
    for script in MIGRATIONS[:4]:
        db.execute(script)
    db.execute("PRAGMA user_version = 4")
    db.execute(
        'INSERT INTO _sync_runs (endpoint, name, "table", started, finished, status, reason, warnings, sentence)'
        " VALUES ('a', 'A', 'a', ?1, ?1, 'stopped', 'no network', '[\"Slow {x}.\"]', 'Stopped: no network.')",
        (NOW.isoformat(),),
    )
    db.execute(
        "INSERT INTO _sync_endpoints (id, last_attempt, blocked_by, problem_title, problem_cause, sentence)"
        " VALUES ('a', ?, 'no network', 'No answer', 'It was silent.', 'No answer: It was silent.'),"
        " ('b', NULL, '', '', '', '')",
        (NOW.isoformat(),),
    )
    db.close()
    store = Store(tmp_path / "old.db")
    with store.writing():
        pass
    with store.reading() as reader:
        (run,) = list_runs(reader)
        a, b = load_state(reader, "a"), load_state(reader, "b")
    store.close()
    assert [str(run.reason), str(run.sentence), str(run.warnings[0])] == [
        "no network",
        "Stopped: no network.",
        "Slow {x}.",
    ]
    assert str(a.blocked_by) == "no network"
    assert str(a.problem) == "No answer. It was silent."
    assert b == EndpointRow(id="b")
