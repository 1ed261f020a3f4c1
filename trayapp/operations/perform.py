"""Changes by name, as asked over the local socket or by the command line itself."""

from collections.abc import Mapping
from typing import Any

import msgspec

from trayapp.endpoints.settings import decode_endpoint, to_builtins
from trayapp.errors import UserError
from trayapp.operations.background import set_background
from trayapp.operations.fields import general_fields
from trayapp.operations.runs import keep_held
from trayapp.operations.texts import import_text
from trayapp.operations.workspace import Workspace


def perform(workspace: Workspace, op: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out a change by name, as asked over the local socket or by the command line itself. Raises UserError."""
    if op == "save":
        saved = workspace.save(decode_endpoint(args["endpoint"]), args.get("secret"), args.get("tokens"))
        return {"endpoint": to_builtins(saved)}
    if op == "remove":
        return {"endpoint": to_builtins(workspace.remove(args["id"], bool(args.get("drop_table"))))}
    if op == "edit":
        return {"endpoint": to_builtins(workspace.edit(args["id"], args["set"]))}
    if op == "settings":
        return {"general": general_fields(workspace.edit_general(args["set"]))}
    if op == "enable":
        return {"endpoints": [to_builtins(each) for each in workspace.set_enabled(args["ids"], bool(args["enabled"]))]}
    if op == "import":
        return {"endpoints": [to_builtins(each) for each in import_text(workspace, args["text"])]}
    if op == "secret":
        id = workspace.endpoint(args["id"]).id
        workspace.accounts.forget(id)
        if args.get("value") is None:
            return {"deleted": workspace.secrets.delete(id, args.get("field", "secret"))}
        workspace.secrets.set(id, args["value"], args.get("field", "secret"))
        return {"stored": True}
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
