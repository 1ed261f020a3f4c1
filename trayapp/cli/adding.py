"""The commands that find out about an API: add and preview."""

import argparse
import getpass
import re
import sys
from typing import Any

import msgspec

from trayapp.cli import output
from trayapp.cli.arguments import pair
from trayapp.cli.presets import print_presets
from trayapp.cli.terminal import SomebodyThere, agreed
from trayapp.endpoints.curl import import_curl
from trayapp.endpoints.model import Auth, Endpoint, Request
from trayapp.endpoints.presets import fill, find_preset
from trayapp.endpoints.readable import Lifted
from trayapp.endpoints.settings import to_builtins
from trayapp.errors import UserError
from trayapp.messages import listing, say
from trayapp.operations import commands
from trayapp.operations.client import Client
from trayapp.operations.fields import edited
from trayapp.sync.cancel import CancelToken
from trayapp.sync.detection.preview import Preview
from trayapp.sync.errors import SyncError

Options = argparse.Namespace


def add(client: Client, options: Options) -> int:
    """`add`: detect, show, ask, save. Exit code."""
    if options.preset == "help":
        print_presets(options.json)
        return 0
    given = [name for name in ("url", "curl", "preset") if getattr(options, name) is not None]
    if len(given) > 1:
        raise UserError(
            say("More than one source is given"),
            say("There are {given}.", given=listing(tuple(given))),
            say("Use only one of them."),
        )
    if options.values and options.preset is None:
        raise UserError(
            say("--with needs a preset"), say("It fills in what a preset asks for."), say("Add --preset NAME.")
        )
    if options.preset is not None:
        found = _endpoint_from_preset(options)
    elif options.curl is not None:
        imported = import_curl(sys.stdin.read() if options.curl == "-" else options.curl)
        found = _with_settings(
            msgspec.structs.replace(imported.endpoint, id=options.id or "", name=options.name or ""), options
        )
        if imported.secret is not None:
            found = msgspec.structs.replace(found, secret=imported.secret, name="The command's secret")
    elif options.url:
        found = _endpoint_from(options)
    else:
        raise UserError(
            say("The URL is missing"), say("`add` needs to know what to copy."), say("Write: traysync add URL")
        )
    endpoint, secret = found.endpoint, _secret_of(found, options)
    preview = _tried(client, options, endpoint, secret)
    if not options.json:
        output.print_preview(preview)
    if not preview.proven and not options.yes and not _agreed("This is not proven. Save it all the same?"):
        return 1
    if not preview.proven and options.yes:
        raise SyncError(
            say("The further pages can't be found"),
            preview.proof,
            say('If one page is all you want, say so: --set pages.kind="none"'),
        )
    if preview.proven and not options.yes and not _agreed("Save this endpoint?"):
        return 1
    known = client.workspace.settings()
    # A key that was guessed stays a guess: the first run sees more of the records.
    key = endpoint.table.key
    wanted = msgspec.structs.replace(preview.endpoint, table=msgspec.structs.replace(preview.endpoint.table, key=key))
    if not any(setting.startswith("table.name=") for setting in options.set):
        wanted = msgspec.structs.replace(wanted, table=msgspec.structs.replace(wanted.table, name=""))
    wanted = msgspec.structs.replace(wanted, id=options.id or "")
    if options.id and known.find(options.id) is not None:
        raise UserError(
            say("The id “{id}” is taken", id=options.id),
            say("Another endpoint has it."),
            say("Choose another one, or use `traysync edit`."),
        )
    save = commands.Save(
        endpoint=to_builtins(wanted),
        secret=secret,
        tokens=client.workspace.accounts.take_unsaved(wanted),
        names_variable=bool(options.secret_env) and options.secret_env == wanted.auth.secret_env,
    )
    saved = client.do(save).endpoint
    if options.json:
        output.print_json({"endpoint": saved, "preview": output.preview_document(preview)})
    else:
        output.say("", *found.notes)
        output.say(f"Saved as {saved['id']}. Fetch it with: traysync sync {saved['id']}")
    return 0


def _endpoint_from_preset(options: Options) -> Lifted:
    """A preset's endpoint; what the other options say goes before what it has."""
    endpoint = fill(find_preset(options.preset), dict(pair(text, "=", "--with") for text in options.values))
    if options.json_body is not None:
        raise UserError(
            say("A preset has its own request"), say("--json-body can't be used with it."), say("Leave it out.")
        )
    request = msgspec.structs.replace(
        endpoint.request,
        params={**endpoint.request.params, **dict(pair(text, "=", "--param") for text in options.param)},
        headers={**endpoint.request.headers, **dict(pair(text, ":", "--header") for text in options.header)},
        ca_file=options.ca_file,
    )
    auth = _auth_from(options) if options.auth else endpoint.auth
    if options.secret_env:
        auth = msgspec.structs.replace(auth, secret_env=options.secret_env)
    wanted = msgspec.structs.replace(
        endpoint, id=options.id or "", name=options.name or endpoint.name, request=request, auth=auth
    )
    return _with_settings(wanted, options)


def _endpoint_from(options: Options) -> Lifted:
    auth = _auth_from(options)
    body: Any = options.json_body
    if body is not None:
        try:
            decoded = msgspec.json.decode(body.encode())
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise UserError(say("The JSON body can't be read"), str(error), say("Correct --json-body.")) from error
        body = body if _has_null(decoded) else decoded  # TOML has no null; such a body is kept as text
    request = Request(
        method="POST" if body is not None else "GET",
        params=dict(pair(text, "=", "--param") for text in options.param),
        headers=dict(pair(text, ":", "--header") for text in options.header),
        json=body,
        ca_file=options.ca_file,
    )
    endpoint = Endpoint(url=options.url, id=options.id or "", name=options.name or "", request=request, auth=auth)
    return _with_settings(endpoint, options)


def _with_settings(endpoint: Endpoint, options: Options, before: Endpoint | None = None) -> Lifted:
    """The endpoint with --set and --every applied, checked; secrets that only `before` had readably are taken out."""
    settings = dict(pair(text, "=", "--set") for text in options.set)
    if getattr(options, "every", None):
        settings["every"] = options.every
    return edited(endpoint, settings, before)


_AUTH_FORMS = {
    "none": "",
    "basic": "USER",
    "bearer": "",
    "header": "NAME",
    "query": "NAME",
    "oauth2_client": "ID@TOKEN_URL",
    "oauth2_code": "ID@TOKEN_URL",
}


def _auth_from(options: Options) -> Auth:
    kind, _, rest = (options.auth or "none").partition(":")
    oauth = re.fullmatch(r"(.+)@(https?://.+)", rest) if kind.startswith("oauth2") else None
    form = _AUTH_FORMS.get(kind)
    if form is None or (form and not rest) or (kind.startswith("oauth2") and oauth is None):
        known = ", ".join(f"{name}:{form}" if form else name for name, form in _AUTH_FORMS.items() if name != "none")
        raise UserError(
            say("The authentication “{auth}” is unknown", auth=options.auth),
            say("Allowed are {known}.", known=known),
            say("Correct --auth."),
        )
    return Auth(
        kind=kind,  # type: ignore[arg-type]
        user=rest if kind == "basic" else "",
        name=rest if kind in ("header", "query") else "",
        client_id=oauth[1] if oauth else "",
        token_url=oauth[2] if oauth else "",
        secret_env=options.secret_env or "",
    )


def _has_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_null(item) for item in value.values())
    if isinstance(value, list):
        return any(_has_null(item) for item in value)
    return value is None


def _secret_of(found: Lifted, options: Options) -> str | None:
    """The secret that the endpoint needs: from its settings, or from the person."""
    kind = found.endpoint.auth.kind
    if found.secret is not None:
        if options.secret_stdin:
            raise UserError(
                say("There are two secrets"),
                say("{name} looks like a secret, too.", name=found.name),
                say("Leave one of them out."),
            )
        return found.secret
    if kind == "none" or found.endpoint.auth.secret_env:
        return None
    if options.secret_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if kind == "oauth2_code":
        return None  # most programs that people sign in with have no secret; one that has is given by an option
    return getpass.getpass("Client secret: " if kind == "oauth2_client" else "Password or token: ")


def _agreed(question: str) -> bool:
    return agreed(question, "Add --yes to save without asking.")


def _tried(client: Client, options: Options, endpoint: Endpoint, secret: str | None) -> Preview:
    """A test of what is not saved: the id that was made up for it may be another's, whose secrets are not for this."""
    named = bool(options.secret_env) and options.secret_env == endpoint.auth.secret_env
    unsaved = msgspec.structs.replace(endpoint, id="")
    return client.workspace.preview(unsaved, secret, CancelToken(), SomebodyThere(), names_variable=named)


def preview(client: Client, options: Options) -> int:
    """`preview`: what `add` would detect. Exit code."""
    if "://" in options.target:
        options.url, options.id, options.name = options.target, None, None
        found = _endpoint_from(options)
        seen = _tried(client, options, found.endpoint, _secret_of(found, options))
    else:
        asked = ("auth", "header", "param", "json_body", "secret_env", "secret_stdin", "ca_file")
        if given := [name for name in asked if getattr(options, name)]:
            raise UserError(
                say("--{option} is for a URL", option=given[0].replace("_", "-")),
                say("{target} is an endpoint with settings of its own.", target=options.target),
                say("Use --set PATH=VALUE to try others out."),
            )
        saved = client.workspace.endpoint(options.target)
        found = _with_settings(saved, options, saved)
        seen = client.workspace.preview(found.endpoint, found.secret, CancelToken(), SomebodyThere())
    if options.json:
        output.print_json(output.preview_document(seen))
    else:
        output.print_preview(seen)
    return 0
