"""Endpoints of a TOML text brought into the settings: what that changes, and what takes a person's word."""

import tomllib
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from trayapp.endpoints.model import Endpoint, Settings
from trayapp.endpoints.readable import Lifted, lifted, readable
from trayapp.endpoints.settings import parse_settings, to_builtins
from trayapp.errors import UserError
from trayapp.messages import Message, paragraph, say
from trayapp.operations.fields import unnamed
from trayapp.operations.workspace import Saved, Workspace
from trayapp.schedule.engine.chains import depths
from trayapp.sync.errors import SyncError
from trayapp.sync.http.destinations import destinations, place


class Planned(msgspec.Struct, frozen=True):
    """One endpoint of the text, as it would be saved; `asks` is what a person has to agree to."""

    found: Lifted
    before: Endpoint | None
    asks: tuple[Message, ...]

    @property
    def is_change(self) -> bool:
        """Whether the settings would be other ones."""
        return self.before != self.found.endpoint

    @property
    def words(self) -> Message:
        """What would be done, in a line."""
        endpoint = self.found.endpoint
        name, url = endpoint.id or endpoint.name, endpoint.url
        if self.before is None:
            return say("{name} (new): {url}", name=name, url=url)
        if self.is_change:
            return say("{name} (changed): {url}", name=name, url=url)
        return say("{name} (unchanged): {url}", name=name, url=url)


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
    before_each = depths(parsed)
    steps = sorted(zip(parsed.endpoint, taken_out, given, strict=True), key=lambda step: before_each[step[0].id])
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

    UserError, and nothing done, when something needs a confirmation that is not among what they `agreed` to: the
    sentences of `Planned.asks`, in English whatever the language of the program that asks.
    """
    planned = plan(workspace, text)
    if unconfirmed := [ask for each in planned for ask in each.asks if ask.english() not in agreed]:
        raise UserError(
            say("The import needs your confirmation"),
            paragraph(*unconfirmed),
            say("If you agree to all of it, add --yes."),
        )
    done = []
    for each in planned:
        saved = workspace.save(each.found.endpoint, each.found.secret, names_variable=bool(each.asks))
        done.append(msgspec.structs.replace(saved, notes=(*each.found.notes, *saved.notes)))
    return tuple(done)


def _asks(workspace: Workspace, endpoint: Endpoint, before: Endpoint | None) -> tuple[Message, ...]:
    name = endpoint.id or endpoint.name
    asks = []
    if before is not None and (changes := _changes(before, endpoint)):
        asks.append(say("{name} is replaced: {changes}.", name=name, changes="; ".join(changes)))
    if endpoint.auth.secret_env and not (_sends_alike(endpoint, before) and workspace.vault.may_use_variable(endpoint)):
        variable, to = endpoint.auth.secret_env, tuple(sorted(destinations(endpoint, "secret")))
        asks.append(
            say("{name} sends the environment variable {variable} to {to}.", name=name, variable=variable, to=to)
        )
    known = [] if before is None else _risks(before, name)
    asks += [risk for risk in _risks(endpoint, name) if risk not in known]
    return tuple(asks)


def _sends_alike(endpoint: Endpoint, before: Endpoint | None) -> bool:
    """Whether the endpoint sends the variable that it sent before, to where it sent it before."""
    if before is None or before.auth.secret_env != endpoint.auth.secret_env:
        return False
    try:
        return destinations(endpoint, "secret") <= destinations(before, "secret")
    except SyncError:  # nothing was sent to an address that is none
        return False


def _risks(endpoint: Endpoint, name: str) -> list[Message]:
    """What an endpoint made by somebody else could do that its address alone does not tell."""
    request, auth, server = endpoint.request, endpoint.auth, place(endpoint.url)
    query = endpoint.after.each if endpoint.after is not None else ""
    services = tuple(dict.fromkeys(place(url) for url in (auth.token_url, auth.auth_url, auth.device_url) if url))
    risks = []
    if query:
        risks.append(
            say(
                "{name} puts what this query finds in your tables into its requests to {server}: {query}.",
                name=name,
                server=server,
                query=query,
            )
        )
    if request.proxy:
        risks.append(say("{name} goes through the proxy {proxy}.", name=name, proxy=place(request.proxy)))
    if request.ca_file:
        risks.append(say("{name} trusts the certificates in {file}.", name=name, file=request.ca_file))
    if request.client_cert:
        certificate = request.client_cert
        risks.append(
            say("{name} shows the certificate {file} to {server}.", name=name, file=certificate, server=server)
        )
    if request.client_key:
        risks.append(say("{name} uses the key {file}.", name=name, file=request.client_key))
    if services:
        risks.append(say("{name} signs in at {services}.", name=name, services=services))
    return risks


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
