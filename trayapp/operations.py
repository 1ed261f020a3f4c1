"""What the commands and the windows do to the program's data: settings, secrets, runs. No Qt.

The same operations serve the command line when it works alone, and the tray program, both for its own windows and
for commands that reach it over the local socket (`perform`).
"""

import shutil
import threading
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from trayapp.demo.endpoint import demo_endpoint, demo_port
from trayapp.desktop import background, machine
from trayapp.desktop.background import BackgroundState
from trayapp.desktop.lookout import answers
from trayapp.desktop.paths import Home
from trayapp.desktop.secrets import Secrets, from_environment
from trayapp.desktop.token_store import TokenStore
from trayapp.desktop.watched import stamp
from trayapp.endpoints.model import Auth, Endpoint, Settings
from trayapp.endpoints.settings import (
    SettingsError,
    SettingsFile,
    convert,
    decode_endpoint,
    parse_endpoint,
    parse_settings,
    render,
    to_builtins,
)
from trayapp.errors import UserError
from trayapp.schedule import work
from trayapp.schedule.chains import children_of
from trayapp.schedule.clock import SystemClock
from trayapp.schedule.conditions import Conditions, Question
from trayapp.schedule.constraints import (
    Overruled,
    blocked_by,
    may_wait,
    needs_network,
    overruled,
    questions,
    spoken,
    with_general,
)
from trayapp.schedule.due import parents
from trayapp.schedule.planner import Planner
from trayapp.schedule.questions import due_now, why
from trayapp.schedule.rows import prepared
from trayapp.schedule.snapshot import EndpointStatus
from trayapp.schedule.staleness import Stale, Watch, look
from trayapp.store import missing, runs, state, table
from trayapp.store.pause import Pause, load_pause, save_pause
from trayapp.store.store import Store
from trayapp.sync import resume
from trayapp.sync.auth import Credentials
from trayapp.sync.budget import Budgets
from trayapp.sync.cancel import CancelToken
from trayapp.sync.chain import one_of
from trayapp.sync.explore import explore
from trayapp.sync.garbage import rare_collections
from trayapp.sync.links import origin
from trayapp.sync.oauth.accounts import PROXY, Accounts, OAuthAccess
from trayapp.sync.oauth.signin import Person
from trayapp.sync.preview import Preview
from trayapp.sync.report import Progress, Report
from trayapp.sync.runner import Surroundings, run

if TYPE_CHECKING:
    from trayapp.demo.server import DemoServer
    from trayapp.desktop.network import Network

WORKERS = 4
_STALENESS = "staleness"
_BACKGROUND = "background"
_WATCHES = msgspec.json.Decoder(dict[str, Watch])


class Workspace:
    """One home with its settings, secrets and database. Thread-safe; `close` when done."""

    def __init__(self, home: Home, heard_secret: Callable[[str], None] = lambda _: None) -> None:
        """`heard_secret` is told every secret that is used, so that logs can be scrubbed of it."""
        self.home = home
        self.settings_file = SettingsFile(home.settings_file)
        self.secrets = Secrets(heard_secret)
        self._heard_secret = heard_secret
        self.clock = SystemClock()
        self._tokens = TokenStore(self.secrets, home.data / "sign-ins", heard_secret)
        self.accounts = Accounts(self._tokens, self.clock.now)
        self.budgets = Budgets()
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._demo: DemoServer | None = None

    @property
    def store(self) -> Store:
        """The database, opened at first use. Raises UserError."""
        with self._lock:
            if self._store is None:
                self.home.create()
                self.home.staging.mkdir(mode=0o700, exist_ok=True)
                resume.clean(self.home.staging, self.clock.now())
                self._store = Store(self.home.database)
            return self._store

    def close(self) -> None:
        """Let go of the database and the demo."""
        with self._lock:
            if self._store is not None:
                self._store.checkpoint()
                self._store.close()
            if self._demo is not None:
                self._demo.stop()
            self._store = self._demo = None

    # Settings

    def settings(self) -> Settings:
        """The settings on disk. SettingsError when they can't be used."""
        return self.settings_file.load()

    def endpoint(self, id: str) -> Endpoint:
        """One endpoint by id or by name. UserError when there is none."""
        settings = self.settings()
        found = settings.find(id) or next((each for each in settings.endpoint if each.name == id), None)
        if found is None:
            known = ", ".join(each.id for each in settings.endpoint)
            raise UserError(
                f"There is no endpoint {id!r}",
                f"Known are: {known}." if known else "There are no endpoints yet.",
                "See `traysync endpoints`." if known else "Add one with `traysync add URL`.",
            )
        return found

    def save(self, endpoint: Endpoint, secret: str | None = None, tokens: Mapping[str, str] | None = None) -> Endpoint:
        """Add the endpoint, or replace the one with its id; its secret first, as that is likelier to fail.

        tokens: of a sign-in in another process, by field (`Accounts.take_unsaved`).
        """
        before = self.settings()
        if secret is not None and endpoint.id:
            self.secrets.set(endpoint.id, secret)
        position: list[int] = []

        def change(settings: Settings) -> Settings:
            endpoints = list(settings.endpoint)
            for index, each in enumerate(endpoints):
                if endpoint.id and each.id == endpoint.id:
                    endpoints[index] = endpoint
                    position.append(index)
                    break
            else:
                position.append(len(endpoints))
                endpoints.append(endpoint)
            return msgspec.structs.replace(settings, endpoint=tuple(endpoints))

        saved = self.settings_file.edit(change).endpoint[position[-1]]
        if secret is not None and not endpoint.id:
            self.secrets.set(saved.id, secret)
        self._keep_sign_in(saved, before, tokens or {})
        return saved

    def save_all(self, settings: Settings, secrets: Mapping[str, str], drop_tables: Sequence[str] = ()) -> Settings:
        """Write the whole settings, new secrets by endpoint id; drop the tables of the named endpoints."""
        for id, secret in secrets.items():
            self.secrets.set(id, secret)
        before: list[Settings] = []

        def change(old: Settings) -> Settings:
            before.append(old)
            return settings

        saved = self.settings_file.edit(change)
        gone = {each.id for each in before[-1].endpoint} - {each.id for each in saved.endpoint}
        for id in gone:
            self._forget(id, id in drop_tables, before[-1].find(id))
        for each in saved.endpoint:
            self._keep_sign_in(each, before[-1], {})
        return saved

    def _keep_sign_in(self, endpoint: Endpoint, before: Settings, tokens: Mapping[str, str]) -> None:
        """Store what a sign-in before the endpoint was saved gave; drop what was given for another service."""
        if endpoint.auth.kind != "oauth2_code":
            return
        tokens = {**self.accounts.take_unsaved(endpoint.auth), **tokens}
        old = before.find(endpoint.id)
        if old is not None and old.auth.kind == "oauth2_code" and (tokens or not _same_sign_in(old, endpoint)):
            self._tokens.forget(endpoint.id)
        for field, token in tokens.items():
            self._tokens.set(endpoint.id, field, token)
        if tokens:
            self.accounts.forget(endpoint.id)

    def remove(self, id: str, drop_table: bool = False) -> Endpoint:
        """Remove an endpoint, its state and its secret; its table too if wished. Returns what it was."""
        endpoint = self.endpoint(id)
        followers = [each.id for each in self.settings().endpoint if endpoint.id in parents(each)]
        if followers:
            raise UserError(
                f"{endpoint.id} can't be removed",
                f"{' and '.join(followers)} run{'s' if len(followers) == 1 else ''} after it.",
                f"Change that first, like: traysync edit {followers[0]} --set after=",
            )
        self.settings_file.edit(
            lambda settings: msgspec.structs.replace(
                settings, endpoint=tuple(each for each in settings.endpoint if each.id != endpoint.id)
            )
        )
        self._forget(endpoint.id, drop_table, endpoint)
        return endpoint

    def _forget(self, id: str, drop_table: bool, endpoint: Endpoint | None) -> None:
        with self.store.writing() as db:
            if drop_table:
                table.drop_owned(db, id)
            state.forget(db, id)
        if endpoint is not None and endpoint.auth.kind != "none" and not endpoint.auth.secret_env:
            self.secrets.delete(id)
        if endpoint is not None and endpoint.auth.kind == "oauth2_code":
            self._tokens.forget(id)
        if endpoint is not None and endpoint.request.proxy_user:
            self.secrets.delete(id, PROXY)
        self.accounts.forget(id)

    def edit(self, id: str, changes: Mapping[str, str]) -> Endpoint:
        """Set fields, named by dotted paths, from text (a TOML value, or just text). SettingsError names a bad one."""
        endpoint = edited(self.endpoint(id), changes)
        if endpoint.id != self.endpoint(id).id:
            raise UserError(
                "The id can't be changed", "Table, history and secret are known by it.", "Add a new endpoint."
            )
        return self.save(endpoint)

    def set_enabled(self, id: str, enabled: bool) -> Endpoint:
        """Switch an endpoint on or off."""
        return self.save(msgspec.structs.replace(self.endpoint(id), enabled=enabled))

    def import_text(self, text: str) -> tuple[Endpoint, ...]:
        """Add, or replace by id, the endpoints of a TOML text."""
        parsed = parse_settings(text, "import", alone=True)
        given = tomllib.loads(text).get("endpoint", [])
        # A made-up id must not replace an endpoint that happens to have it. Who runs after others comes after them.
        pairs = sorted(zip(parsed.endpoint, given, strict=True), key=lambda pair: _depth(pair[0], parsed))
        return tuple(self.save(endpoint if "id" in data else unnamed(endpoint, data)) for endpoint, data in pairs)

    def export_text(self, ids: Sequence[str] = ()) -> str:
        """Endpoints (all, or these) as TOML, never with secrets."""
        chosen = tuple(self.endpoint(id) for id in ids) or self.settings().endpoint
        return render("", Settings(endpoint=chosen))

    # Runs

    def secret(self, id: str, auth: Auth) -> str | None:
        """The endpoint's secret, from the environment or the keyring. UserError when it can't be had."""
        secret = from_environment(auth.secret_env) if auth.secret_env else self.secrets.get(id)
        if secret:
            self._heard_secret(secret)
        return secret

    def preview(
        self, endpoint: Endpoint, secret: str | None, cancel: CancelToken, person: Person | None = None
    ) -> Preview:
        """Try an endpoint out; `secret` None means the stored one. `person` can sign in if that is needed.

        UserError, Cancelled.
        """
        self._serve_demo(endpoint)
        access = self._access(endpoint, secret, cancel)
        if person is not None and isinstance(access, OAuthAccess) and endpoint.auth.kind == "oauth2_code":
            access.ensure_signed_in(person)
        chained = endpoint.after is not None and bool(endpoint.after.each)
        found = explore(one_of(endpoint, self.store) if chained else endpoint, access, cancel, self.budgets)
        if not chained:
            return found
        asked = msgspec.structs.replace(found.endpoint, url=endpoint.url, request=endpoint.request)
        return msgspec.structs.replace(found, endpoint=asked)

    def sign_in(self, id: str, person: Person, cancel: CancelToken) -> dict[str, str]:
        """Have a person sign in for an endpoint; the tokens by field, to be stored as its secrets.

        UserError, Cancelled.
        """
        endpoint = self.endpoint(id)
        if endpoint.auth.kind != "oauth2_code":
            raise UserError(
                f"{endpoint.id} needs no sign-in",
                f"Its authentication is {endpoint.auth.kind}.",
                "Use `traysync secret set` for passwords and tokens.",
            )
        access = self.accounts.access(endpoint, self.secret(endpoint.id, endpoint.auth), cancel, saved=False)
        assert isinstance(access, OAuthAccess)
        access.sign_in(person)
        return self.accounts.take_unsaved(endpoint.auth)

    def _access(self, endpoint: Endpoint, secret: str | None, cancel: CancelToken) -> Credentials | OAuthAccess:
        if secret:
            self._heard_secret(secret)
        elif endpoint.auth.kind != "none" and (endpoint.id or endpoint.auth.secret_env):
            secret = self.secret(endpoint.id, endpoint.auth)
        known = self.settings().find(endpoint.id) if endpoint.id else None
        return self.accounts.access(
            endpoint, secret, cancel, saved=known is not None and _same_sign_in(known, endpoint)
        )

    def execute(
        self,
        endpoint: Endpoint,
        full: bool,
        cancel: CancelToken,
        progress: Callable[[Progress], None],
        apply_held: bool = False,
    ) -> Report:
        """Run an endpoint once, now."""
        self._serve_demo(endpoint)
        surroundings = Surroundings(
            store=self.store,
            staging=self.home.staging,
            secret=self.secret,
            accounts=self.accounts,
            budgets=self.budgets,
            now=self.clock.now,
        )
        with rare_collections():
            return run(endpoint, surroundings, cancel, progress, full=full, apply_held=apply_held)

    def sync(
        self,
        ids: Sequence[str] = (),
        *,
        due: bool = False,
        full: bool = False,
        apply_held: bool = False,
        cancel: CancelToken | None = None,
        progress: Callable[[Progress], None] = lambda _: None,
    ) -> list[Report]:
        """Run endpoints now, several at a time: these, or all enabled ones, or with `due` what is due and allowed.

        For a process that holds the engine's lock. States are kept as the scheduler keeps them. An endpoint that runs
        after another one waits for it, and what falls due by a success runs too.
        """
        settings = self.settings()
        named = {endpoint.id: endpoint for endpoint in map(self.endpoint, ids)}
        chosen = list(named.values()) or [each for each in settings.endpoint if each.enabled]
        now, zone = self.clock.now(), self.clock.zone()
        with self.store.reading() as db:
            states, pause = state.load_states(db), load_pause(db)
        rows = prepared(settings, states, now, zone)
        if due:
            for each in settings.endpoint:
                if each.watch and each.enabled:
                    rows[each.id] = work.file_seen(rows[each.id], each.watch, stamp(each.watch), now)
        states = rows
        with self.store.writing(cancel) as db:
            for row in rows.values():
                state.save_state(db, row)
        conditions = self._conditions(pause, settings.endpoint if due else ())
        token = cancel or CancelToken()
        reports: list[Report] = []
        may_run = {each.id for each in chosen}
        if due:
            due_endpoints = due_now(states, settings, conditions, now, zone)
            conditions = _answered(conditions, due_endpoints)
            chosen = [each for each in due_now(states, settings, conditions, now, zone) if each.id in may_run]
        else:
            conditions = _answered(conditions, chosen, wished=True)
            for each in tuple(chosen):
                if reason := blocked_by(each, conditions, now, zone, wished=True):
                    chosen.remove(each)
                    reports.append(not_started(each, reason, now))
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="sync") as pool:
            while chosen:
                waiting = {each.id for each in chosen}
                ready = [each for each in chosen if not waiting.intersection(parents(each))]
                reports += pool.map(
                    lambda each: self._work(each, settings, rows, full, apply_held, token, progress), ready
                )
                may_run -= {each.id for each in ready}
                chosen = [each for each in chosen if each.id in may_run]
                if due:
                    allowed = due_now(rows, settings, conditions, self.clock.now(), zone)
                    chosen = [each for each in allowed if each.id in may_run and (each in chosen or parents(each))]
        self.prune_history()
        return reports

    def _work(
        self,
        endpoint: Endpoint,
        settings: Settings,
        rows: dict[str, state.EndpointRow],
        full: bool,
        apply_held: bool,
        token: CancelToken,
        progress: Callable[[Progress], None],
    ) -> Report:
        import random

        row = work.start(rows[endpoint.id], self.clock.now())
        with self.store.writing(token) as db:
            state.save_state(db, row)
        report = self.execute(endpoint, full, token, progress, apply_held)
        now = self.clock.now()
        row = work.after_run(row, endpoint, report, now, self.clock.zone(), random.random)
        with self.store.writing() as db:
            rows[endpoint.id] = row
            changed = [row]
            if report.status == "succeeded":
                for id in children_of(settings).get(endpoint.id, ()):
                    child = settings.find(id)
                    assert child is not None
                    rows[id] = work.parent_succeeded(rows[id], child, endpoint.id, now)
                    changed.append(rows[id])
            for each in changed:
                state.save_state(db, each)
        return msgspec.structs.replace(report, next_due=work.due_at(row) if endpoint.enabled else None)

    def statuses(self) -> tuple[bool, str | None, list[EndpointStatus]]:
        """(paused, until when as text, every endpoint's status) as the database has them."""
        settings = self.settings()
        now = self.clock.now()
        with self.store.reading() as db:
            states, pause = state.load_states(db), load_pause(db)
            recent = {id: runs.recent_statuses(db, id) for id in states}
        planner = Planner(states, pause, recent, self.clock.zone())
        planner.apply_settings(settings, now)
        until = pause.until.isoformat() if pause and pause.until else None
        return pause is not None, until, [planner.status(each.id, None) for each in settings.endpoint]

    def why(self, id: str, conditions: Conditions | None = None) -> list[str]:
        """Why the endpoint does not run now, in sentences; `conditions` when more is known than the file tells."""
        endpoint = self.endpoint(id)
        now, zone = self.clock.now(), self.clock.zone()
        with self.store.reading() as db:
            states, pause = state.load_states(db), load_pause(db)
        found = map(self.settings().find, parents(endpoint))
        before = {each.id: each for each in found if each is not None}
        rows = prepared(Settings(endpoint=(endpoint, *before.values())), states, now, zone)
        return why(
            endpoint,
            rows[endpoint.id],
            _answered(conditions or self._conditions(pause, (endpoint,)), (endpoint,)),
            now,
            zone,
            {id: (each, rows[id]) for id, each in before.items()},
        )

    def overruled(self, ids: Sequence[str] = (), conditions: Conditions | None = None) -> list[Overruled]:
        """Which of these endpoints (all enabled ones) a run now would start in spite of what they wait for.

        What the user does not want to be asked about is left out. May take seconds.
        """
        settings = self.settings()
        chosen = [self.endpoint(id) for id in ids] or [each for each in settings.endpoint if each.enabled]
        chosen = [each for each in chosen if may_wait(each)]
        if not chosen:
            return []
        found = _answered(conditions or self._conditions(None, chosen), chosen)
        now, zone = self.clock.now(), self.clock.zone()
        asked = []
        for each in chosen:
            checks = overruled(each, found, now, zone)
            told = [check for check in checks if check.kind not in settings.general.sync_anyway]
            if told:
                kinds = tuple(dict.fromkeys(check.kind for check in told))
                asked.append(Overruled(each.id, kinds, tuple(map(spoken, told))))
        return asked

    def newly_stale(self, statuses: Sequence[EndpointStatus]) -> list[Stale]:
        """The endpoints without success for so long that the user must be told now, each once. Ask every few minutes.

        What was told is remembered in the database. UserError when that can't be used.
        """
        settings = self.settings()
        with self.store.reading() as db:
            text = state.read_meta(db, _STALENESS)
        before = {} if text is None else _WATCHES.decode(text)
        stale, after = look(before, statuses, settings, self.clock.now(), self.clock.zone())
        if after != before:
            with self.store.writing() as db:
                state.write_meta(db, _STALENESS, msgspec.json.encode(after).decode())
        return stale

    def prune_history(self) -> int:
        """Forget runs and changes older than general.keep_history; how many runs went. Raises UserError."""
        kept = timedelta(seconds=self.settings().general.keep_history.seconds)
        with self.store.writing() as db:
            return runs.prune(db, self.clock.now() - kept)

    def _conditions(self, pause: Pause | None, endpoints: Sequence[Endpoint]) -> Conditions:
        """What can be known without a running tray program, as far as these endpoints care."""
        found = Conditions(
            paused=pause is not None, paused_until=pause.until if pause else None, disk_free=self.disk_free()
        )
        power = any(each.when.power != "any" or each.when.battery_above is not None for each in endpoints)
        if power or any(map(needs_network, endpoints)):
            network, supply = machine.look(power)
            found = msgspec.structs.replace(
                found,
                **network_conditions(network),
                on_battery=supply.on_battery,
                battery_percent=supply.percent,
            )
        return with_general(found, self.settings().general)

    def disk_free(self) -> int | None:
        """Bytes free where the database is, None where the system can't say."""
        try:
            return shutil.disk_usage(self.home.data).free
        except OSError:
            return None

    def pause(self, until: Pause | None) -> None:
        """Write a pause (a Pause, or None to end it) for the next start of a scheduler."""
        with self.store.writing() as db:
            save_pause(db, until)

    def ask_no_more(self, kinds: Sequence[str]) -> None:
        """Have *Sync now* ignore these kinds of constraints without asking, from now on."""

        def change(old: Settings) -> Settings:
            data = {**to_builtins(old.general), "sync_anyway": sorted({*old.general.sync_anyway, *kinds})}
            return msgspec.structs.replace(old, general=convert({"general": data}, lambda _: None, "general").general)

        self.settings_file.edit(change)

    def set_background(self, on: bool) -> BackgroundState:
        """Have the system run what is due while the tray program does not run, or not. UserError when it refuses."""
        found = self._apply_background(on)
        self.settings_file.edit(
            lambda old: msgspec.structs.replace(old, general=msgspec.structs.replace(old.general, background=on))
        )
        return found

    def keep_background(self, wanted: bool) -> None:
        """Make the system's entry fit the setting when that changed, and repair one that names a moved program.

        UserError when the system refuses.
        """
        with self.store.reading() as db:
            applied = state.read_meta(db, _BACKGROUND) or str(False)
        if applied != str(wanted) or (wanted and background.state(self.home).state == "elsewhere"):
            self._apply_background(wanted)

    def _apply_background(self, on: bool) -> BackgroundState:
        found = background.enable(self.home) if on else background.disable(self.home)
        with self.store.writing() as db:
            state.write_meta(db, _BACKGROUND, str(on))
        return found

    def keep_held(self, id: str) -> None:
        """Keep the rows whose deletion is held."""
        with self.store.writing() as db:
            missing.keep_held(db, self.endpoint(id).id)

    # Demo

    def add_demo(self) -> Endpoint:
        """The demo's endpoint, added if it is not there yet, with its API running in this process or another."""
        found = self.settings().find("demo")
        if found is not None and demo_port(found) is not None:
            self._serve_demo(found)
            return found
        from trayapp.demo.server import DemoServer

        with self._lock:
            if self._demo is None:
                self._demo = DemoServer()
            url = self._demo.start()
        return self.save(demo_endpoint(url))

    def _serve_demo(self, endpoint: Endpoint) -> None:
        """The demo's API runs wherever its endpoint is used, as long as the process lives."""
        port = demo_port(endpoint)
        if port is None:
            return
        from trayapp.demo.server import DemoServer

        with self._lock:
            if self._demo is None and not _listens(port):
                self._demo = DemoServer(port=port)
                self._demo.start()


def network_conditions(network: "Network") -> dict[str, bool | None]:
    """What a network means for runs: fields of `Conditions`."""
    if not network.known:
        return {"online": None, "metered": network.metered, "captive": None}
    return {"online": network.online, "metered": network.metered, "captive": network.captive}


def _answered(conditions: Conditions, endpoints: Iterable[Endpoint], *, wished: bool = False) -> Conditions:
    """The conditions with the machine's answers to what must be asked for these endpoints. May take seconds."""
    wanted = frozenset[Question]().union(*(questions(each, wished=wished) for each in endpoints))
    return msgspec.structs.replace(conditions, answers=answers(wanted)) if wanted else conditions


def _depth(endpoint: Endpoint, settings: Settings, met: frozenset[str] = frozenset()) -> int:
    """How many of the settings' endpoints come one after the other before this one; circles are cut."""
    before = [settings.find(id) for id in parents(endpoint) if id not in met]
    found = [each for each in before if each is not None]
    return max((1 + _depth(each, settings, met | {endpoint.id}) for each in found), default=0)


def _listens(port: int) -> bool:
    import socket

    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _same_sign_in(one: Endpoint, other: Endpoint) -> bool:
    """Whether the tokens of one endpoint may be used for the other: they are for one service and one server."""
    return one.auth == other.auth and origin(one.url) == origin(other.url)


def unnamed(endpoint: Endpoint, data: Mapping[str, Any]) -> Endpoint:
    """The endpoint without the id, and the table's name, that were made up because `data` has none."""
    name = data.get("table", {}).get("name", "")
    return msgspec.structs.replace(endpoint, id="", table=msgspec.structs.replace(endpoint.table, name=name))


def edited(endpoint: Endpoint, changes: Mapping[str, str]) -> Endpoint:
    """The endpoint with fields set from text; checked. SettingsError names a field that can't be set so."""
    data = to_builtins(endpoint)
    for path, text in changes.items():
        *sections, name = path.split(".")
        place = data
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise SettingsError(f"There is no field {path}", f"{section} has no fields below it.", field=path)
        if not text:
            place.pop(name, None)
            continue
        try:
            place[name] = tomllib.loads(f"x = {text}")["x"]
            decode_endpoint(data)
        except (tomllib.TOMLDecodeError, SettingsError):
            place[name] = text
    return parse_endpoint(data)


def not_started(endpoint: Endpoint, reason: str, now: datetime) -> Report:
    """The report of a run that was asked for but can't be made now."""
    return Report(
        endpoint=endpoint.id,
        name=endpoint.name or endpoint.id,
        table=endpoint.table.name,
        status="stopped",
        started=now,
        finished=now,
        reason=reason,
        sentence=f"Not started: {reason}.",
    )


def perform(workspace: Workspace, op: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out a change by name, as asked over the local socket or by the command line itself. Raises UserError."""
    if op == "save":
        saved = workspace.save(decode_endpoint(args["endpoint"]), args.get("secret"), args.get("tokens"))
        return {"endpoint": to_builtins(saved)}
    if op == "remove":
        return {"endpoint": to_builtins(workspace.remove(args["id"], bool(args.get("drop_table"))))}
    if op == "edit":
        return {"endpoint": to_builtins(workspace.edit(args["id"], args["set"]))}
    if op == "enable":
        return {"endpoint": to_builtins(workspace.set_enabled(args["id"], bool(args["enabled"])))}
    if op == "import":
        return {"endpoints": [to_builtins(each) for each in workspace.import_text(args["text"])]}
    if op == "secret":
        id = workspace.endpoint(args["id"]).id
        workspace.accounts.forget(id)
        if args.get("value") is None:
            return {"deleted": workspace.secrets.delete(id, args.get("field", "secret"))}
        workspace.secrets.set(id, args["value"], args.get("field", "secret"))
        return {"stored": True}
    if op == "background":
        return msgspec.to_builtins(workspace.set_background(bool(args["on"])))  # type: ignore[no-any-return]
    if op == "keep":
        workspace.keep_held(args["id"])
        return {}
    if op == "demo":
        return {"endpoint": to_builtins(workspace.add_demo())}
    raise UserError(
        "TraySync does not know this request", f"It was asked to {op!r}.", "Use the same version everywhere."
    )
