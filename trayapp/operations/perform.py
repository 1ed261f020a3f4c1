"""Changes by name, as asked over the local socket or by the command line itself."""

from collections.abc import Mapping
from typing import Any

import msgspec

from trayapp.endpoints.settings import decode_endpoint, to_builtins
from trayapp.errors import UserError
from trayapp.operations.background import set_background
from trayapp.operations.fields import general_fields
from trayapp.operations.imports import import_text
from trayapp.operations.runs import keep_held
from trayapp.operations.vault import Allowance, secret_field
from trayapp.operations.workspace import Saved, Workspace


def perform(workspace: Workspace, op: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out a change by name, as asked over the local socket or by the command line itself. Raises UserError."""
    if op == "save":
        wanted, named = decode_endpoint(args["endpoint"]), bool(args.get("names_variable"))
        return _saved(workspace.save(wanted, args.get("secret"), args.get("tokens"), named))
    if op == "remove":
        return {"endpoint": to_builtins(workspace.remove(args["id"], bool(args.get("drop_table"))))}
    if op == "edit":
        return _saved(workspace.edit(args["id"], args["set"]))
    if op == "settings":
        return {"general": general_fields(workspace.edit_general(args["set"]))}
    if op == "enable":
        return {"endpoints": [to_builtins(each) for each in workspace.set_enabled(args["ids"], bool(args["enabled"]))]}
    if op == "import":
        done = import_text(workspace, args["text"], args.get("agreed", ()))
        return {
            "endpoints": [to_builtins(each.endpoint) for each in done],
            "notes": [note for each in done for note in each.notes],
        }
    if op == "secret":
        endpoint, field = workspace.endpoint(args["id"]), secret_field(args.get("field", "secret"))
        workspace.accounts.forget(endpoint.id)
        if args.get("value") is None:
            return {"deleted": workspace.vault.delete(endpoint, field)}
        workspace.vault.set(endpoint, field, args["value"], interactive=True)
        return {"stored": True}
    if op == "allow":
        allowed = workspace.vault.allow(workspace.endpoint(args["id"]), msgspec.convert(args["what"], list[Allowance]))
        return {"allowed": msgspec.to_builtins(allowed)}
    if op == "background":
        return msgspec.to_builtins(set_background(workspace, bool(args["on"])))  # type: ignore[no-any-return]
    if op == "keep":
        keep_held(workspace, args["id"])
        return {}
    if op == "demo":
        return {"endpoint": to_builtins(workspace.add_demo())}
    raise UserError(
        "TraySync does not know this request", f"It was asked to {op!r}.", "Use the same version everywhere."
    )


def _saved(saved: Saved) -> dict[str, Any]:
    return {"endpoint": to_builtins(saved.endpoint), "notes": list(saved.notes)}
