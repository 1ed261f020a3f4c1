"""Endpoints from text and as text: TOML files, fields set on the command line."""

import tomllib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trayapp.endpoints.model import Endpoint, Settings
from trayapp.endpoints.settings import (
    parse_settings,
    render,
)
from trayapp.operations.fields import unnamed
from trayapp.operations.workspace import Workspace
from trayapp.schedule.chains import depth

if TYPE_CHECKING:
    pass


def import_text(workspace: Workspace, text: str) -> tuple[Endpoint, ...]:
    """Add, or replace by id, the endpoints of a TOML text."""
    parsed = parse_settings(text, "import", alone=True)
    given = tomllib.loads(text).get("endpoint", [])
    # A made-up id must not replace an endpoint that happens to have it. Who runs after others comes after them.
    pairs = sorted(zip(parsed.endpoint, given, strict=True), key=lambda pair: depth(pair[0], parsed))
    return tuple(workspace.save(endpoint if "id" in data else unnamed(endpoint, data)) for endpoint, data in pairs)


def export_text(workspace: Workspace, ids: Sequence[str] = ()) -> str:
    """Endpoints (all, or these) as TOML, never with secrets."""
    chosen = tuple(workspace.endpoint(id) for id in ids) or workspace.settings().endpoint
    return render("", Settings(endpoint=chosen))
