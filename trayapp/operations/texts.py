"""Endpoints as text."""

from collections.abc import Sequence

from trayapp.endpoints.model import Settings
from trayapp.endpoints.rendering import render
from trayapp.operations.workspace import Workspace


def export_text(workspace: Workspace, ids: Sequence[str] = ()) -> str:
    """Endpoints (all, or these) as TOML, never with secrets."""
    chosen = tuple(workspace.endpoint(id) for id in ids) or workspace.settings().endpoint
    return render("", Settings(endpoint=chosen))
