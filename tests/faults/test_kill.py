"""kill -9 at any moment of a run: the table is as before the run or as after it, and the next start goes on.

The processes to be killed are forked by another one that has everything imported (kill_child.py), as 200 starts of
the real command would take minutes, most of which no run is going on.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import apsw
import pytest

from tests.patience import SECONDS
from tests.server import ApiServer, json_reply

ROOT = Path(__file__).parents[2]
PAGES, PER_PAGE = 3, 100
ROUNDS, KILLS_PER_ROUND = 8, 25
REAL_KILLS = 12
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def state(generation):
    """What the server has: from one generation to the next a few go, a few come, a third changes."""
    first = 1 + 3 * generation
    return {id: f"{(id + generation) // 3} {'x' * (id * 37 % 200)}" for id in range(first, first + PAGES * PER_PAGE)}


class ChangingServer:
    """A listing that `advance` makes another one, as does each run before it begins, by a request for `advancing`.

    A request that arrives after its process was killed changes nothing any more: on a busy machine that may be when
    the next one is at work. While it `holds`, such a request is not answered, so that the next run does not begin.
    `publishing` and `running` are how many seconds the newest run took from its last page, and in all.
    """

    def __init__(self, api):
        self.generation = 0
        self.read_to_the_end = threading.Event()
        self.url = api.route("/items", self.answer)
        self._advancing = api.route("/advance", self._begin)
        self._lock = threading.Lock()
        self._process = 0
        self._goes_on = threading.Event()
        self._began = self._ended = None
        self.publishing, self.running = 0.03, 0.15

    def advance(self):
        self.generation += 1

    def next_process(self):
        """The URL that it is to ask for before each of its runs."""
        with self._lock:
            self._process += 1
            self._began = self._ended = None
        self._goes_on.set()
        return f"{self._advancing}?process={self._process}"

    def hold(self):
        self._goes_on.clear()

    def killed(self):
        """Whatever the process asked for, it is too late now."""
        with self._lock:
            self._process += 1
        self._goes_on.set()

    def _begin(self, seen):
        now = time.monotonic()
        with self._lock:
            if self._began is not None and self._ended is not None:
                self.publishing, self.running = now - self._ended, now - self._began
        assert self._goes_on.wait(SECONDS)
        with self._lock:
            if seen.param("process") == str(self._process):
                self.advance()
                self._began, self._ended = time.monotonic(), None
        return json_reply(self.generation)

    def answer(self, seen):
        page = int(seen.param("page", "1"))
        records = [{"id": id, "value": value} for id, value in state(self.generation).items()]
        reply = json_reply(records[(page - 1) * PER_PAGE : page * PER_PAGE])
        if page < PAGES:
            return reply.with_headers(Link=f'</items?page={page + 1}>; rel="next"')
        if self._ended is None:
            self._ended = time.monotonic()
        self.read_to_the_end.set()
        return reply


class Spawner:
    """The process that forks the ones to be killed."""

    def __init__(self):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.kill_child"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.read("ready")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(timeout=SECONDS)
        self._process.stdout.close()

    def read(self, word):
        """The rest of the next line, which has to begin with that word; later syncs' lines are passed over."""
        while line := self._process.stdout.readline():
            if line.startswith(word):
                return line.removeprefix(word).strip()
            assert line.split() == ["synced", "0"], line
        raise AssertionError("the child ended")

    def start(self, home, before):
        print(f"start {home} {before}", file=self._process.stdin, flush=True)
        return int(self.read("started"))

    def kill(self, pid):
        os.kill(pid, signal.SIGKILL)
        print("wait", file=self._process.stdin, flush=True)
        self.read("dead")


@pytest.fixture
def server():
    with ApiServer() as api:
        yield ChangingServer(api)


def new_home(folder, url):
    folder.mkdir(mode=0o700)
    (folder / "settings.toml").write_text(
        f'[[endpoint]]\nid = "items"\nurl = "{url}"\n[endpoint.table]\nname = "items"\nkey = ["id"]\n'
    )
    return folder


class Watch:
    """Checks a home after each kill, in a copy, so that the next start finds everything as the kill left it."""

    def __init__(self, home, server):
        self.home = home
        self.server = server
        self.published = 0

    def look(self):
        """Where the kill hit: before the publish of the last run, or after it."""
        assert list(self.home.glob("staging/*")) == []
        if not (self.home / "traysync.db").exists():
            return "before"
        copy = self.home.with_name("copy")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.home, copy)
        db = apsw.Connection(str(copy / "traysync.db"))
        try:
            rows = self._check(db)
        finally:
            db.close()
        last = self.server.generation
        generation = (min(rows) - 1) // 3 if rows else 0
        assert rows == (state(generation) if rows else {}), f"{len(rows)} rows, neither before nor after a run"
        assert generation in (self.published, last - 1, last)
        self.published = generation
        return "after" if generation == last else "before"

    def _check(self, db):
        assert db.pragma("integrity_check") == "ok"
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        assert {name for name in tables if not name.startswith(("_sync_", "sqlite_"))} <= {"items"}
        assert not {name for name in tables if name.startswith("_sync_new")}
        if "items" not in tables:
            return {}
        rows = dict(db.execute("SELECT id, value FROM items"))
        # A digest of 16 bytes for every row.
        counts = "SELECT (SELECT rows FROM _sync_endpoints), (SELECT total(length(digests)) / 16 FROM _sync_rows_1)"
        told = db.execute(counts).fetchone()
        assert told == (len(rows), len(rows)), "the bookkeeping is not of the same moment as the table"
        told = db.execute("SELECT sum(added) - sum(deleted) FROM _sync_runs").get
        assert told == len(rows), "the history is not of the same moment as the table"
        return rows

    def finish(self):
        """A whole sync by the real command: it succeeds and the table equals the server's state."""
        self.server.advance()
        command = [sys.executable, "-m", "trayapp", "--home", str(self.home), "--json", "sync"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=SECONDS, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert self.look() == "after"


def test_kills_at_random_moments_leave_the_table_as_before_or_after(tmp_path, server):
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    start = time.monotonic()
    hits = Counter()
    with Spawner() as spawner:
        for number in range(ROUNDS):
            server.generation = 0
            home = new_home(tmp_path / f"killed{number}", server.url)
            watch = Watch(home, server)
            for _ in range(KILLS_PER_ROUND):
                pid = spawner.start(home, server.next_process())
                if dice.random() < 0.6:
                    assert spawner.read("synced") == "0", "the first sync after a kill failed"
                if dice.random() < 0.7:
                    # Soon after its last page came: while it publishes, or has just done so.
                    server.read_to_the_end.clear()
                    assert server.read_to_the_end.wait(SECONDS)
                    server.hold()
                    time.sleep(dice.uniform(0, 2 * server.publishing))
                else:
                    time.sleep(dice.uniform(0, server.running))
                spawner.kill(pid)
                server.killed()
                hits[watch.look()] += 1
            watch.finish()
    print(f"{hits.total()} kills in {time.monotonic() - start:.0f} s, seed {seed}: {dict(hits)}")
    assert min(hits["before"], hits["after"]) > 20, "the kills did not hit runs: nothing was tested"


def test_the_real_command_killed_at_any_moment_from_its_start(tmp_path, server):
    home = new_home(tmp_path / "killed", server.url)
    watch = Watch(home, server)
    command = [sys.executable, "-m", "trayapp", "--home", str(home), "sync"]
    for number in range(REAL_KILLS):
        server.advance()
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(0.1 + 0.6 * number / REAL_KILLS)
            process.kill()
        watch.look()
    watch.finish()
