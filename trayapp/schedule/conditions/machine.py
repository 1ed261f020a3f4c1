"""What is known of the machine, and what it is only asked when an endpoint needs to know."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from trayapp.endpoints.units import HostPort


class Question(msgspec.Struct, frozen=True):
    """Something that costs to find out, or changes all the time. `about`: the program's name, or "host:port".

    Answers: `idle` the seconds since somebody used the computer; `wifi` the network's name, "" without Wi-Fi;
    `fullscreen` whether a window fills the screen; `program` whether it runs; `server` whether it takes a connection.
    """

    kind: Literal["idle", "wifi", "fullscreen", "program", "server"]
    about: str = ""


IDLE, WIFI, FULLSCREEN = Question("idle"), Question("wifi"), Question("fullscreen")

Answers = Mapping[Question, float | str | bool | None]
"""None: the machine can't say. What is missing was not asked."""


def program(name: str) -> Question:
    """Whether a program of that name runs."""
    return Question("program", name)


def server(address: HostPort) -> Question:
    """Whether that server takes a connection."""
    return Question("server", str(address))


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the machine; None: unknown, which meets every constraint. disk_free is in bytes."""

    online: bool | None = None
    captive: bool | None = None
    """Whether the network leads nowhere before one signs in on a page of its own."""
    metered: bool | None = None
    on_battery: bool | None = None
    battery_percent: float | None = None
    disk_free: int | None = None
    paused: bool = False
    paused_until: datetime | None = None
    """None while paused means: until the user resumes."""
    answers: Answers = {}
