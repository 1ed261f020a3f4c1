"""A home as it is after some days: mirrored tables, rows that no server lists any more, history, backups."""

import random
import time
from datetime import UTC, datetime, timedelta

from tests.comparing import canonical, rows
from tests.server import Listing
from trayapp.desktop.process.paths import Home
from trayapp.endpoints.model import Endpoint, Settings, Table
from trayapp.operations.care import take_care
from trayapp.operations.runs import sync
from trayapp.operations.workspace import Workspace
from trayapp.store.bookkeeping.history import list_runs

NOW = datetime(2026, 11, 24, tzinfo=UTC)


class Clock:
    def __init__(self, wall):
        self.wall = wall

    def now(self):
        return self.wall

    def monotonic(self):
        return time.monotonic()

    def zone(self):
        return UTC


def text(number, length=120):
    return random.Random(number).randbytes(length // 2).hex()


PEOPLE = [{"id": id, "name": text(id), "age": id % 90} for id in range(1, 150)]
WORDS = [{"key": text(id, 20), "meaning": text(-id)} for id in range(1, 120)]
NEWS = [{"id": f"n{id}", "title": text(id, 200)} for id in range(1, 100)]
EVENTS = [{"at": id, "what": text(id)} for id in range(1, 60)]
MINE = [(id, text(id, 200)) for id in range(1, 120)]


class Stocked:
    """A home with four endpoints, a table of the person's own and history, all of it backed up the day before."""

    def __init__(self, folder, api):
        self.api = api
        self.home = Home(folder, folder, folder)
        self.home.create()
        self.listings = {
            "people": Listing(PEOPLE, etag=True),
            "words": Listing(WORDS, etag=True),
            "news": Listing(NEWS),
            "events": Listing(EVENTS),
        }
        urls = {name: api.route(f"/{name}", listing) for name, listing in self.listings.items()}
        tables = {
            "people": Table(name="people", key=("id",)),
            "words": Table(name="words", key=("key",)),
            "news": Table(name="news", key=("id",), mode="upsert"),
            "events": Table(name="events", mode="append"),
        }
        self.settings = Settings(
            endpoint=tuple(Endpoint(id=id, name=id, url=urls[id], table=tables[id], manual=True) for id in tables)
        )

    def make(self):
        workspace = self.start(0)
        workspace.settings_file.edit(lambda _: self.settings)
        self.run_one_by_one(workspace)
        self.listings["news"].records = NEWS[40:]  # the others are only old
        self.listings["people"].records = PEOPLE[1:]
        self.listings["events"].records = []
        with workspace.store.writing() as db:
            db.execute("CREATE TABLE mine (number INT, words TEXT); CREATE INDEX mine_words ON mine (words)")
            db.executemany("INSERT INTO mine VALUES (?, ?)", MINE)
        self.run_one_by_one(workspace)
        workspace.close()
        self.end_day(1)

    def run_one_by_one(self, workspace):
        for each in self.settings.endpoint:  # so that each page is always the same one's
            reports = sync(workspace, [each.id])
            assert [str(each.sentence) for each in reports if each.status != "succeeded"] == []

    def end_day(self, day):
        workspace = self.start(day)
        take_care(workspace)
        workspace.close()

    def start(self, day):
        workspace = Workspace(self.home)
        workspace.clock = Clock(NOW + day * timedelta(days=1))
        return workspace

    def sync(self, day, full=False):
        """A start, a sync of all endpoints, and the end. What people were told."""
        workspace = self.start(day)
        try:
            reports = sync(workspace, full=full)
            assert [(each.endpoint, str(each.sentence)) for each in reports if each.status != "succeeded"] == []
            return " ".join(map(str, workspace.take_notices()))
        finally:
            workspace.close()

    def is_mirrored(self):
        found = [canonical(rows(self.home.database, table)) for table in ("people", "words")]
        return found == [canonical(PEOPLE[1:]), canonical(WORDS)]

    def kept(self):
        """What no server lists any more, and what is the person's own."""
        database = self.home.database
        own = [{"number": number, "words": words} for number, words in MINE]
        kept = {"news": NEWS, "events": EVENTS, "mine": own}
        return {table: (canonical(rows(database, table)), canonical(records)) for table, records in kept.items()}

    def runs(self):
        workspace = self.start(9)
        try:
            with workspace.store.reading() as db:
                return {each.run for each in list_runs(db)}
        finally:
            workspace.close()
