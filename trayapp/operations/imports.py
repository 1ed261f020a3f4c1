"""Endpoints of a TOML text brought into the settings: what that changes, and what takes a person's word."""

import tomllib
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from trayapp.endpoints.model import Endpoint, Settings
from trayapp.endpoints.readable import Lifted, lifted, readable
from trayapp.endpoints.settings import parse_settings, to_builtins
from trayapp.errors import UserError
from trayapp.messages import foreign, say
from trayapp.operations.fields import unnamed
from trayapp.operations.workspace import Saved, Workspace
from trayapp.schedule.engine.chains import depth
from trayapp.sync.errors import SyncError
from trayapp.sync.http.destinations import destinations, place


class Planned(msgspec.Struct, frozen=True):
    """One endpoint of the text, as it would be saved; `asks` are sentences that a person has to agree to."""

    found: Lifted
    before: Endpoint | None
    asks: tuple[str, ...]

    @property
    def is_change(self) -> bool:
        """Whether the settings would be other ones."""
        return self.before != self.found.endpoint

    @property
    def words(self) -> str:
        """What would be done, in a line."""
        endpoint = self.found.endpoint
        done = "new" if self.before is None else "changed" if self.is_change else "as it is"
        return f"{endpoint.id or endpoint.name} ({done}): {endpoint.url}"


def plan(workspace: Workspace, text: str) -> list[Planned]:
    """What an import of the text would do, in the order it would be done. SettingsError when it can't be."""
    settings = workspace.settings()
    taken_out: list[Lifted] = []

    def take_out(parsed: Settings) -> Settings:
        taken_out[:] = [lifted(each, settings.find(each.id) if each.id else None) for each in parsed.endpoint]
        return msgspec.structs.replace(parsed, endpoint=tuple(each.endpoint for each in taken_out))

    parsed = parse_settings(text, "import", alone=True, change=take_out)
    given = tomllib.loads(text).get("endpoint", [])
    # Who runs after others comes after them.
    steps = sorted(zip(parsed.endpoint, taken_out, given, strict=True), key=lambda step: depth(step[0], parsed))
    planned = []
    for endpoint, found, data in steps:
        if "id" in data:
            before = settings.find(endpoint.id)
        else:
            # A made-up id must not replace an endpoint that happens to have it, unless it is the very same.
            before = next((each for each in settings.endpoint if _same(each, endpoint, data)), None)
            endpoint = before or unnamed(endpoint, data)
        found = msgspec.structs.replace(found, endpoint=endpoint)
        planned.append(Planned(found, before, _asks(workspace, endpoint, before)))
    return planned


def import_text(workspace: Workspace, text: str, agreed: Collection[str] = ()) -> tuple[Saved, ...]:
    """Add, or replace by id, the endpoints of a TOML text.

    UserError, and nothing done, when something takes a person's word that is not among what they `agreed` to.
    """
    planned = plan(workspace, text)
    if open := [ask for each in planned for ask in each.asks if ask not in agreed]:
        raise UserError(
            say("The import needs your confirmation"),
            foreign(" ".join(f"{ask}." for ask in open)),
            say("If you agree to all of it, add --yes."),
        )
    done = []
    for each in planned:
        saved = workspace.save(each.found.endpoint, each.found.secret, names_variable=bool(each.asks))
        done.append(msgspec.structs.replace(saved, notes=(*each.found.notes, *saved.notes)))
    return tuple(done)


def _asks(workspace: Workspace, endpoint: Endpoint, before: Endpoint | None) -> tuple[str, ...]:
    name = endpoint.id or endpoint.name
    asks = []
    if before is not None and (changes := _changes(before, endpoint)):
        asks.append(f"{name} is replaced: {'; '.join(changes)}")
    if endpoint.auth.secret_env and not (_sends_alike(endpoint, before) and workspace.vault.may_use_variable(endpoint)):
        to = ", ".join(sorted(destinations(endpoint, "secret")))
        asks.append(f"{name} sends the environment variable {endpoint.auth.secret_env} to {to}")
    known = set() if before is None else set(_risks(before))
    asks += [f"{name} {risk}" for risk in _risks(endpoint) if risk not in known]
    return tuple(asks)


def _sends_alike(endpoint: Endpoint, before: Endpoint | None) -> bool:
    """Whether the endpoint sends the variable that it sent before, to where it sent it before."""
    if before is None or before.auth.secret_env != endpoint.auth.secret_env:
        return False
    try:
        return destinations(endpoint, "secret") <= destinations(before, "secret")
    except SyncError:  # nothing was sent to an address that is none
        return False


def _risks(endpoint: Endpoint) -> list[str]:
    """What an endpoint made by somebody else could do that its address alone does not tell."""
    request, auth, server = endpoint.request, endpoint.auth, place(endpoint.url)
    query = endpoint.after.each if endpoint.after is not None else ""
    services = [url for url in (auth.token_url, auth.auth_url, auth.device_url) if url]
    risks = (
        (query, f"puts what this query finds in your tables into its requests to {server}: {query}"),
        (request.proxy, f"goes through the proxy {place(request.proxy) if request.proxy else ''}"),
        (request.ca_file, f"trusts the certificates in {request.ca_file}"),
        (request.client_cert, f"shows the certificate {request.client_cert} to {server}"),
        (request.client_key, f"uses the key {request.client_key}"),
        (services, f"signs in at {', '.join(dict.fromkeys(map(place, services)))}"),
    )
    return [words for value, words in risks if value]


def _changes(before: Endpoint, after: Endpoint) -> list[str]:
    """The fields that differ, as "field: old → new"; secrets are not shown."""
    old, new = _fields(before), _fields(after)
    return [
        f"{path}: {old.get(path, 'nothing')} → {new.get(path, 'nothing')}"
        for path in dict.fromkeys([*old, *new])
        if old.get(path) != new.get(path)
    ]


def _fields(endpoint: Endpoint) -> dict[str, str]:
    hidden = {each.field for each in readable(endpoint)}
    if any(field.startswith("request.json.") for field in hidden):
        hidden.add("request.json")
    found: dict[str, str] = {}

    def note(path: str, value: Any) -> None:
        if isinstance(value, Mapping) and path != "request.json":
            for name, inner in value.items():
                note(f"{path}.{name}" if path else name, inner)
        else:
            found[path] = "…" if path in hidden else value if isinstance(value, str) else _json(value)

    note("", to_builtins(endpoint))
    return found


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _same(known: Endpoint, endpoint: Endpoint, data: Mapping[str, Any]) -> bool:
    """Whether an endpoint of the settings is what this one, without an id, became when it was imported before."""
    name = endpoint.table.name if "name" in data.get("table", {}) else known.table.name
    table = msgspec.structs.replace(endpoint.table, name=name)
    return known == msgspec.structs.replace(endpoint, id=known.id, table=table)
