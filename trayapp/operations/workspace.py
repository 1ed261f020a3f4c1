"""One home with its settings, secrets and database, and the changes made to them."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from trayapp.demo.endpoint import demo_endpoint, demo_port
from trayapp.desktop.paths import Home
from trayapp.desktop.secrets import Secrets, from_environment
from trayapp.desktop.token_store import TokenStore
from trayapp.endpoints.model import Auth, Endpoint, General, Settings
from trayapp.endpoints.settings import (
    SettingsFile,
    convert,
    to_builtins,
)
from trayapp.errors import UserError
from trayapp.operations.choosing import find
from trayapp.operations.fields import edited, edited_general
from trayapp.schedule import work
from trayapp.schedule.clock import SystemClock
from trayapp.schedule.due import parents
from trayapp.store import state, table
from trayapp.store.pause import Pause, save_pause
from trayapp.store.store import Store
from trayapp.sync import resume
from trayapp.sync.budget import Budgets
from trayapp.sync.cancel import CancelToken
from trayapp.sync.garbage import rare_collections
from trayapp.sync.links import origin
from trayapp.sync.preview import Preview
from trayapp.sync.report import Progress, Report

# What runs and tests endpoints is imported by the first one that does: the tray program is small until then.
if TYPE_CHECKING:
    from trayapp.demo.server import DemoServer
    from trayapp.sync.auth import Credentials
    from trayapp.sync.oauth.accounts import Accounts, OAuthAccess
    from trayapp.sync.oauth.signin import Person


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
        self._accounts: Accounts | None = None
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

    @property
    def accounts(self) -> "Accounts":
        """The sign-ins of this process."""
        from trayapp.sync.oauth.accounts import Accounts

        with self._lock:
            if self._accounts is None:
                self._accounts = Accounts(self._tokens, self.clock.now)
            return self._accounts

    def close(self) -> None:
        """Let go of the database and the demo."""
        with self._lock:
            if self._store is not None:
                self._store.close()
            if self._demo is not None:
                self._demo.stop()
            self._store = self._demo = None

    # Settings

    def settings(self) -> Settings:
        """The settings on disk. SettingsError when they can't be used."""
        return self.settings_file.load()

    def endpoint(self, id: str) -> Endpoint:
        """One endpoint by id or by name. UserError when there is none, or several have that name."""
        return find(self.settings(), id)

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
        self._drop_proxy_password(saved, before)
        return saved

    def save_all(
        self,
        settings: Settings,
        secrets: Mapping[str, str],
        drop_tables: Sequence[str] = (),
        proxy_passwords: Mapping[str, str] | None = None,
    ) -> Settings:
        """Write the whole settings, new secrets by endpoint id; drop the tables of the named endpoints."""
        for id, secret in secrets.items():
            self.secrets.set(id, secret)
        for id, password in (proxy_passwords or {}).items():
            from trayapp.sync.oauth.accounts import PROXY

            self.secrets.set(id, password, PROXY)
            self.accounts.forget(id)
        before = self.settings()
        kept = {each.id for each in settings.endpoint}
        gone = [each for each in before.endpoint if each.id not in kept]
        saved = self._without(gone, lambda _: settings, drop_tables)
        for each in saved.endpoint:
            self._keep_sign_in(each, before, {})
            if each.id not in (proxy_passwords or {}):
                self._drop_proxy_password(each, before)
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

    def _drop_proxy_password(self, endpoint: Endpoint, before: Settings) -> None:
        """Another proxy, or another user there, must not get the password of the one before."""
        old = before.find(endpoint.id)
        if old is None or not old.request.proxy_user:
            return
        if (old.request.proxy, old.request.proxy_user) != (endpoint.request.proxy, endpoint.request.proxy_user):
            from trayapp.sync.oauth.accounts import PROXY

            self.secrets.delete(endpoint.id, PROXY)
            self.accounts.forget(endpoint.id)

    def remove(self, id: str, drop_table: bool = False) -> Endpoint:
        """Remove an endpoint, its state and its secret; its table too if wished. Returns what it was.

        UserError, and nothing done, when that can't be: StoreLocked while another program has the database.
        """
        endpoint = self.endpoint(id)
        followers = [each.id for each in self.settings().endpoint if endpoint.id in parents(each)]
        if followers:
            raise UserError(
                f"{endpoint.id} can't be removed",
                f"{' and '.join(followers)} run{'s' if len(followers) == 1 else ''} after it.",
                f"Change that first, like: traysync edit {followers[0]} --set after=",
            )
        self._without(
            [endpoint],
            lambda settings: msgspec.structs.replace(
                settings, endpoint=tuple(each for each in settings.endpoint if each.id != endpoint.id)
            ),
            [endpoint.id] if drop_table else [],
        )
        return endpoint

    def _without(
        self, gone: Sequence[Endpoint], change: Callable[[Settings], Settings], drop_tables: Sequence[str]
    ) -> Settings:
        """Write settings from which these endpoints are gone, and forget them: both or, with a UserError, neither."""
        if not gone:
            return self.settings_file.edit(change)
        with self.store.writing() as db:
            for each in gone:
                if each.id in drop_tables:
                    table.drop_owned(db, each.id)
                state.forget(db, each.id)
            saved = self.settings_file.edit(change)
        for each in gone:
            self._forget_secrets(each)
        return saved

    def _forget_secrets(self, endpoint: Endpoint) -> None:
        if endpoint.auth.kind != "none" and not endpoint.auth.secret_env:
            self.secrets.delete(endpoint.id)
        if endpoint.auth.kind == "oauth2_code":
            self._tokens.forget(endpoint.id)
        if endpoint.request.proxy_user:
            from trayapp.sync.oauth.accounts import PROXY

            self.secrets.delete(endpoint.id, PROXY)
        self.accounts.forget(endpoint.id)

    def edit(self, id: str, changes: Mapping[str, str]) -> Endpoint:
        """Set fields, named by dotted paths, from text (a TOML value, or just text). SettingsError names a bad one."""
        endpoint = edited(self.endpoint(id), changes)
        if endpoint.id != self.endpoint(id).id:
            raise UserError(
                "The id can't be changed", "Table, history and secret are known by it.", "Add a new endpoint."
            )
        return self.save(endpoint)

    def edit_general(self, changes: Mapping[str, str]) -> General:
        """Set fields of the whole program from text, as `edit` does. SettingsError names a bad one."""

        def change(settings: Settings) -> Settings:
            return msgspec.structs.replace(settings, general=edited_general(settings.general, changes))

        return self.settings_file.edit(change).general

    def set_enabled(self, ids: Sequence[str], enabled: bool) -> list[Endpoint]:
        """Switch endpoints on or off; those that they are then."""
        wanted = [self.endpoint(id).id for id in ids]

        def change(settings: Settings) -> Settings:
            endpoints = (
                msgspec.structs.replace(each, enabled=enabled) if each.id in wanted else each
                for each in settings.endpoint
            )
            return msgspec.structs.replace(settings, endpoint=tuple(endpoints))

        return [each for each in self.settings_file.edit(change).endpoint if each.id in wanted]

    # Runs

    def secret(self, id: str, auth: Auth) -> str | None:
        """The endpoint's secret, from the environment or the keyring. UserError when it can't be had."""
        secret = from_environment(auth.secret_env) if auth.secret_env else self.secrets.get(id)
        if secret:
            self._heard_secret(secret)
        return secret

    def preview(
        self,
        endpoint: Endpoint,
        secret: str | None,
        cancel: CancelToken,
        person: "Person | None" = None,
        proxy_password: str | None = None,
    ) -> Preview:
        """Try an endpoint out; None as a secret means the stored one. `person` can sign in if that is needed.

        UserError, Cancelled.
        """
        from trayapp.sync.chain import one_of
        from trayapp.sync.explore import explore
        from trayapp.sync.oauth.accounts import OAuthAccess

        self._serve_demo(endpoint)
        access = self._access(endpoint, secret, cancel, proxy_password)
        if person is not None and isinstance(access, OAuthAccess) and endpoint.auth.kind == "oauth2_code":
            access.ensure_signed_in(person)
        chained = endpoint.after is not None and bool(endpoint.after.each)
        found = explore(one_of(endpoint, self.store) if chained else endpoint, access, cancel, self.budgets)
        if not chained:
            return found
        asked = msgspec.structs.replace(found.endpoint, url=endpoint.url, request=endpoint.request)
        return msgspec.structs.replace(found, endpoint=asked)

    def sign_in(self, id: str, person: "Person", cancel: CancelToken) -> dict[str, str]:
        """Have a person sign in for an endpoint; the tokens by field, to be stored as its secrets.

        UserError, Cancelled.
        """
        from trayapp.sync.oauth.accounts import OAuthAccess

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

    def _access(
        self, endpoint: Endpoint, secret: str | None, cancel: CancelToken, proxy_password: str | None
    ) -> "Credentials | OAuthAccess":
        if secret:
            self._heard_secret(secret)
        elif endpoint.auth.kind != "none" and (endpoint.id or endpoint.auth.secret_env):
            secret = self.secret(endpoint.id, endpoint.auth)
        if proxy_password:
            self._heard_secret(proxy_password)
        known = self.settings().find(endpoint.id) if endpoint.id else None
        saved = known is not None and _same_sign_in(known, endpoint)
        return self.accounts.access(endpoint, secret, cancel, saved=saved, proxy_password=proxy_password)

    def execute(
        self,
        endpoint: Endpoint,
        full: bool,
        cancel: CancelToken,
        progress: Callable[[Progress], None],
        apply_held: bool = False,
    ) -> Report:
        """Run an endpoint once, now."""
        from trayapp.sync.run_context import RunContext
        from trayapp.sync.runner import run

        self._serve_demo(endpoint)
        context = RunContext(
            store=self.store,
            staging=self.home.staging,
            secret=self.secret,
            accounts=self.accounts,
            budgets=self.budgets,
            now=self.clock.now,
            find=lambda id: self.settings().find(id),
        )
        with rare_collections():
            return run(endpoint, context, cancel, progress, full=full, apply_held=apply_held)

    def pause(self, until: Pause | None) -> None:
        """Write a pause (a Pause, or None to end it) for the next start of a scheduler."""
        with self.store.writing() as db:
            save_pause(db, until)

    def restart(self, id: str) -> None:
        """Have the endpoint be due, without the attempts and problems until now, for the next start of a scheduler."""
        with self.store.writing() as db:
            row = state.load_state(db, id)
            state.save_state(db, work.restart(row, self.clock.now()))

    def ask_no_more(self, kinds: Sequence[str]) -> None:
        """Have *Sync now* ignore these kinds of constraints without asking, from now on."""

        def change(old: Settings) -> Settings:
            data = {**to_builtins(old.general), "sync_anyway": sorted({*old.general.sync_anyway, *kinds})}
            return msgspec.structs.replace(old, general=convert({"general": data}, lambda _: None, "general").general)

        self.settings_file.edit(change)

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
