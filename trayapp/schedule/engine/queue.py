"""The run queue: who is next when a worker is free."""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Collection, Container, Iterator, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec

WORKERS = 4
"""How many runs go on at once."""
PER_HOST = 2
"""How many of them against one server, however long they last."""
LONG = timedelta(minutes=5)
"""A run that lasts longer gives its worker to another: servers that drip must not keep all others waiting."""
MOST_LONG = 4
"""How many runs do so at a time; there are never more than WORKERS + MOST_LONG in all."""

_OWN_PORTS = {"http": ":80", "https": ":443"}


class Wish(msgspec.Struct, frozen=True):
    """A run that the user asked for. full: every record is compared. apply_held: what was held back is deleted."""

    full: bool = False
    apply_held: bool = False

    def covers(self, other: "Wish") -> bool:
        """Whether a run as wished here does all that the other one would."""
        return (self.full or not other.full) and (self.apply_held or not other.apply_held)


def both(one: Wish | None, other: Wish | None) -> Wish | None:
    """One run for two wishes; None is a run that nobody asked for."""
    if one is None or other is None:
        return one or other
    return Wish(one.full or other.full, one.apply_held or other.apply_held)


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint that waits for a worker, or has one. wish: what the user asked for, None: a scheduled run.

    after: the endpoints whose runs, if they wait or run, come first.
    """

    id: str
    host: str
    due: datetime
    wish: Wish | None = None
    after: tuple[str, ...] = ()

    @property
    def expedited(self) -> bool:
        """Whether the user asked for it."""
        return self.wish is not None


def host(url: str) -> str:
    """The server a URL is asked of: host name and, where it is not the scheme's own, port."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2].lower().removesuffix(_OWN_PORTS.get(parts.scheme, ""))
    name, colon, port = place.partition(":")
    return f"{name.removesuffix('.')}{colon}{port}"


def rank(item: Item) -> tuple[bool, datetime, str]:
    """What sorts the queue: the user's wishes first, then who has been due for longest."""
    return not item.expedited, item.due, item.id


def busy_workers(running: int, long: int) -> int:
    """How many workers so many runs take, of which so many last longer than LONG."""
    return running - min(long, MOST_LONG)


def next_to_start(
    queue: Sequence[Item], running: Collection[Item], waiting: Container[str] = (), long: int = 0
) -> Item | None:
    """The first of the sorted queue for which there is a free worker, a free place at its server, and no run yet.

    waiting: the ids in the queue; none comes before the one it runs after. long: how many of the runs last longer than
    LONG.
    """
    if busy_workers(len(running), long) >= WORKERS:
        return None
    busy = Counter(item.host for item in running)
    ids = {item.id for item in running}
    for item in queue:
        follows = any(id in ids or id in waiting for id in item.after)
        if item.id not in ids and busy[item.host] < PER_HOST and not follows:
            return item
    return None


class RunQueue:
    """Waiting items in order of rank, at most one per endpoint."""

    def __init__(self) -> None:
        self._sorted: list[Item] = []
        self._by_id: dict[str, Item] = {}

    def __len__(self) -> int:
        return len(self._sorted)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._sorted)

    def __contains__(self, id: str) -> bool:
        return id in self._by_id

    def get(self, id: str) -> Item | None:
        """The endpoint's item, or None."""
        return self._by_id.get(id)

    def add(self, item: Item) -> None:
        """Enqueue; an endpoint that waits already keeps its place, unless the new item gives it a better one."""
        waiting = self.remove(item.id)
        if waiting is not None:
            item = msgspec.structs.replace(
                item,
                due=min(waiting.due, item.due),
                wish=both(waiting.wish, item.wish),
            )
        insort(self._sorted, item, key=rank)
        self._by_id[item.id] = item

    def remove(self, id: str) -> Item | None:
        """Take the endpoint off the queue; its item, or None if it did not wait."""
        item = self._by_id.pop(id, None)
        if item is not None:
            del self._sorted[bisect_left(self._sorted, rank(item), key=rank)]
        return item

    def take(self, running: Collection[Item], long: int = 0) -> Item | None:
        """Take the next item that may start beside the running ones off the queue; None if there is none.

        long: as of `next_to_start`.
        """
        item = next_to_start(self._sorted, running, self._by_id, long)
        return None if item is None else self.remove(item.id)
