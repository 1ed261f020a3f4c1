"""What the user configures: one frozen struct per table of settings.toml, each field with its default."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from trayapp.endpoints.calendar import Days, Once
from trayapp.endpoints.units import Duration, HostPort, Rate, Size, TimeOfDay


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A table of the settings file: unknown keys are errors, defaults are not written."""


Obstacle = Literal["metered", "wifi", "power", "hours", "program", "fullscreen"]
"""Kinds of constraints that a person may overrule, after being asked."""


class General(_Section, frozen=True):
    """Settings of the whole program."""

    notifications: Literal["all", "changes", "problems", "none"] = "changes"
    start_at_login: bool = True
    background: bool = False
    """Whether the system runs what is due while the tray program does not run."""
    theme: Literal["system", "light", "dark"] = "system"
    metered: Literal["auto", "yes", "no"] = "auto"
    """Whether the network costs; "auto": as the system says."""
    sync_anyway: tuple[Obstacle, ...] = ()
    """What *Sync now* ignores without asking."""
    keep_history: Duration = Duration(30 * 86400)
    """How long runs and changes are kept."""
    keep_runs: Annotated[int, msgspec.Meta(ge=1, le=10**9)] = 10_000
    """How many runs of each endpoint are kept; older ones go before their time, unless they changed something."""
    backups: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 7
    """How many daily backups of the database are kept; 0: none are made."""


class Request(_Section, frozen=True):
    """The HTTP request; `params` are added to those in the URL, `json` is a POST body.

    `client_cert` and `client_key` are PEM files. `proxy` has no login in it: the user is `proxy_user`, the password is
    the endpoint's secret "proxy" in the keyring. Without `proxy`, HTTP_PROXY, HTTPS_PROXY and NO_PROXY count.
    """

    method: Literal["GET", "POST"] = "GET"
    params: Mapping[str, str | int | float | bool] = {}
    headers: Mapping[str, str] = {}
    json: Any = None
    timeout: Duration = Duration(30)
    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    proxy: str | None = None
    proxy_user: str = ""
    follow_redirects: bool = True


class Auth(_Section, frozen=True):
    """Who we are; the secret itself is in the keyring, or in the environment variable `secret_env`.

    For OAuth2 the secret is the client's (public clients have none), and a person's sign-in is the secret
    "refresh_token". With `device_url` (RFC 8628) a person signs in with a code, on any device; else in the browser of
    this one, at `auth_url`, which comes back to http://127.0.0.1:PORT/signed-in: any free port (RFC 8252 section 7.3),
    or `redirect_port` for services that want the exact address registered.
    `token_params` go along with every request for a token (audience, resource), `auth_params` into the address of the
    sign-in page, or with the request for a code (access_type, prompt, audience). They are no place for secrets.
    """

    kind: Literal["none", "basic", "bearer", "header", "query", "oauth2_client", "oauth2_code"] = "none"
    user: str = ""
    name: str = ""
    prefix: str = ""
    token_url: str = ""
    auth_url: str = ""
    device_url: str = ""
    scopes: tuple[str, ...] = ()
    client_id: str = ""
    token_params: Mapping[str, str] = {}
    auth_params: Mapping[str, str] = {}
    redirect_port: int | None = None
    secret_env: str = ""


Header = Literal["auto", "none"] | Annotated[int, msgspec.Meta(ge=1)]
"""Where the names of a CSV's columns are: found, nowhere, or on the line of that number."""


class Response(_Section, frozen=True):
    """How an answer is read.

    `format` "auto" goes by the Content-Type, then by the first characters. CSV also takes tabs, semicolons and bars.
    XML is read as {root: {child: …}}, a feed as {"entries": […]}; `.gz`, and `.zip` with one file, are unpacked.
    `encoding` is for text that says its own wrongly, or not at all.

    Of CSV, `delimiter` stands between the cells where it is not found. `header` is the number of the line with the
    names of the columns, counted from 1; "none" where there are no names: then the columns are column_1, column_2…
    "auto" finds it, and leaves out what stands above it, units under it and sums at the end. `skip` lines at the top
    are left out at any rate.

    `harmless` are dotted paths of members beside the records that say nothing of the list, whatever they look like.

    `records` says where the records are: "auto" finds it out; "" is the whole answer (a list, or a single object as one
    row); else it is a path, as the language of endpoints.paths has it:

    - `data.items`: the list there
    - `edges[].node`: that member of each item; `catalog.book[]`: a single element counts as a list, none as empty
    - `rates.* as code`: the object's values, each with its key in the field `code`; `rates.*`: without the keys
    - `rows with columns`: lists as rows, their fields named by another list; `with first row`: by their own first one
    - `hourly zipped`: an object of lists, one list for each field
    - `features flat properties`: the members of `properties` beside the record's own
    - `ids as id`: plain values, each a record with that one field
    - `jmes:…`: whatever a JMESPath gives
    """

    format: Literal["auto", "json", "ndjson", "csv", "feed", "xml"] = "auto"
    records: str = "auto"
    harmless: tuple[str, ...] = ()
    encoding: str | None = None
    delimiter: str | None = None
    header: Header = "auto"
    skip: Annotated[int, msgspec.Meta(ge=0)] = 0


class Pages(_Section, frozen=True):
    """How the listing continues.

    `path` is where the next address or token stands: dotted, `links[rel=next].href` for one of a list, "header:NAME",
    or "last:FIELD" for a field of the page's last record. `first` is what `param` has in the first request, where
    tokens come only when they are asked for: "" or "*". `ignore_total`: the server's number of records isn't believed.
    """

    kind: Literal["auto", "none", "link", "next_url", "page", "offset", "cursor"] = "auto"
    path: str = ""
    param: str = ""
    into: Literal["query", "json", "header"] = "query"
    size_param: str = ""
    size: int = 0
    start: int | None = None
    first: str | None = None
    max: int | None = None
    ignore_total: bool = False


class Table(_Section, frozen=True):
    """The mirrored table; an empty `name` or `key` is found from the endpoint's name and its records.

    `mode` "auto" is "mirror", for feeds "upsert": what leaves a feed is only old.
    """

    name: str = ""
    key: tuple[str, ...] = ()
    mode: Literal["auto", "mirror", "upsert", "append", "replace"] = "auto"
    rename: Mapping[str, str] = {}
    ignore: tuple[str, ...] = ()
    types: Mapping[str, Literal["integer", "real", "text", "boolean", "json"]] = {}


class Incremental(_Section, frozen=True):
    """How only what changed is asked for: the newest value of `field` goes back to the server as `param`.

    `path` instead of `field`: the server gives a cursor of its own, at a dotted path of the body or "header:NAME"
    (without `param` it is the address to ask next time). `param` goes into the query, the JSON body or a header.
    `format` is how the cursor is written: "" as the server wrote it, or iso, date, epoch, epoch_ms, http_date or a
    strftime pattern; in braces inside other text: "updated >= '{date}'", and {} for the server's own form.
    `initial` is the cursor of a whole listing, which is read every `full_every` (a day in mode mirror, else never);
    only then is what vanished deleted. `lookback` is how far before the cursor to ask again; it is for times.
    `deleted`, "field=value" or "field", tells records that are deletions; those are carried out at once in any mode.
    """

    field: str = ""
    path: str = ""
    param: str = ""
    into: Literal["query", "json", "header"] = "query"
    format: str = ""
    initial: str = ""
    lookback: Duration = Duration(0)
    full_every: Duration | None = None
    deleted: str = ""


class When(_Section, frozen=True):
    """What must hold for a scheduled run to start, and to go on.

    `wifi` and `not_wifi` are names of Wi-Fi networks: only in one of these, or in none of those. `reachable` is
    "host:port" of a server that must take a connection. `idle` is for how long nobody has touched keyboard and mouse.
    `not_while` are names of programs, as the system's list of processes shows them. What the system can't tell holds
    nothing back.
    """

    network: Literal["any", "unmetered"] = "any"
    wifi: tuple[str, ...] = ()
    not_wifi: tuple[str, ...] = ()
    reachable: HostPort | None = None
    power: Literal["any", "ac"] = "any"
    battery_above: int | None = None
    idle: Duration | None = None
    between: tuple[TimeOfDay, TimeOfDay] | None = None
    disk_free: Size | None = None
    not_while: tuple[str, ...] = ()
    not_fullscreen: bool = False


class Retry(_Section, frozen=True):
    """What happens after a failure: `attempts` tries before the next regular time is awaited."""

    attempts: int = 5
    backoff: Literal["exponential", "linear"] = "exponential"
    delay: Duration = Duration(30)
    max_delay: Duration = Duration(5 * 3600)


MOST_CONNECTIONS = 16
"""The most that `limits.connections` may allow."""


class Limits(_Section, frozen=True):
    """Bounds of one run. `connections`: requests to one server at the same time."""

    run: Duration = Duration(30 * 60)
    bytes: Size = Size(2 * 2**30)
    pages: int = 100_000
    rate: Rate | None = None
    connections: int = 4


NotifyOn = Literal["problem", "recovered", "changes", "finished", "stale"]


class Notify(_Section, frozen=True):
    """Which events of this endpoint are worth a notification; None follows general.notifications."""

    on: tuple[NotifyOn, ...] | None = None
    stale_after: Duration | None = None


class After(_Section, frozen=True):
    """Runs after other endpoints, `endpoint` and `endpoints`, on top of a schedule or instead of one.

    need = "all": when all of them have succeeded since its last start; "any": at each success of any. `each` is a query
    whose rows fill {placeholders}: one listing for each row.

    Placeholders are names of the query's columns, in the URL's path and query, in params and in the JSON body. One that
    `table.key` names becomes a field of the records that have none of that name. A row whose value can't be part of a
    request (NULL, empty) is left out, and nothing is deleted as long as there are such rows.

    With `only_changed`, requests are made only for rows that are new, or of which any column differs from when they
    were last listed: the query selects, beside the placeholders, what tells a change (`SELECT id, updated_at FROM …`).
    The records of the other rows stay as they are; those of rows that the query no longer gives are deleted. Every
    `full_every` (a day if left out) all rows are asked for.
    """

    endpoint: str = ""
    endpoints: tuple[str, ...] = ()
    need: Literal["all", "any"] = "all"
    each: str = ""
    only_changed: bool = False
    full_every: Duration | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the endpoints to run after, each once."""
        return tuple(dict.fromkeys(filter(None, (self.endpoint, *self.endpoints))))


class Endpoint(_Section, frozen=True):
    """One thing to mirror. `url` alone is valid; `endpoints.naming.completed` fills id, name and table name.

    `tags` are words by which several are meant at once.

    When it runs, one of: `every`, with `flex` at some moment in the last part of each such period; `cron`; `at` times
    of day, `on` some days only; `once`; `manual`, only by hand. `trayapp.endpoints.schedule` tells which. On top of
    that, or instead: `at_start` of the tray program, when the file or folder `watch` changes, and `after` others.
    """

    url: str
    id: str = ""
    name: str = ""
    tags: tuple[str, ...] = ()
    every: Duration | None = None
    flex: Duration | None = None
    cron: str | None = None
    at: tuple[TimeOfDay, ...] = ()
    on: tuple[Days, ...] = ()
    once: Once | None = None
    at_start: bool = False
    watch: str = ""
    manual: bool = False
    enabled: bool = True
    request: Request = Request()
    auth: Auth = Auth()
    response: Response = Response()
    pages: Pages = Pages()
    table: Table = Table()
    incremental: Incremental | None = None
    when: When = When()
    retry: Retry = Retry()
    limits: Limits = Limits()
    notify: Notify = Notify()
    after: After | None = None

    @property
    def deletes(self) -> bool:
        """Whether what the listing lacks is deleted. With mode "auto", `response.format` must be the real one."""
        return self.table.mode == "mirror" or (self.table.mode == "auto" and self.response.format != "feed")


class Settings(_Section, frozen=True):
    """The whole of settings.toml."""

    general: General = General()
    endpoint: tuple[Endpoint, ...] = ()

    def find(self, id: str) -> Endpoint | None:
        """The endpoint with that id, or None."""
        return next((endpoint for endpoint in self.endpoint if endpoint.id == id), None)
