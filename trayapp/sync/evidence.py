"""Why a listing is believed to be complete, from a guess about its first page to the end of a walk. Pure."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from trayapp.messages import Message, say

Evidence = Literal["counted", "ended", "asked", "declared", "unproven"]
"""Why a listing is believed to be complete.

counted: the server's own number of all records is how many were read. ended: a way of going on, proven by a page with
other records, came to an end that the server named. asked: asking for more, in all usual ways, changed nothing.
declared: a person said so. unproven: none of these; then nothing is deleted.
"""


class Lack(NamedTuple):
    """What shows for certain that a listing is incomplete, and the setting by which a person says that it is not."""

    cause: Message
    setting: str


_WEAKEST: tuple[Evidence, ...] = ("unproven", "declared", "asked", "ended", "counted")


def weakest(evidence: Iterable[Evidence]) -> Evidence:
    """That of several listings together; "counted" when there are none."""
    return min(evidence, key=_WEAKEST.index, default="counted")


def in_words(evidence: Evidence) -> Message:
    """The evidence in a sentence for people."""
    match evidence:
        case "counted":
            return say("The list is complete: the server's own count matches.")
        case "ended":
            return say("The list is complete: it was read to the end that the server named.")
        case "asked":
            return say("The list is complete as far as the server tells: asking for more changed nothing.")
        case "declared":
            return say("The list counts as complete because the settings say so.")
        case "unproven":
            return say("The list may be incomplete. Nothing is deleted.")
