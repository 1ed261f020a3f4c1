"""One way in which an API may answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.server import Reply, Seen

Record = dict[str, Any]
Records = Sequence[Record]
Serve = Callable[[Callable[[], Records]], Callable[[Seen], Reply]]
"""From a function that gives the present records to a handler."""


@dataclass(frozen=True)
class Shape:
    """How the server answers, what the user gives besides the URL, and what comes of it.

    rows: what the table has of the server's records. flat: records without nested values, nulls and booleans.
    counts: what the changes come to, as added, changed and deleted.
    keeps: what vanished from the answer stays in the table. `refused`: the title of the error that `add` or the first
    `sync` ends with; `told`: how a warning of that run begins, whose table is what the listing gave.
    `incomplete`: how the cause begins that the first `sync` names as a problem, with what came in the table.
    """

    serve: Serve
    query: str = ""
    body: str = ""
    path: str = "/api/items"
    auth: str = ""
    secret: str = ""
    rows: Callable[[Records], list[Record]] = list
    flat: bool = False
    keeps: bool = False
    counts: tuple[int, int, int] = (1, 1, 2)
    refused: str = ""
    told: str = ""
    incomplete: str = ""
    silent: bool = False

    @property
    def outcome(self) -> str:
        """In words for the table of results."""
        if self.refused:
            return f"refused: {self.refused}"
        if self.told:
            return f"told: {self.told}"
        if self.incomplete:
            return f"incomplete: {self.incomplete}"
        return "exact; what leaves it stays" if self.keeps else "exact"


def answering(reply: Callable[[Records], Reply]) -> Serve:
    """The same answer to every request, made of the present records."""
    return lambda records: lambda _: reply(records())


def always(reply: Reply) -> Serve:
    """An answer that has nothing to do with the records."""
    return lambda _: lambda _: reply
