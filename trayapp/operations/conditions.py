"""What the machine is like, as far as endpoints wait for it."""

import shutil
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from trayapp.desktop.machine import snapshot
from trayapp.endpoints.model import Endpoint
from trayapp.operations.workspace import Workspace
from trayapp.schedule.conditions.constraints import (
    needs_network,
    questions,
    with_general,
)
from trayapp.schedule.conditions.machine import Answers, Conditions, Question
from trayapp.store.bookkeeping.pause import Pause

if TYPE_CHECKING:
    from trayapp.desktop.machine.monitor import MachineMonitor
    from trayapp.desktop.machine.network import Network


def conditions_now(workspace: Workspace, pause: Pause | None, endpoints: Sequence[Endpoint]) -> Conditions:
    """What can be known without a running tray program, as far as these endpoints care."""
    found = Conditions(
        paused=pause is not None, paused_until=pause.until if pause else None, **_look(workspace, endpoints)
    )
    return with_general(found, workspace.settings().general)


class Machine:
    """What a scheduler without Qt finds out, in the main thread. `close` when done.

    Of the network and the power only what is due by itself must know: what a person asks for tries it without.
    """

    def __init__(self, workspace: Workspace, wished: bool) -> None:
        self._workspace = workspace
        self._wished = wished
        self._monitor: MachineMonitor | None = None

    def look(self, endpoints: Sequence[Endpoint]) -> dict[str, Any]:
        """Fields of `Conditions`, as far as these endpoints care."""
        return _look(self._workspace, () if self._wished else endpoints)

    def ask(self, questions: frozenset[Question], running: bool, tell: Callable[[Answers], None]) -> None:
        """Have `tell` hear the answers, again and again, from now on. running: a run depends on them."""
        from trayapp.desktop.machine.monitor import MachineMonitor

        if self._monitor is None:
            self._monitor = MachineMonitor(tell)
        self._monitor.ask(questions, running)

    def close(self) -> None:
        """Ask no more."""
        if self._monitor is not None:
            self._monitor.close()


def _look(workspace: Workspace, endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    found: dict[str, Any] = {"disk_free": disk_free(workspace)}
    power = any(each.when.power != "any" or each.when.battery_above is not None for each in endpoints)
    if power or any(map(needs_network, endpoints)):
        network, supply = snapshot.network_and_power(power)
        found |= network_conditions(network)
        found |= {"on_battery": supply.on_battery, "battery_percent": supply.percent}
    return found


def disk_free(workspace: Workspace) -> int | None:
    """Bytes free where the database is, None where the system can't say."""
    try:
        return shutil.disk_usage(workspace.home.data).free
    except OSError:
        return None


def network_conditions(network: "Network") -> dict[str, bool | None]:
    """What a network means for runs: fields of `Conditions`."""
    if not network.known:
        return {"online": None, "metered": network.metered, "captive": None}
    return {"online": network.online, "metered": network.metered, "captive": network.captive}


def answered(conditions: Conditions, endpoints: Iterable[Endpoint], *, wished: bool = False) -> Conditions:
    """The conditions with the machine's answers to what must be asked for these endpoints. May take seconds."""
    wanted = frozenset[Question]().union(*(questions(each, wished=wished) for each in endpoints))
    if not wanted:
        return conditions
    from trayapp.desktop.machine.monitor import answers

    return msgspec.structs.replace(conditions, answers=answers(wanted))
