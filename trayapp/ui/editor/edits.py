"""Edits of the settings as pure functions, and what an endpoint's test says about it."""

import msgspec

from trayapp.endpoints.model import After, Endpoint, Limits, Notify, Retry, Settings, When
from trayapp.endpoints.naming import completed
from trayapp.endpoints.schedule import Manual, with_schedule
from trayapp.sync.errors import SyncError
from trayapp.sync.http.destinations import Field as Secret
from trayapp.sync.http.destinations import destinations


def with_endpoint(settings: Settings, endpoint: Endpoint) -> Settings:
    """The endpoint of the same id replaced, or this one appended."""
    if settings.find(endpoint.id) is None:
        return msgspec.structs.replace(settings, endpoint=(*settings.endpoint, endpoint))
    endpoints = tuple(endpoint if old.id == endpoint.id else old for old in settings.endpoint)
    return msgspec.structs.replace(settings, endpoint=endpoints)


def without_endpoint(settings: Settings, id: str) -> Settings:
    """The endpoint of that id left out."""
    return msgspec.structs.replace(settings, endpoint=tuple(old for old in settings.endpoint if old.id != id))


def moved(settings: Settings, id: str, by: int) -> Settings:
    """The endpoint `by` places further down (up when negative), as far as the list goes."""
    endpoints = list(settings.endpoint)
    at = next(index for index, endpoint in enumerate(endpoints) if endpoint.id == id)
    endpoints.insert(max(0, at + by), endpoints.pop(at))
    return msgspec.structs.replace(settings, endpoint=tuple(endpoints))


def named(endpoint: Endpoint, settings: Settings) -> Endpoint:
    """The endpoint with id, name and table name filled in so that none collides with another endpoint's.

    While the URL is still being typed it may be no URL at all; then the names come from the word "endpoint".
    """
    others = [other for other in settings.endpoint if other.id != endpoint.id]
    ids, tables = {other.id for other in others}, {other.table.name.lower() for other in others}
    return completed(endpoint, ids, tables)


def duplicate(endpoint: Endpoint, name: str) -> Endpoint:
    """A copy that is a new endpoint: no id, no table name of its own yet."""
    table = msgspec.structs.replace(endpoint.table, name="")
    return msgspec.structs.replace(endpoint, id="", name=name, table=table)


def asked_for(endpoint: Endpoint) -> Endpoint:
    """The part of an endpoint that a test proves something about: not its names, mode, schedule or limits."""
    table = msgspec.structs.replace(endpoint.table, name="", mode="auto")
    return msgspec.structs.replace(
        with_schedule(endpoint, Manual()),
        id="",
        name="",
        enabled=True,
        at_start=False,
        watch="",
        table=table,
        when=When(),
        retry=Retry(),
        limits=Limits(),
        notify=Notify(),
        after=After() if endpoint.after else None,
    )


def filled_in(endpoint: Endpoint, found: Endpoint) -> Endpoint:
    """What the form says, completed by what its test found; `found` came from a test of the same request."""
    table = msgspec.structs.replace(found.table, name=endpoint.table.name, mode=endpoint.table.mode)
    return msgspec.structs.replace(
        endpoint,
        request=found.request,
        response=found.response,
        pages=found.pages,
        table=table,
        incremental=found.incremental,
    )


def goes_no_further(now: Endpoint, before: Endpoint, secret: Secret) -> bool:
    """Whether what was entered for the one endpoint may be sent by the other; not while its address is none."""
    try:
        return destinations(now, secret) <= destinations(before, secret)
    except SyncError:
        return False
