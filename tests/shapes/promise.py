"""The promise, tried on servers that nobody wrote by hand: every run is exact, or says that it may not be.

    .venv/bin/python -m tests.shapes.promise COUNT [FIRST]    so many servers, from that seed on, and what came of them

A seed makes a server: what its envelope is called and how it nests, how it writes names and values, how it goes on and
ends, whether it counts, whether its records have a key. Its listing is mirrored by the address alone, then edited, with
failures, partial answers and other shapes in between. Never may a record be missing without a word, nor a living one be
deleted.
"""

import json
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.server import Reply, Seen, json_reply, problem, raw
from tests.sync.mirroring import mirroring
from trayapp.sync.errors import SyncError
from trayapp.sync.http import retry

_WORDS = ("zorp", "payload", "envelope", "answer", "blob", "batch", "listing", "result", "response", "d", "body")
_ITEMS = ("items", "data", "results", "value", "Records", "entries", "things", "rows", "gadgets")
_NEXT = (("next",), ("next", "page"), ("next", "url"), ("next", "link"), ("next", "page", "url"), ("more", "url"))
_TOTAL = (("total",), ("total", "count"), ("total", "results"), ("total", "items"), ("num", "found"))
_TOKENS = {("next", "cursor"): "cursor", ("next", "page", "token"): "pageToken", ("next", "token"): "next_token",
           ("cursor",): "cursor", ("continuation", "token"): "continuationToken", ("after",): "after",
           ("resumption", "token"): "resumptionToken"}  # fmt: skip
_FLAGS = (("has", "more"), ("more", "results"), ("has", "next"), ("truncated",), ("exceeded", "transfer", "limit"))
_PAGE_NAMES = ("page", "p", "pageNumber", "_page", "page[number]")
_OFFSET_NAMES = ("offset", "skip", "start", "$skip", "startIndex", "resultOffset")


class Server:
    """A listing and how it is served. `trouble` is what happens to the next answers."""

    def __init__(self, seed: int) -> None:
        self.random = draw = random.Random(seed)
        self.kind = draw.choice(("link", "next", "token", "page", "offset", "after", "none", "unknown"))
        self.size = draw.choice((3, 5, 7, 10, 20, 25))
        self.trouble = ""
        self.broken_page = 0
        self.keyed = draw.random() < 0.8 or self.kind == "after"
        count = draw.choice((1, self.size - 1, self.size, self.size + 1, self.size * 3, self.size * 4 + 2))
        self._made = 0
        self.records = [self._record() for _ in range(count)]
        self.is_list = self.kind in ("link", "page", "offset", "after", "none") and draw.random() < 0.4
        self.items = draw.choice(_ITEMS)
        self.holders = [draw.choice(_WORDS) for _ in range(draw.choice((0, 0, 1, 2)))]
        self.facts = [draw.choice(_WORDS)] if draw.random() < 0.4 else []
        self.next = self._spelt(draw.choice(_NEXT))
        self.form = draw.choice(("absolute", "path", "query", "ampersand", "object"))
        words, self.token_param = draw.choice([*_TOKENS.items()])
        self.token = self._spelt(words)
        self.page_param = draw.choice(_PAGE_NAMES)
        self.first_page = draw.choice((0, 1))
        self.offset_param = draw.choice(_OFFSET_NAMES)
        self.key_param = draw.choice(("after", "since_id", "starting_after"))
        self.total = self._spelt(draw.choice(_TOTAL)) if draw.random() < 0.4 else ""
        self.total_as = draw.choice((int, str))
        self.total_off = draw.choice((0, 0, 0, 0, 0, 7, -2))
        self.flag = self._spelt(draw.choice(_FLAGS)) if draw.random() < 0.3 else ""
        self.flag_as = draw.choice(((True, False), ("true", "false"), (1, 0)))
        if self.kind == "unknown":  # nothing but what is said can tell that there is more
            self.total_off = max(0, self.total_off)
            self.flag = self.flag or "has_more"

    def _spelt(self, words: tuple[str, ...]) -> str:
        camel = words[0] + "".join(word.title() for word in words[1:])
        return self.random.choice((camel, camel[0].upper() + camel[1:], "_".join(words), "-".join(words)))

    def _record(self) -> dict[str, Any]:
        self._made += 1
        number = self._made
        facts = {"name": f"n{number}", "size": number * 3 / 4, "tags": ["a", number], "open": number % 2 == 0}
        return {"id": number, **facts} if self.keyed else facts

    def edit(self) -> None:
        """Some records change, come and go."""
        draw = self.random
        for _ in range(draw.randint(0, 3)):
            if len(self.records) > 3:
                del self.records[draw.randrange(len(self.records))]
        for record in draw.sample(self.records, min(2, len(self.records))):
            record["name"] += "'"
        self.records += [self._record() for _ in range(draw.randint(0, 2))]

    def __call__(self, seen: Seen) -> Reply:
        start = self._start(seen)
        if self.trouble == "down":
            return problem(500, "Down")
        if self.trouble == "object":
            return json_reply({"Note": "Thank you for using our API"})
        if self.trouble == "preparing":
            return json_reply({}, 202)
        count = len(self.records)
        items: list[Any] = self.records[start : start + (count if self.kind == "none" else self.size)]
        if self.trouble == "partial":
            items = items[: len(items) // 2]
        more = start + len(items) < count and self.kind != "none" and self.trouble != "partial"
        headers = {"Link": f'<{self._address(seen, start)}>; rel="next"'} if more and self.kind == "link" else {}
        if self.is_list:
            body: Any = items
        else:
            body = self._envelope(seen, items, start, more)
        text = json.dumps(body)
        if self.trouble == "nan" and start == self.broken_page:
            text = text.replace('"size": ', '"size": NaN, "size_": ', 1)
        return raw(text.encode(), "application/json").with_headers(**headers)

    def _envelope(self, seen: Seen, items: list[Any], start: int, more: bool) -> Any:
        body: dict[str, Any] = {}
        place = body
        for name in self.holders:
            place = place.setdefault(name, {})
        place[self.items] = items
        facts = body
        for name in self.facts:
            facts = facts.setdefault(name, {}) if isinstance(facts.get(name, {}), dict) else facts
        if self.total:
            facts[self.total] = self.total_as(max(0, len(self.records) + self.total_off))
        if self.flag:
            facts[self.flag] = self.flag_as[0 if more else 1]
        if self.kind == "next":
            target: Any = self._address(seen, start) if more else None
            facts[self.next] = {"href": target} if self.form == "object" and target else target
        if self.kind == "token":
            facts[self.token] = f"t{start + len(items)}x" if more else None
        if self.trouble == "partial":
            body["errors"] = [{"message": "Timeout"}]
        return body

    def _address(self, seen: Seen, start: int) -> str:
        query = f"at={start + self.size}"
        forms = {"path": f"{seen.path}?{query}", "query": f"?{query}", "ampersand": f"&{query}"}
        return (
            f"{seen.base}{seen.path}?{query}"
            if self.kind == "link"
            else forms.get(self.form, f"{seen.base}{seen.path}?{query}")
        )

    def _start(self, seen: Seen) -> int:
        def number(name: str) -> int | None:
            text = seen.param(name)
            return int(text) if text.lstrip("-").isdigit() else None

        match self.kind:
            case "link" | "next":
                return number("at") or 0
            case "token":
                text = seen.param(self.token_param).strip("tx")
                return int(text) if text.isdigit() else 0
            case "page":
                page = number(self.page_param)
                return max(0, (self.first_page if page is None else page) - self.first_page) * self.size
            case "offset":
                return max(0, number(self.offset_param) or 0)
            case "after" if self.keyed:
                last = number(self.key_param)
                places = (place for place, each in enumerate(self.records) if last is None or each["id"] > last)
                return next(places, len(self.records))
        return 0


def judged(seed: int, folder: Path) -> str:
    """What comes of the server that this seed makes: "exact", or how it was told. AssertionError where it was not."""
    server = Server(seed)
    with mirroring(folder) as mirror, patch.object(retry, "pause_before", lambda *_: 0.0):
        try:
            mirror.add(server, "/api/listing")
        except SyncError as error:
            return f"refused: {error.problem.code}"
        requests = len(mirror.preview.requests)
        assert requests <= 13, f"{requests} requests"
        outcome = _compared(server, mirror, set())
        if not mirror.preview.proven:
            return "unproven"
        for _ in range(2):
            before = {row["id" if server.keyed else "name"] for row in mirror.rows()}
            server.edit()
            server.trouble = server.random.choice(("", "down", "object", "preparing", "partial", "nan"))
            if server.is_list and server.trouble == "partial":
                server.trouble = ""  # a shorter list is all that shows: only the brake tells that from deletions
            if server.trouble:
                server.broken_page = server.size if server.kind != "none" else 0
                mirror.run(mirror.preview.endpoint)
                _nothing_living_is_gone(server, mirror, before)
                server.trouble = ""
            mirror.run(mirror.preview.endpoint)
            mirror.run(mirror.preview.endpoint)  # what an odd answer held back comes with the next one
            outcome = max(outcome, _compared(server, mirror, before))
        return outcome


def _identity(server: Server, record: dict[str, Any]) -> Any:
    return record["id"] if server.keyed else record["name"]


def _compared(server: Server, mirror: Any, before: set[Any]) -> str:
    report = mirror.report
    wanted = Counter(_identity(server, each) + 0 if server.keyed else each["name"] for each in server.records)
    column = "id" if server.keyed else "name"
    found = Counter(row[column] for row in mirror.rows())
    if report.status == "succeeded" and report.evidence != "unproven":
        names = sorted(each["name"] for each in server.records)
        assert found == wanted, f"{found} is not {wanted}: {report.sentence}"
        assert sorted(row["name"] for row in mirror.rows()) == names, report.sentence
        return "exact"
    _nothing_living_is_gone(server, mirror, before)
    return f"told: {report.status} {report.problem.code if report.problem else report.evidence}"


def _nothing_living_is_gone(server: Server, mirror: Any, before: set[Any]) -> None:
    living = {_identity(server, each) for each in server.records}
    found = {row["id" if server.keyed else "name"] for row in mirror.rows()}
    if server.keyed:
        assert before & living <= found, f"{before & living - found} are gone: {mirror.report.sentence}"


def main() -> None:
    """Judge so many servers."""
    count, first = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    outcomes: Counter[str] = Counter()
    for seed in range(first, first + count):
        with tempfile.TemporaryDirectory() as folder:
            try:
                outcomes[judged(seed, Path(folder))] += 1
            except AssertionError as error:
                outcomes["BROKEN"] += 1
                print(f"seed {seed} ({Server(seed).kind}): {str(error)[:300]}", flush=True)
    for outcome, number in outcomes.most_common():
        print(f"{number:6} {outcome}")


if __name__ == "__main__":
    main()
