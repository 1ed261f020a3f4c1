"""The live backend: what windows ask of it happens on the real scheduler, settings file and database."""

import itertools
import threading
import time
from contextlib import contextmanager

import apsw
import msgspec
import psutil
import pytest
import requests

from tests.keyring import Keyring
from tests.patience import SECONDS, best_of
from tests.server import ApiServer, Listing, json_reply, late, problem
from trayapp.app.backend import LiveBackend
from trayapp.desktop.process.paths import Home
from trayapp.endpoints.merging import Conflict, Decision
from trayapp.endpoints.model import Auth, Endpoint, Request, Settings, Table, When
from trayapp.endpoints.units import Duration
from trayapp.errors import Problem
from trayapp.operations.workspace import Workspace
from trayapp.store.bookkeeping.endpoint_states import EndpointRow, load_state, save_state
from trayapp.store.reading.arrangement import Arrangement
from trayapp.store.reading.reader import Reader
from trayapp.sync.detection.preview import Preview

RECORDS = [{"id": n, "name": f"n{n}"} for n in range(1, 24)]


@pytest.fixture
def api():
    with ApiServer() as api:
        yield api


@contextmanager
def started(qtbot, workspace):
    workspace.home.create()
    backend = LiveBackend(workspace)
    backend.start()
    try:
        yield backend
    finally:
        with qtbot.waitSignal(backend.scheduler.finished):
            backend.shutdown(lambda: None)
        backend.scheduler.wait()
        workspace.close()


@pytest.fixture
def backend(qtbot, tmp_path):
    with started(qtbot, Workspace(Home(tmp_path / "h", tmp_path / "h", tmp_path / "h"))) as backend:
        yield backend


@contextmanager
def locked(path):
    """The database as another program holds it."""
    other = apsw.Connection(str(path))
    other.set_busy_timeout(5000)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


def ticket_of(qtbot, signal, ask):
    """What a ticket's signal brought."""
    tickets = []
    with qtbot.waitSignal(signal, check_params_cb=lambda ticket, _: ticket in tickets) as caught:
        tickets.append(ask())
    return caught.args[1]


def save(qtbot, backend, *endpoints, drop_tables=()):
    base = backend.workspace.settings()
    return ticket_of(
        qtbot, backend.saved, lambda: backend.save(Settings(endpoint=endpoints), {}, drop_tables, base=base)
    )


def endpoint(url, **fields):
    return Endpoint(**{"url": url, "id": "items", "name": "Items", "every": Duration(3600)} | fields)


def test_a_saved_endpoint_is_fetched_at_once(qtbot, backend, api):
    url = api.route("/items", Listing(RECORDS, pages="link"))
    with qtbot.waitSignal(backend.run_finished) as run:
        assert save(qtbot, backend, endpoint(url)) is None
    assert (run.args[0].added, run.args[0].status) == (23, "succeeded")
    assert backend.settings().endpoint[0].table.name == "items"
    qtbot.waitUntil(lambda: [each.rows for each in backend.snapshot().endpoints] == [23])
    page = ticket_of(qtbot, backend.rows_ready, lambda: backend.request_rows("items", 20, 10))
    assert (page.total, page.rows) == (23, ((21, "n21"), (22, "n22"), (23, "n23")))
    wanted = Arrangement(text="n2", column="id", descending=True)
    page = ticket_of(qtbot, backend.rows_ready, lambda: backend.request_rows("items", 3, 1, wanted))
    assert (page.total, page.in_table, page.rows) == (5, 23, ((20, "n20"),))
    with qtbot.waitSignal(backend.runs_changed) as runs:
        backend.request_runs()
    assert [str(row.sentence) for row in runs.args[0]] == ["23 new."]


@pytest.mark.parametrize("how", ["stopped", "the program ends"])
def test_reading_rows_ends_when_nobody_wants_them(qtbot, tmp_path, monkeypatch, how):
    reading = threading.Event()

    def page(self, db, *_):
        reading.set()
        return db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n").get

    monkeypatch.setattr(Reader, "page", page)
    answers = []
    with started(qtbot, Workspace(Home(tmp_path / "h", tmp_path / "h", tmp_path / "h"))) as backend:
        backend.rows_ready.connect(lambda *answer: answers.append(answer))
        ticket = backend.request_rows("items", 0, 10)
        qtbot.waitUntil(reading.is_set)
        if how == "stopped":
            backend.stop_rows(ticket)
            qtbot.waitUntil(lambda: all(thread.name != "background" for thread in threading.enumerate()))
    qtbot.waitUntil(lambda: all(thread.name != "background" for thread in threading.enumerate()))
    assert answers == []


def test_what_cannot_be_saved_is_told_and_changes_nothing(qtbot, backend, api):
    problem_ = save(qtbot, backend, endpoint("gopher://a.example"))
    assert isinstance(problem_, Problem)
    assert "field url" in str(problem_.cause)
    assert backend.settings().endpoint == ()


def test_a_removed_endpoint_can_take_its_table_along(qtbot, backend, api):
    url = api.route("/items", Listing(RECORDS))
    with qtbot.waitSignal(backend.run_finished):
        save(qtbot, backend, endpoint(url))
    save(qtbot, backend, drop_tables=("items",))
    with backend.workspace.store.reading() as db:
        assert not db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'items'").get
    qtbot.waitUntil(lambda: backend.snapshot().endpoints == ())


def test_rows_are_those_of_the_endpoint_also_before_its_table_follows_a_new_name(qtbot, backend, api):
    one, two = (endpoint(api.route(f"/{id}", Listing([{"id": 1, "of": id}])), id=id, name=id) for id in "ab")
    save(qtbot, backend, one, two)
    qtbot.waitUntil(lambda: [each.rows for each in backend.snapshot().endpoints] == [1, 1])
    swapped = [msgspec.structs.replace(each, table=Table(name=name)) for each, name in ((one, "b"), (two, "a"))]
    save(qtbot, backend, *swapped)
    for id in "ab":
        page = ticket_of(qtbot, backend.rows_ready, lambda id=id: backend.request_rows(id, 0, 10))
        assert page.rows == ((1, id),)


def test_a_removal_that_finds_the_file_locked_removes_nothing(qtbot, backend, api, monkeypatch):
    monkeypatch.setattr("trayapp.store.file.database.LOCK_PATIENCE", 0.2)
    url = api.route("/items", Listing(RECORDS))
    with qtbot.waitSignal(backend.run_finished):
        save(qtbot, backend, endpoint(url))
    with locked(backend.workspace.home.database):
        assert save(qtbot, backend, drop_tables=("items",)).code == "locked"
    assert [each.id for each in backend.workspace.settings().endpoint] == ["items"]
    with backend.workspace.store.reading() as db:
        assert db.execute("SELECT count(*) FROM items").get == 23


def test_what_another_program_wrote_since_a_window_read_the_settings_stays(qtbot, backend, api, monkeypatch):
    """The line is on disk only: no watcher has told of it. Its endpoint keeps its rows, its state and its secrets."""
    keyring = Keyring()
    monkeypatch.setattr("trayapp.desktop.secrets.keyrings.chosen_keyring", lambda: keyring)
    theirs = endpoint(
        api.route("/theirs", Listing(RECORDS)), id="theirs", name="Theirs", auth=Auth(kind="bearer"), enabled=False
    )
    mine = endpoint(api.route("/mine", Listing(RECORDS)), id="mine", name="Mine")
    base = backend.workspace.settings()
    other = Workspace(backend.workspace.home)
    other.save(theirs, "s3cret")
    with other.store.writing() as db:
        save_state(db, EndpointRow(id="theirs", attempts=3))
    other.close()
    ticket_of(qtbot, backend.saved, lambda: backend.save(Settings(endpoint=(mine,)), {}, base=base))
    assert {each.id for each in backend.workspace.settings().endpoint} == {"mine", "theirs"}
    assert keyring.kept["TraySync", "theirs/secret"] == "s3cret"
    with backend.workspace.store.reading() as db:
        assert load_state(db, "theirs").attempts == 3
    qtbot.waitUntil(lambda: {each.id for each in backend.settings().endpoint} == {"mine", "theirs"})


def test_a_window_s_removal_leaves_what_another_program_added(qtbot, backend, api):
    with qtbot.waitSignal(backend.run_finished):
        save(qtbot, backend, endpoint(api.route("/items", Listing(RECORDS))))
    base = backend.workspace.settings()
    backend.workspace.save(endpoint(api.url("/more"), id="more", name="More"))
    ticket_of(qtbot, backend.saved, lambda: backend.save(Settings(), {}, ("items", "more"), base=base))
    assert [each.id for each in backend.workspace.settings().endpoint] == ["more"]
    with backend.workspace.store.reading() as db:
        assert not db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'items'").get


@pytest.mark.parametrize(("prefer", "name"), [("mine", "Mine"), ("theirs", "Theirs")])
def test_a_field_changed_on_both_sides_is_asked_about(qtbot, backend, api, prefer, name):
    save(qtbot, backend, endpoint(api.route("/items", Listing(RECORDS))))
    base = backend.workspace.settings()
    (saved,) = base.endpoint
    mine = Settings(endpoint=(msgspec.structs.replace(saved, name="Mine", tags=("mine",)),))
    backend.workspace.edit("items", {"name": "Theirs", "every": "2h"})
    conflicts = ticket_of(qtbot, backend.conflict, lambda: backend.save(mine, {}, base=base))
    assert conflicts == (Conflict("items", "name", "Mine", "Theirs"),)
    assert backend.workspace.endpoint("items").name == "Theirs"
    decision = Decision(prefer, conflicts)
    backend.workspace.edit("items", {"tags": '["theirs"]'})
    more = ticket_of(qtbot, backend.conflict, lambda: backend.save(mine, {}, base=base, decision=decision))
    assert [each.path for each in more] == ["name", "tags"], "what nobody has decided is asked again"
    ticket_of(qtbot, backend.saved, lambda: backend.save(mine, {}, base=base, decision=Decision(prefer, more)))
    found = backend.workspace.endpoint("items")
    assert (found.name, found.tags, found.every) == (name, (prefer,), Duration(7200))


def test_a_conflict_costs_no_endpoint_its_secret(qtbot, backend, api, monkeypatch):
    keyring = Keyring()
    monkeypatch.setattr("trayapp.desktop.secrets.keyrings.chosen_keyring", lambda: keyring)
    backend.workspace.save(endpoint(api.url("/items"), auth=Auth(kind="bearer")), "s3cret")
    base = backend.workspace.settings()
    backend.workspace.edit("items", {"name": "Theirs"})
    ticket_of(qtbot, backend.conflict, lambda: backend.save(Settings(), {}, ("items",), base=base))
    mine = Settings(endpoint=(endpoint(api.url("/items"), name="Mine"),))
    ticket_of(qtbot, backend.conflict, lambda: backend.save(mine, {"items": "another"}, base=base))
    assert keyring.kept["TraySync", "items/secret"] == "s3cret"


def test_a_secret_is_not_given_for_where_another_program_s_edit_leads(qtbot, backend, api, monkeypatch):
    """Nobody who typed it has seen that address."""
    keyring = Keyring()
    monkeypatch.setattr("trayapp.desktop.secrets.keyrings.chosen_keyring", lambda: keyring)
    backend.workspace.save(endpoint("http://one.example/items", auth=Auth(kind="bearer"), enabled=False))
    base = backend.workspace.settings()
    mine = Settings(endpoint=(msgspec.structs.replace(base.endpoint[0], name="Mine"),))
    backend.workspace.edit("items", {"url": "http://two.example/items"})
    ticket_of(qtbot, backend.saved, lambda: backend.save(mine, {"items": "s3cret"}, base=base))
    found = backend.workspace.endpoint("items")
    assert (found.url, found.name) == ("http://two.example/items", "Mine")
    assert keyring.said_of("items/secret") == {"http://one.example"}


def test_a_preview_comes_back_with_its_ticket(qtbot, backend, api):
    url = api.route("/items", Listing(RECORDS, pages="link"))
    preview = ticket_of(qtbot, backend.preview_ready, lambda: backend.preview(endpoint(url), None))
    assert isinstance(preview, Preview)
    assert preview.proven
    api.route("/gone", problem(404, "Gone"))
    failed = ticket_of(qtbot, backend.preview_ready, lambda: backend.preview(endpoint(api.url("/gone")), None))
    assert str(failed.title) == "There is nothing at this address"


def test_a_cancelled_preview_says_no_more(qtbot, backend, api):
    url = api.route("/items", late(json_reply(RECORDS), 0.5))
    with qtbot.assertNotEmitted(backend.preview_ready, wait=900):
        backend.cancel_preview(backend.preview(endpoint(url), None))


def test_a_change_on_disk_is_taken_over_and_a_bad_one_shown(qtbot, backend, api):
    url = api.route("/items", Listing(RECORDS))
    file = backend.workspace.settings_file.path
    with qtbot.waitSignal(backend.settings_changed):
        file.write_text(f'[[endpoint]]\nurl = "{url}"\nid = "items"\n')
    assert [each.id for each in backend.settings().endpoint] == ["items"]
    file.write_text("[[endpoint]]\nevry = 1\n")
    qtbot.waitUntil(lambda: backend.snapshot().settings_problem is not None)
    assert [each.id for each in backend.settings().endpoint] == ["items"]
    assert "evry" in str(backend.snapshot().settings_problem.cause)


def test_a_file_changed_in_its_place_is_seen_although_nothing_else_in_its_folder_moves(qtbot, tmp_path):
    workspace = Workspace(Home(data=tmp_path / "data", config=tmp_path / "config"))
    workspace.home.create()
    file = workspace.settings_file.path
    file.write_text('[[endpoint]]\nurl = "http://127.0.0.1:9/a"\nid = "a"\nmanual = true\n')
    with started(qtbot, workspace) as backend:
        with qtbot.waitSignal(backend.settings_changed):
            file.write_text(file.read_text() + '[[endpoint]]\nurl = "http://127.0.0.1:9/b"\nid = "b"\nmanual = true\n')
        assert [each.id for each in backend.settings().endpoint] == ["a", "b"]


def test_held_deletions_are_applied_or_kept(qtbot, backend, api):
    served = Listing(RECORDS)
    url = api.route("/items", served)
    with qtbot.waitSignal(backend.run_finished):
        save(qtbot, backend, endpoint(url))
    served.records = RECORDS[:1]
    with qtbot.waitSignal(backend.run_finished) as held:
        backend.sync_now(("items",))
    assert held.args[0].held == 22
    qtbot.waitUntil(lambda: [each.held for each in backend.snapshot().endpoints] == [22])
    backend.resolve_held("items", apply=False)
    qtbot.waitUntil(lambda: [each.held for each in backend.snapshot().endpoints] == [0])
    served.records = []
    with qtbot.waitSignal(backend.run_finished):
        backend.sync_now(("items",))
    with qtbot.waitSignal(backend.run_finished) as applied:
        backend.resolve_held("items", apply=True)
    assert applied.args[0].deleted == 1
    with qtbot.waitSignal(backend.run_finished) as after:
        backend.sync_now(("items",))
    assert (after.args[0].status, after.args[0].deleted) == ("succeeded", 0)


def test_a_run_can_be_stopped_and_pauses_are_kept(qtbot, backend, api):
    url = api.route("/items", late(json_reply(RECORDS), 20))
    save(qtbot, backend, endpoint(url))
    qtbot.waitUntil(lambda: backend.snapshot().state == "syncing")
    with qtbot.waitSignal(backend.run_finished) as run:
        backend.stop("items")
    assert run.args[0].status == "stopped"
    backend.pause(None)
    qtbot.waitUntil(lambda: backend.snapshot().paused)
    backend.resume()
    qtbot.waitUntil(lambda: not backend.snapshot().paused)


def test_the_demo_is_added_once_and_mirrored(qtbot, backend):
    with qtbot.waitSignal(backend.run_finished) as run:
        assert ticket_of(qtbot, backend.saved, backend.add_demo) is None
    assert run.args[0].added > 200
    assert ticket_of(qtbot, backend.saved, backend.add_demo) is None
    assert [each.id for each in backend.settings().endpoint] == ["demo"]


def test_secrets_never_reach_settings_or_signals(qtbot, backend, api, monkeypatch):
    keyring = Keyring()
    monkeypatch.setattr("trayapp.desktop.secrets.keyrings.chosen_keyring", lambda: keyring)
    wanted = msgspec.structs.replace(endpoint(api.route("/items", Listing(RECORDS))), enabled=False)
    ticket_of(
        qtbot, backend.saved, lambda: backend.save(Settings(endpoint=(wanted,)), {"items": "s3cret"}, base=Settings())
    )
    assert keyring.kept["TraySync", "items/secret"] == "s3cret"
    assert "s3cret" not in backend.workspace.settings_file.path.read_text()


def test_sync_now_asks_before_it_overrules_a_constraint_and_remembers_the_answer(qtbot, backend, api):
    """This very process is the program that an endpoint waits for."""
    url = api.route("/items", Listing(RECORDS))
    busy = When(not_while=(psutil.Process().name(),))
    ended = []
    backend.run_finished.connect(lambda report: ended.append(report.endpoint))
    assert save(qtbot, backend, endpoint(url, when=busy), endpoint(url, id="free", manual=True, every=None)) is None
    qtbot.waitUntil(lambda: ended == ["free"])  # it is new
    with qtbot.waitSignal(backend.sync_question) as asked:
        backend.sync_now()
    (question,) = asked.args
    assert (question.ids, question.kinds) == (("items",), ("program",))
    assert question.words == (f"{busy.not_while[0]} is running",)
    qtbot.waitUntil(lambda: ended == ["free", "free"])  # it did not wait for the answer
    backend.sync_anyway(question, ask_again=True)
    qtbot.waitUntil(lambda: ended == ["free", "free", "items"])
    assert [request.target for request in api.requests].count("/items") == 3
    with qtbot.waitSignal(backend.sync_question) as asked:
        backend.sync_now(("items",))
    with qtbot.waitSignals([backend.run_finished, backend.settings_changed]):
        backend.sync_anyway(asked.args[0], ask_again=False)
    assert backend.settings().general.sync_anyway == ("program",)
    with qtbot.assertNotEmitted(backend.sync_question), qtbot.waitSignal(backend.run_finished):
        backend.sync_now(("items",))


def test_the_program_ends_within_five_seconds_while_another_has_the_file_locked(qtbot, tmp_path):
    urls = [f"http://{n % 2}.example/{n}" for n in range(4)]  # two runs to a host; they get no further than the file
    tries = itertools.count()

    def ended():
        folder = tmp_path / str(next(tries))
        home = Home(folder, folder, folder)
        workspace = Workspace(home)
        home.create()
        workspace.store  # noqa: B018  the file is made before it is locked
        with locked(home.database):
            with started(qtbot, workspace) as backend:
                save(qtbot, backend, *(endpoint(url, id=f"e{n}", name=f"E{n}") for n, url in enumerate(urls)))
                qtbot.waitUntil(lambda: [each.state for each in backend.snapshot().endpoints] == ["running"] * 4)
                began = time.monotonic()
            took = time.monotonic() - began
        with workspace.store.reading() as db:
            assert not db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'e0'").get
        workspace.close()
        return took

    assert best_of(ended, 5) < 5


def test_a_disk_that_does_not_answer_holds_up_nothing(qtbot, tmp_path, api, monkeypatch):
    asked, answers = [], threading.Event()

    def hang(_workspace):
        asked.append(threading.current_thread())
        answers.wait(SECONDS)
        return 2**20

    monkeypatch.setattr("trayapp.app.backend.disk_free", hang)
    url = api.route("/items", Listing(RECORDS))
    with started(qtbot, Workspace(Home(tmp_path, tmp_path, tmp_path))) as backend:
        for n in range(2):
            with qtbot.waitSignal(backend.run_finished):
                save(qtbot, backend, endpoint(url)) if n == 0 else backend.sync_now(("items",))
        assert len(asked) == 1, "it is not asked again while it does not answer"
        assert asked[0] is not threading.current_thread()
        answers.set()
        qtbot.waitUntil(lambda: backend.scheduler.conditions().disk_free == 2**20)
        with qtbot.waitSignal(backend.run_finished):
            backend.sync_now(("items",))
        qtbot.waitUntil(lambda: len(asked) == 2)


def test_a_proxy_s_password_serves_the_test_and_is_kept_in_the_keyring(qtbot, backend, api, monkeypatch):
    keyring = Keyring()
    monkeypatch.setattr("trayapp.desktop.secrets.keyrings.chosen_keyring", lambda: keyring)
    api.route("/items", Listing(RECORDS))  # as a proxy has it: the target is the whole address
    request = Request(proxy=api.base, proxy_user="me")
    spec = endpoint("http://api.example/items", request=request)
    preview = ticket_of(qtbot, backend.preview_ready, lambda: backend.preview(spec, None, "s3cret one"))
    assert preview.count == 23
    assert api.requests[-1].headers["Proxy-Authorization"] == requests.auth._basic_auth_str("me", "s3cret one")
    assert keyring.kept == {}
    with qtbot.waitSignal(backend.run_finished) as run:
        passwords = {"items": "s3cret two"}
        ticket_of(
            qtbot,
            backend.saved,
            lambda: backend.save(Settings(endpoint=(spec,)), {}, proxy_passwords=passwords, base=Settings()),
        )
    assert run.args[0].added == 23
    assert api.requests[-1].headers["Proxy-Authorization"] == requests.auth._basic_auth_str("me", "s3cret two")
    assert keyring.kept["TraySync", "items/proxy"] == "s3cret two"
    assert "s3cret" not in backend.workspace.settings_file.path.read_text()
    backend.workspace.edit("items", {"name": "Others", "request.proxy": api.base})
    assert keyring.kept["TraySync", "items/proxy"] == "s3cret two"
    backend.workspace.edit("items", {"request.proxy": "http://other.example:8080"})
    assert keyring.kept == {}  # it is not for another proxy
    backend.workspace.secrets.set("items", "s3cret three", (), "proxy")
    assert save(qtbot, backend) is None
    assert keyring.kept == {}
