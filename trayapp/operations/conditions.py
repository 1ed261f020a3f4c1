"""What the machine is like, as far as endpoints wait for it."""

import shutil
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from trayapp.desktop import machine
from trayapp.endpoints.model import Endpoint
from trayapp.operations.workspace import Workspace
from trayapp.schedule.conditions import Conditions, Question
from trayapp.schedule.constraints import (
    needs_network,
    questions,
    with_general,
)
from trayapp.store.pause import Pause

if TYPE_CHECKING:
    from trayapp.desktop.network import Network


def conditions_now(workspace: Workspace, pause: Pause | None, endpoints: Sequence[Endpoint]) -> Conditions:
    """What can be known without a running tray program, as far as these endpoints care."""
    found = Conditions(
        paused=pause is not None, paused_until=pause.until if pause else None, disk_free=disk_free(workspace)
    )
    power = any(each.when.power != "any" or each.when.battery_above is not None for each in endpoints)
    if power or any(map(needs_network, endpoints)):
        network, supply = machine.look(power)
        found = msgspec.structs.replace(
            found,
            **network_conditions(network),
            on_battery=supply.on_battery,
            battery_percent=supply.percent,
        )
    return with_general(found, workspace.settings().general)


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
    from trayapp.desktop.lookout import answers

    return msgspec.structs.replace(conditions, answers=answers(wanted))
