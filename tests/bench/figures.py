"""Figures, what they are judged by, and their tables for people."""

import statistics
from collections.abc import Sequence

import msgspec


class Row(msgspec.Struct, kw_only=True):
    """One line of the table: the same work measured several times.

    ours: what the program took. limit: what the least possible took, in the same turns; when there is none, `ours` is
    judged as it is. goal: what ours / limit, or else ours, may be at most. peers: what other programs took.
    """

    name: str
    unit: str
    ours: list[float]
    limit: list[float] = []
    limit_is: str = ""
    goal: float | None = None
    peers: dict[str, list[float]] = {}
    peer_goals: dict[str, float] = {}
    note: str = ""

    @property
    def judged(self) -> list[float]:
        """What is held against the goal: a ratio for each turn, or the figures."""
        return [ours / limit for ours, limit in zip(self.ours, self.limit, strict=True)] if self.limit else self.ours

    @property
    def result(self) -> float:
        """The median of that."""
        return statistics.median(self.judged)

    @property
    def best(self) -> float:
        """The same of the least that either took in any turn: what else the machine does can only add to it."""
        return min(self.ours) / min(self.limit) if self.limit else min(self.ours)

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is met; None without one."""
        return None if self.goal is None else self.result <= self.goal

    def times_peer(self, peer: str) -> float:
        """How many times what we take that peer takes."""
        return statistics.median(self.peers[peer]) / statistics.median(self.ours)


def spread(values: Sequence[float], unit: str = "") -> str:
    """The median, and the smallest and largest."""
    form = {"CPU s": ".3f", "s": ".2f", "ms": ".1f", "MiB": ".1f", "×": ".2f"}.get(unit, "g")
    if len(values) == 1:
        return f"{values[0]:{form}}"
    return f"{statistics.median(values):{form}} ({min(values):{form}}–{max(values):{form}})"


def markdown(title: str, rows: Sequence[Row]) -> str:
    """A Markdown table of the rows."""
    peers = list(dict.fromkeys(peer for row in rows for peer in row.peers))
    head = ["work", "unit", "TraySync", "limit", "ratio", "goal", "met", *(f"{peer} takes" for peer in peers)]
    lines = [title, "", f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for row in rows:
        cells = [
            row.name,
            row.unit,
            spread(row.ours, row.unit),
            spread(row.limit, row.unit) + (f" {row.limit_is}" if row.limit_is else "") if row.limit else "–",
            spread(row.judged, "×") + " ×" if row.limit else "–",
            _goal(row),
            {True: "yes", False: "**no**", None: "–"}[row.is_met],
            *(_peer(row, peer) for peer in peers),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    notes = [f"{row.name}: {row.note}" for row in rows if row.note]
    return "\n".join([*lines, *([""] if notes else []), *notes])


def _goal(row: Row) -> str:
    if row.goal is None:
        return "–"
    return f"≤ {row.goal:g} ×" if row.limit else f"≤ {row.goal:g}"


def _peer(row: Row, peer: str) -> str:
    if peer not in row.peers:
        return "–"
    goal = row.peer_goals.get(peer)
    wanted = "" if goal is None else f" (≥ {goal:g}{'' if row.times_peer(peer) >= goal else ': **no**'})"
    return f"{row.times_peer(peer):.1f} ×{wanted}"
