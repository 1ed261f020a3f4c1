"""What the typed structs can't say themselves: which values make sense, and together with which."""

import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from trayapp.endpoints.check_schedule import chain_problems, schedule_problems
from trayapp.endpoints.model import MOST_CONNECTIONS, After, Auth, Endpoint, Incremental, Settings, Table, When
from trayapp.endpoints.paths import parse_records_path
from trayapp.endpoints.placeholders import host_names_in, names_in
from trayapp.endpoints.secret_names import names_secret
from trayapp.messages import Message, foreign, say

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_TAG = re.compile(r"[\w.-]{1,64}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.6.2 token
_CURSOR_STYLES = ("iso", "date", "epoch", "epoch_ms", "http_date")
_OWN_PARAMS = {
    "grant_type",
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "device_code",
}
_SECRET_HEADERS = {"authorization", "proxy-authorization", "cookie"}


class FieldProblem(NamedTuple):
    """A field, as a dotted path below its endpoint, and in words what is wrong with it and what is allowed."""

    path: str
    message: Message


def check_endpoint(endpoint: Endpoint) -> list[FieldProblem]:
    """Everything wrong with one endpoint, in the order of its fields; empty when it can be used."""
    return [FieldProblem(path, message) for path, message in _problems(endpoint)]


def check_settings(settings: Settings, alone: bool = False) -> list[tuple[int, FieldProblem]]:
    """Everything wrong with all endpoints, each with its endpoint's position; ids and tables must be unique.

    alone: there are others, which they may run after.
    """
    found = [
        (index, problem) for index, endpoint in enumerate(settings.endpoint) for problem in check_endpoint(endpoint)
    ]
    ids: dict[str, int] = {}
    tables: dict[str, int] = {}
    for index, endpoint in enumerate(settings.endpoint):
        if ids.setdefault(endpoint.id, index) != index:
            found.append(
                (
                    index,
                    FieldProblem(
                        "id",
                        say(
                            "The id “{id}” is already taken by endpoint {what}.",
                            id=endpoint.id,
                            what=ids[endpoint.id] + 1,
                        ),
                    ),
                )
            )
        # SQLite compares table names without regard to ASCII case.
        if tables.setdefault(endpoint.table.name.lower(), index) != index:
            other = settings.endpoint[tables[endpoint.table.name.lower()]].id
            found.append(
                (
                    index,
                    FieldProblem(
                        "table.name",
                        say(
                            "The table “{name}” already belongs to the endpoint “{other}”.",
                            name=endpoint.table.name,
                            other=other,
                        ),
                    ),
                )
            )
    if not alone:
        found += [(index, FieldProblem(path, text)) for index, path, text in chain_problems(settings.endpoint)]
    return found


def _problems(endpoint: Endpoint) -> Iterator[tuple[str, Message]]:
    yield from _url_problems(endpoint.url)
    if endpoint.id and not _ID.fullmatch(endpoint.id):
        yield "id", say("“{id}” is not an id; use letters, digits, - _ and ., at most 64 of them.", id=endpoint.id)
    for tag in endpoint.tags:
        if not _TAG.fullmatch(tag):
            yield "tags", say("“{tag}” is not a tag; use letters, digits, - _ and ., at most 64 of them.", tag=tag)
    if len(set(endpoint.tags)) < len(endpoint.tags):
        yield "tags", say("A tag is listed twice.")
    yield from schedule_problems(endpoint)
    yield from _request_problems(endpoint)
    yield from _auth_problems(endpoint.auth)
    yield from _table_problems(endpoint.table)
    if endpoint.incremental is not None:
        yield from _incremental_problems(endpoint.incremental, endpoint.table)
    if endpoint.after is not None:
        yield from _after_problems(endpoint, endpoint.after)
    if endpoint.response.records.startswith("jmes:"):
        yield from _jmespath_problems(endpoint.response.records.removeprefix("jmes:"))
    elif endpoint.response.records != "auto":
        try:
            parse_records_path(endpoint.response.records)
        except ValueError as error:
            yield "response.records", foreign(str(error))
    if endpoint.response.delimiter is not None and not re.fullmatch(r'[^\r\n"\w]', endpoint.response.delimiter):
        yield "response.delimiter", say("Give the one character that separates the cells, like ;.")
    if isinstance(endpoint.response.header, int) and endpoint.response.skip >= endpoint.response.header:
        yield "response.skip", say("The header is on one of these lines; leave out response.skip.")
    if endpoint.response.encoding is not None:
        try:
            codecs.lookup(endpoint.response.encoding)
        except (LookupError, ValueError):
            yield (
                "response.encoding",
                say(
                    "“{encoding}” is not an encoding; write utf-8, latin-1 or another.",
                    encoding=endpoint.response.encoding,
                ),
            )
    if endpoint.pages.max is not None and endpoint.pages.max < 1:
        yield "pages.max", say("At least one page must be allowed.")
    yield from _when_problems(endpoint.when)
    if endpoint.retry.attempts < 1:
        yield "retry.attempts", say("At least one attempt is needed; 1 means no second try.")
    if endpoint.retry.delay > endpoint.retry.max_delay:
        yield (
            "retry.delay",
            say("The first delay must not be longer than max_delay ({max_delay}).", max_delay=endpoint.retry.max_delay),
        )
    if endpoint.limits.run.seconds < 1:
        yield "limits.run", say("A run needs at least 1s.")
    if not 1 <= endpoint.limits.connections <= MOST_CONNECTIONS:
        yield "limits.connections", say("Must be from 1 to {MOST_CONNECTIONS}.", MOST_CONNECTIONS=MOST_CONNECTIONS)
    if endpoint.limits.pages < 1:
        yield "limits.pages", say("At least one page must be allowed.")


def _url_problems(url: str) -> Iterator[tuple[str, Message]]:
    if not url.strip():
        yield "url", say("An address is needed, like https://api.example.com/items.")
        return
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # it quotes what it takes for a port, which may be a password
        yield (
            "url",
            say("This is not a valid address. In a password, write “/”, “?” and “#” as %2F, %3F and %23."),
        )
        return
    if parts.scheme not in ("http", "https"):
        suggestion = f"; did you mean https://{url.strip()}?" if "://" not in url else ""
        yield "url", say("The address must begin with https:// or http://{suggestion}.", suggestion=suggestion)
    elif not parts.hostname:
        yield "url", say("The address names no server.")
    elif port == 0:
        yield "url", say("Port 0 can't be reached.")
    if any(ord(char) <= 32 for char in url):
        yield "url", say("The address must not contain spaces or line breaks; write %20 for a space.")
    if parts.username or parts.password:
        yield (
            "url",
            say("A user name or password in the address would be stored as plain text; use the authentication fields."),
        )


def _when_problems(when: When) -> Iterator[tuple[str, Message]]:
    if when.battery_above is not None and not 0 <= when.battery_above < 100:
        yield (
            "when.battery_above",
            say("{battery_above} is not a percentage; write a number from 0 to 99.", battery_above=when.battery_above),
        )
    if when.idle is not None and when.idle.seconds < 1:
        yield "when.idle", say("Write for how long the computer must not be used, like 10m.")
    for name in ("wifi", "not_wifi"):
        if not all(getattr(when, name)):
            yield f"when.{name}", say("A network's name is empty.")
    for network in set(when.wifi) & set(when.not_wifi):
        yield "when.not_wifi", say("“{network}” is also in when.wifi; no run could ever start there.", network=network)
    for program in when.not_while:
        if not program.strip():
            yield "when.not_while", say("A program's name is empty.")
        elif "/" in program or "\\" in program:
            name = program.replace("\\", "/").rstrip("/").rpartition("/")[2]
            yield (
                "when.not_while",
                say("“{program}” is a path; write the program's name alone, like {name}.", program=program, name=name),
            )


def _request_problems(endpoint: Endpoint) -> Iterator[tuple[str, Message]]:
    request = endpoint.request
    for name, value in request.headers.items():
        if not _HEADER_NAME.fullmatch(name):
            yield f"request.headers.{name}", say("“{name}” is not a header name.", name=name)
        elif name.lower() in _SECRET_HEADERS:
            yield (
                f"request.headers.{name}",
                say("This header carries a secret; use the authentication fields, which keep it in the keyring."),
            )
        if any(char in value for char in "\r\n\0"):
            yield f"request.headers.{name}", say("A header must be a single line.")
    if request.json is not None and request.method != "POST":
        yield "request.json", say('A body is only sent with method = "POST".')
    if not 0 < request.timeout.seconds <= 3600:
        yield "request.timeout", say("The timeout must be longer than 0s and at most 1h.")
    if request.proxy is not None and urlsplit(request.proxy).scheme not in ("http", "https"):
        yield "request.proxy", say("The proxy's address must begin with http:// or https://.")
    elif request.proxy is not None and "@" in urlsplit(request.proxy).netloc:
        yield (
            "request.proxy",
            say(
                "A password in the address would be stored as plain text. Write the user as request.proxy_user,"
                " and store the password with: traysync secret set ID proxy."
            ),
        )
    if request.proxy_user and request.proxy is None:
        yield "request.proxy_user", say("This user belongs to request.proxy, which is missing.")
    if request.client_key is not None and request.client_cert is None:
        yield "request.client_key", say("This key belongs to request.client_cert, which is missing.")


def _auth_problems(auth: Auth) -> Iterator[tuple[str, Message]]:
    if auth.kind == "basic" and not auth.user:
        yield "auth.user", say("Basic authentication needs a user name.")
    if auth.kind in ("header", "query") and not auth.name:
        yield (
            "auth.name",
            say(
                "Name the {what} that carries the secret, like X-Api-Key.",
                what="header" if auth.kind == "header" else "parameter",
            ),
        )
    if auth.kind == "header" and auth.name and not _HEADER_NAME.fullmatch(auth.name):
        yield "auth.name", say("“{name}” is not a header name.", name=auth.name)
    if auth.kind.startswith("oauth2"):
        if not auth.token_url:
            yield "auth.token_url", say("OAuth2 needs the address that gives out tokens.")
        if not auth.client_id:
            yield "auth.client_id", say("OAuth2 needs the id this program is registered with.")
    if auth.kind == "oauth2_code" and not auth.auth_url and not auth.device_url:
        yield "auth.auth_url", say("Signing in needs the address of the sign-in page, or auth.device_url.")
    for section, params in (("token_params", auth.token_params), ("auth_params", auth.auth_params)):
        yield from ((f"auth.{section}.{name}", problem) for name in params if (problem := _param_problem(name)))
    if auth.redirect_port is not None and not 1 <= auth.redirect_port <= 65535:
        yield (
            "auth.redirect_port",
            say("{redirect_port} is not a port; write a number from 1 to 65535.", redirect_port=auth.redirect_port),
        )
    for name in ("token_url", "auth_url", "device_url"):
        if getattr(auth, name):
            yield from ((f"auth.{name}", message) for _, message in _url_problems(getattr(auth, name)))


def _param_problem(name: str) -> Message | None:
    """What is wrong with a parameter of OAuth2 requests of that name, if anything."""
    if not name.strip():
        return say("A parameter needs a name.")
    if name in _OWN_PARAMS:
        if name == "scope":
            return say("TraySync sets scope itself, from auth.scopes.")
        return say("TraySync sets {name} itself.", name=name)
    if names_secret(name):
        return say("This looks like a secret, which would be stored as plain text. Use the authentication fields.")
    return None


def _table_problems(table: Table) -> Iterator[tuple[str, Message]]:
    if table.name.lower().startswith(("_sync_", "sqlite_")):
        yield "table.name", say("Names beginning with _sync_ or sqlite_ are reserved.")
    if "\0" in table.name:
        yield "table.name", say("A table name can't contain the zero character.")
    if len(set(table.key)) != len(table.key):
        yield "table.key", say("A field is named twice.")
    for field in table.key:
        if field in table.ignore:
            yield "table.ignore", say("“{field}” belongs to the key and can't be ignored.", field=field)


def _incremental_problems(incremental: Incremental, table: Table) -> Iterator[tuple[str, Message]]:
    if incremental.field and incremental.path:
        yield "incremental.path", say("A cursor is either the newest value of a field or given by the server (path).")
    if incremental.field and not incremental.param:
        yield "incremental.param", say("Name the parameter by which the server takes the cursor, like since.")
    if incremental.param and not incremental.field and not incremental.path:
        yield "incremental.field", say("Name the field of the records that is the cursor, like updated_at.")
    if incremental.initial and not incremental.param:
        yield "incremental.initial", say("This value needs the parameter that takes it (incremental.param).")
    if not (incremental.field or incremental.path or incremental.deleted):
        yield "incremental.field", say("Name the field of the records that is the cursor, like updated_at.")
    if (incremental.field or incremental.path) and table.mode in ("append", "replace"):
        yield (
            "incremental.field",
            say("With table.mode = “{mode}” every run needs the full list; use mirror or upsert.", mode=table.mode),
        )
    if incremental.into == "header" and not _HEADER_NAME.fullmatch(incremental.param or "x"):
        yield "incremental.param", say("“{param}” is not a header name.", param=incremental.param)
    for style in re.findall(r"\{([^{}]*)\}", incremental.format) or [incremental.format]:
        if style and style not in _CURSOR_STYLES and "%" not in style:
            allowed = ", ".join(_CURSOR_STYLES)
            yield (
                "incremental.format",
                say(
                    "“{style}” is no form of a cursor; use {allowed}, or a pattern like %Y-%m-%d.",
                    style=style,
                    allowed=allowed,
                ),
            )
    if incremental.full_every is not None and incremental.full_every.seconds <= 0:
        yield (
            "incremental.full_every",
            say("Leave it out for once a day; deletions are only found by a full list."),
        )


def _after_problems(endpoint: Endpoint, after: After) -> Iterator[tuple[str, Message]]:
    if not after.endpoint and not after.endpoints and not after.each:
        yield "after.endpoint", say("Name the endpoint to run after, or a query (after.each), or leave out after.")
    if after.endpoint and after.endpoint == endpoint.id:
        yield "after.endpoint", say("An endpoint can't run after itself.")
    if after.only_changed and not after.each:
        yield "after.only_changed", say("Only the rows of a query (after.each) can be told apart by what changed.")
    if after.only_changed and endpoint.table.mode in ("append", "replace"):
        yield (
            "after.only_changed",
            say("With table.mode = “{mode}” every run needs all rows; use mirror or upsert.", mode=endpoint.table.mode),
        )
    if after.full_every is not None and not after.only_changed:
        yield "after.full_every", say("Every run asks for all rows, unless after.only_changed is true.")
    if after.full_every is not None and after.full_every.seconds <= 0:
        yield "after.full_every", say("Leave it out for once a day.")
    if endpoint.id in after.endpoints:
        yield "after.endpoints", say("An endpoint can't run after itself.")
    if not all(after.endpoints):
        yield "after.endpoints", say("An id is empty.")
    if not after.each:
        return
    if not names_in(endpoint):
        yield (
            "after.each",
            say(
                "Every row would send the same request. Use the query's columns in the URL or in params,"
                " like {example}.",
                example="/issues/{id}",
            ),
        )
    for name in host_names_in(endpoint.url):
        yield (
            "url",
            say("{column} is in front of the path; the server must be the same for all rows.", column=f"{{{name}}}"),
        )
    if endpoint.incremental is not None and (endpoint.incremental.field or endpoint.incremental.path):
        yield "incremental.field", say("One cursor can't be used for the lists of many rows (after.each).")


def _jmespath_problems(expression: str) -> Iterator[tuple[str, Message]]:
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        jmespath.compile(expression)
    except (JMESPathError, RecursionError) as error:
        yield (
            "response.records",
            say(
                "“{expression}” is not a JMESPath expression: {splitlines}.",
                expression=expression,
                splitlines=str(error).splitlines()[0],
            ),
        )
