"""What the machine is to be asked, for which endpoints, and since when."""

from collections.abc import Collection, Iterator
from datetime import datetime

from trayapp.schedule.conditions.machine import Question


class Inquiry:
    """The questions of every endpoint that is due or runs."""

    def __init__(self) -> None:
        self._wanted: dict[str, tuple[frozenset[Question], datetime]] = {}
        self._told: tuple[frozenset[Question], bool] = (frozenset(), False)

    def __iter__(self) -> Iterator[str]:
        return iter(self._wanted)

    def ask(self, id: str, wanted: frozenset[Question] | None, now: datetime) -> None:
        """Have the machine asked this for the endpoint; None: nothing any more."""
        if not wanted:
            self._wanted.pop(id, None)
        elif self._wanted.get(id, (None, now))[0] != wanted:
            self._wanted[id] = (wanted, now)

    def forget(self, id: str) -> None:
        """Ask nothing for this endpoint any more."""
        self._wanted.pop(id, None)

    def since(self, id: str, now: datetime) -> datetime:
        """Since when the machine has been asked for the endpoint; `now` if it was not."""
        return self._wanted.get(id, (None, now))[1]

    def anew(self, now: datetime) -> None:
        """What was answered until now does not count."""
        self._wanted = {id: (asked, now) for id, (asked, _) in self._wanted.items()}

    def changed(self, running: Collection[str]) -> tuple[frozenset[Question], bool] | None:
        """What is to be asked, and whether a run depends on it; None when that is as it was at the last call."""
        wanted = frozenset[Question]().union(*(asked for asked, _ in self._wanted.values()))
        asks = (wanted, any(id in self._wanted for id in running))
        if asks == self._told:
            return None
        self._told = asks
        return asks
