"""One home with its settings, secrets and database, and the changes made to them."""

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from trayapp.demo.endpoint import demo_endpoint, demo_port
from trayapp.desktop.process import children
from trayapp.desktop.process.paths import Home
from trayapp.desktop.secrets.environment import from_environment
from trayapp.desktop.secrets.errors import SecretsError
from trayapp.desktop.secrets.store import Secrets
from trayapp.desktop.secrets.turns import Turns
from trayapp.endpoints.merging import Decision, settled
from trayapp.endpoints.model import Endpoint, General, Settings
from trayapp.endpoints.readable import Lifted, lifted, readable
from trayapp.endpoints.settings import (
    SettingsError,
    complete,
    convert,
    to_builtins,
    with_names,
)
from trayapp.endpoints.settings_file import SettingsFile
from trayapp.errors import EnvironmentProblem, UserError, problem_of
from trayapp.messages import Message, listing, say, say_count
from trayapp.operations.fields import edited, edited_general
from trayapp.operations.selection import find
from trayapp.operations.vault import Vault
from trayapp.schedule.engine import work
from trayapp.schedule.times.clock import SystemClock
from trayapp.schedule.times.due import parents
from trayapp.store.bookkeeping import endpoint_states
from trayapp.store.bookkeeping.pause import Pause, save_pause
from trayapp.store.errors import StoreCorrupt, StoreError
from trayapp.store.file.database import Store, commit
from trayapp.store.file.leftovers import remove_leftovers
from trayapp.store.file.mending import clean, restore
from trayapp.store.mirror import adoption, schema
from trayapp.sync.cancel import CancelToken
from trayapp.sync.detection.preview import Preview
from trayapp.sync.http.budget import Budgets
from trayapp.sync.http.destinations import FIELDS, Field, destinations, fields_of
from trayapp.sync.http.links import origin
from trayapp.sync.reading import journal
from trayapp.sync.report import Progress, Report
from trayapp.sync.run.collection import rare_collections

# What runs and tests endpoints is imported by the first one that does: the tray program is small until then.
if TYPE_CHECKING:
    from trayapp.demo.server import DemoServer
    from trayapp.sync.http.auth import Credentials
    from trayapp.sync.oauth.accounts import Accounts, OAuthAccess
    from trayapp.sync.oauth.signin import Person

log = logging.getLogger(__name__)


class Saved(msgspec.Struct, frozen=True):
    """An endpoint as it was saved, and what a person should know of its secrets, in sentences."""

    endpoint: Endpoint
    notes: tuple[str, ...] = ()


class Workspace:
    """One home with its settings, secrets and database. Thread-safe; `close` when done."""

    def __init__(self, home: Home, heard_secret: Callable[[str], None] = lambda _: None) -> None:
        """`heard_secret` is told every secret that is used, so that logs can be scrubbed of it."""
        self.home = home
        self.settings_file = SettingsFile(home.settings_file)
        self.secrets = Secrets(heard_secret)
        self._heard_secret = heard_secret
        self.clock = SystemClock()
        self.vault = Vault(self.secrets, lambda: self.store, Turns(home.data / "sign-ins"), heard_secret)
        self._accounts: Accounts | None = None
        self.budgets = Budgets()
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._demo: DemoServer | None = None

    @property
    def store(self) -> Store:
        """The database, opened at first use. Raises UserError."""
        with self._lock:
            if self._store is not None:
                return self._store
            self._tidy()
            self._store = Store(self.home.database)
            try:
                self._settle(self._store)
            except StoreCorrupt:
                self._settle(self._store)  # it has been mended now, or this says why not
            return self._store

    def _tidy(self) -> None:
        """Make the home's folders, and remove what killed processes left there, as far as it can be written."""
        try:
            self.home.create()
            self.home.staging.mkdir(mode=0o700, exist_ok=True)
            journal.clean(self.home.staging, self.clock.now())
            clean(self.home.database)
            self.settings_file.clean()
            remove_leftovers(self.home.database, self.clock.now())
        except (EnvironmentProblem, OSError) as error:
            if not self.home.database.exists():
                raise
            log.warning("the home can only be read: %s", problem_of(error))

    def take_notices(self) -> list[Message]:
        """What people should know of the database since this was last asked. Waits for nobody."""
        return self._store.take_notices() if self._store is not None else []

    def _settle(self, store: Store) -> None:
        """Do what the database owes to the settings, if they can be read and it can be written."""
        try:
            self.vault.adopt(store, self.settings)
            self._adopt_tables(store)
        except StoreCorrupt:
            raise
        except (SettingsError, StoreError) as error:
            log.info("the database is not settled yet: %s", error)

    def restore(self, backup: Path) -> Path | None:
        """Put a checked backup in the place of the database; where that is now, if there was one. Raises UserError."""
        store = self._store  # the lock is not held while this waits: a window may want it
        if store is None:
            self._tidy()
            replaced = restore(self.home.database, backup, self.clock.now())
        else:
            replaced = store.restore(backup)
        self._settle(self.store)
        return replaced

    def adopt_all(self) -> list[Message]:
        """Make tables that nobody owns their endpoints' again, by the settings; which, in words. Raises UserError."""
        endpoints = self.settings().endpoint
        with self.store.writing() as db:
            adopted = adoption.adopt_all(db, endpoints)
        return [say("The table of {id} was not known any more, and is now.", id=id) for id in adopted]

    def _adopt_tables(self, store: Store) -> None:
        with store.reading() as db:
            if not adoption.is_owed(db):
                return
        endpoints = self.settings().endpoint
        with store.writing() as db:
            adopted = adoption.adopt_all(db, endpoints)
        log.warning("tables that are their endpoints' again: %s", ", ".join(adopted) or "none")

    @property
    def accounts(self) -> "Accounts":
        """The sign-ins of this process."""
        from trayapp.sync.oauth.accounts import Accounts

        with self._lock:
            if self._accounts is None:
                self._accounts = Accounts(self.vault, self.clock.now)
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
        settings = self.settings_file.load()
        children.withhold(each.auth.secret_env for each in settings.endpoint)
        return settings

    def endpoint(self, id: str) -> Endpoint:
        """One endpoint by id or by name. UserError when there is none, or several have that name."""
        return find(self.settings(), id)

    def save(
        self,
        endpoint: Endpoint,
        secret: str | None = None,
        tokens: Mapping[Field, str] | None = None,
        names_variable: bool = False,
    ) -> Saved:
        """Add the endpoint, or replace the one with its id: with its secret, or with a UserError not at all.

        secret: what a person entered for just this endpoint, and so for where it goes. tokens: of a sign-in in another
        process, by field (`Accounts.take_unsaved`). names_variable: a person has named its environment variable.
        """
        return self._save(
            lambda settings: lifted(endpoint, settings.find(endpoint.id) if endpoint.id else None),
            secret,
            tokens or {},
            names_variable,
        )

    def _save(
        self,
        wanted: Callable[[Settings], Lifted],
        secret: str | None = None,
        tokens: Mapping[Field, str] | None = None,
        names_variable: bool = False,
    ) -> Saved:
        """Save the endpoint that `wanted` makes of the settings: of those on disk when they are written."""
        before = self.settings()
        found = wanted(before)
        endpoint, secret = found.endpoint, secret if found.secret is None else found.secret
        old = before.find(endpoint.id) if endpoint.id else None
        if old is not None:
            complete(_placed(before, endpoint)[0])  # what can't be used must not cost a secret
            self._let_go(old, endpoint)
            if secret is not None:
                self.vault.set(endpoint, "secret", secret, interactive=True)
        position: list[int] = []

        def change(settings: Settings) -> Settings:
            settings, at = _placed(settings, wanted(settings).endpoint)
            position.append(at)
            return settings

        saved = self.settings_file.edit(change).endpoint[position[-1]]
        try:
            if secret is not None and old is None:
                self.vault.set(saved, "secret", secret, interactive=True)
            self._keep_sign_in(saved, old, tokens or {})
            if names_variable and saved.auth.secret_env:
                self.vault.allow_variable(saved)
        except BaseException:
            if old is None:
                self.settings_file.edit(lambda settings: _lacking(settings, [saved.id]))
            raise
        return Saved(saved, (*found.notes, *(self._withheld(old, saved) if old is not None else ())))

    def save_all(
        self,
        settings: Settings,
        secrets: Mapping[str, str],
        drop_tables: Sequence[str] = (),
        proxy_passwords: Mapping[str, str] | None = None,
        names_variables: Collection[str] = (),
        *,
        base: Settings,
        decision: Decision | None = None,
    ) -> Settings:
        """Write the edits that were made of `base`, on top of what is on disk, and new secrets by endpoint id.

        Endpoints that the edits removed are forgotten, with their tables if named. names_variables: ids of the
        endpoints whose environment variable a person has named now. decision: what a person said about conflicts with
        what is on disk. SettingsConflict, and nothing is written, where there are others.
        """
        before = self.settings()
        found = [lifted(each, base.find(each.id)) for each in settings.endpoint]
        # Secrets are given for where the endpoints of `mine` go: nobody has seen yet what else is on disk.
        mine = with_names(msgspec.structs.replace(settings, endpoint=tuple(each.endpoint for each in found)))
        secrets = {**secrets, **{each.endpoint.id: each.secret for each in found if each.secret is not None}}
        for each in complete(settled(base, mine, before, decision)).endpoint:
            if (old := before.find(each.id)) is not None:
                self._let_go(old, each)
        for each in mine.endpoint:
            if (secret := secrets.get(each.id)) is not None:
                self.vault.set(each, "secret", secret, interactive=True)
            if (password := (proxy_passwords or {}).get(each.id)) is not None:
                self.vault.set(each, "proxy", password, interactive=True)
                self.accounts.forget(each.id)

        def change(theirs: Settings) -> Settings:
            nonlocal before
            before = theirs
            return settled(base, mine, theirs, decision)

        removed = [each for each in base.endpoint if mine.find(each.id) is None]
        saved = self._without(removed, change, drop_tables)
        for each in saved.endpoint:
            self._keep_sign_in(each, before.find(each.id), {})
        for each in mine.endpoint:
            if each.id in names_variables and each.auth.secret_env and saved.find(each.id) is not None:
                self.vault.allow_variable(each)
        return saved

    def _keep_sign_in(self, endpoint: Endpoint, old: Endpoint | None, tokens: Mapping[Field, str]) -> None:
        """Store what a sign-in before the endpoint was saved gave; drop what was given for another service."""
        if endpoint.auth.kind != "oauth2_code":
            return
        tokens = {**self.accounts.take_unsaved(endpoint), **tokens}
        if old is not None and old.auth.kind == "oauth2_code" and (tokens or not _same_sign_in(old, endpoint)):
            self._forget_secrets(old, ("refresh_token", "access_token"))
        for field, token in tokens.items():
            self.vault.set(endpoint, field, token)
        if tokens:
            self.accounts.forget(endpoint.id)

    def _let_go(self, old: Endpoint, new: Endpoint) -> None:
        """Forget the secrets that an endpoint has no use for any more: they are not for the next one of its id.

        Another proxy, or another user there, is not to get the password of the one before.
        """
        gone = [field for field in fields_of(old) if field not in fields_of(new)]
        proxies = [(each.request.proxy, each.request.proxy_user) for each in (old, new)]
        if "proxy" not in gone and old.request.proxy_user and proxies[0] != proxies[1]:
            gone.append("proxy")
        if gone:
            self._forget_secrets(old, gone)

    def remove(self, id: str, drop_table: bool = False) -> Endpoint:
        """Remove an endpoint, its state and its secret; its table too if wished. Returns what it was.

        UserError, and nothing done, when that can't be: StoreLocked while another program has the database.
        """
        endpoint = self.endpoint(id)
        followers = [each.id for each in self.settings().endpoint if endpoint.id in parents(each)]
        if followers:
            raise UserError(
                say("{id} can't be removed", id=endpoint.id),
                say_count(
                    "{others} runs after it.",
                    "{others} run after it.",
                    len(followers),
                    others=listing(tuple(followers)),
                ),
                say(
                    "Change that first, for example with: traysync edit {followers} --set after=",
                    followers=followers[0],
                ),
            )
        self._without(
            [endpoint],
            lambda settings: _lacking(settings, [endpoint.id]),
            [endpoint.id] if drop_table else [],
        )
        return endpoint

    def _without(
        self, removed: Sequence[Endpoint], change: Callable[[Settings], Settings], drop_tables: Sequence[str]
    ) -> Settings:
        """Write changed settings, and forget those of `removed` that they lack: both or, with a UserError, neither.

        The database comes first, when the settings are all but renamed: who breaks off between the two has an endpoint
        that knows nothing any more, and can be removed again.
        """
        if not removed:
            return self.settings_file.edit(change)
        gone: list[Endpoint] = []
        with self.store.writing() as db:

            def forgetting(settings: Settings) -> Settings:
                changed = change(settings)
                gone.extend(settings.find(each.id) or each for each in removed if changed.find(each.id) is None)
                for each in gone:
                    if each.id in drop_tables:
                        schema.drop_owned(db, each.id)
                    endpoint_states.forget(db, each.id)
                return changed

            saved = self.settings_file.edit(forgetting, ready=lambda: commit(db))
        for each in gone:
            self._forget_secrets(each)
        return saved

    def _forget_secrets(self, endpoint: Endpoint, fields: Sequence[Field] = FIELDS) -> None:
        """SecretsError when the keyring can't, and there is reason to believe that it has one of them."""
        try:
            self.vault.forget(endpoint, fields)
        except SecretsError:
            kept = set(fields_of(endpoint)) - ({"secret"} if endpoint.auth.secret_env else set())
            if kept.intersection(fields):
                raise
            log.info("the keyring was not looked through for secrets of %s, which has none", endpoint.id)
        self.accounts.forget(endpoint.id)

    def edit(self, id: str, changes: Mapping[str, str]) -> Saved:
        """Set fields, named by dotted paths, from text (a TOML value, or just text). SettingsError names a bad one."""

        def wanted(settings: Settings) -> Lifted:
            before = find(settings, id)
            found = edited(before, changes, before)
            if found.endpoint.id != before.id:
                raise UserError(
                    say("The id can't be changed"),
                    say("Table, history and secrets belong to it."),
                    say("Add a new endpoint."),
                    field="id",
                )
            return found

        return self._save(wanted)

    def edit_general(self, changes: Mapping[str, str]) -> General:
        """Set fields of the whole program from text, as `edit` does. SettingsError names a bad one."""

        def change(settings: Settings) -> Settings:
            return msgspec.structs.replace(settings, general=edited_general(settings.general, changes))

        return self.settings_file.edit(change).general

    def set_enabled(self, ids: Sequence[str], enabled: bool) -> list[Endpoint]:
        """Switch endpoints on or off, and return them as they are now."""
        wanted: list[str] = []

        def change(settings: Settings) -> Settings:
            wanted.extend(find(settings, id).id for id in ids)
            endpoints = (
                msgspec.structs.replace(each, enabled=enabled) if each.id in wanted else each
                for each in settings.endpoint
            )
            return msgspec.structs.replace(settings, endpoint=tuple(endpoints))

        return [each for each in self.settings_file.edit(change).endpoint if each.id in wanted]

    # Runs

    def _withheld(self, before: Endpoint, after: Endpoint) -> list[str]:
        """What the endpoint will not send because it goes elsewhere than it went before, in sentences."""
        sentences = []
        for field in fields_of(after):
            if field in fields_of(before) and destinations(after, field) <= destinations(before, field):
                continue
            try:
                self.vault.get(after, field)
            except UserError as error:
                sentences.append(str(error))
        return sentences

    def preview(
        self,
        endpoint: Endpoint,
        secret: str | None,
        cancel: CancelToken,
        person: "Person | None" = None,
        proxy_password: str | None = None,
        names_variable: bool = False,
    ) -> Preview:
        """Try an endpoint out; None as a secret means the stored one. `person` can sign in if that is needed.

        names_variable: a person has named the environment variable for just this. UserError, Cancelled.
        """
        from trayapp.sync.detection.first_page import explore
        from trayapp.sync.oauth.accounts import OAuthAccess
        from trayapp.sync.reading.chain import one_of

        self._serve_demo(endpoint)
        if secret is None and names_variable and endpoint.auth.secret_env:
            children.withhold([endpoint.auth.secret_env])
            secret = from_environment(endpoint.auth.secret_env)
        access = self._access(endpoint, secret, cancel, proxy_password)
        if person is not None and isinstance(access, OAuthAccess) and endpoint.auth.kind == "oauth2_code":
            access.ensure_signed_in(person)
        chained = endpoint.after is not None and bool(endpoint.after.each)
        found = explore(one_of(endpoint, self.store, cancel) if chained else endpoint, access, cancel, self.budgets)
        if not chained:
            return found
        asked = msgspec.structs.replace(found.endpoint, url=endpoint.url, request=endpoint.request)
        return msgspec.structs.replace(found, endpoint=asked)

    def sign_in(self, id: str, person: "Person", cancel: CancelToken) -> dict[Field, str]:
        """Have a person sign in for an endpoint; the tokens by field, to be stored as its secrets.

        UserError, Cancelled.
        """
        from trayapp.sync.oauth.accounts import OAuthAccess

        endpoint = self.endpoint(id)
        if endpoint.auth.kind != "oauth2_code":
            raise UserError(
                say("{id} needs no sign-in", id=endpoint.id),
                say("Its authentication is {kind}.", kind=endpoint.auth.kind),
                say("Use `traysync secret set` for passwords and tokens."),
            )
        access = self.accounts.access(endpoint, self.vault.get(endpoint), cancel, saved=False)
        assert isinstance(access, OAuthAccess)
        access.sign_in(person)
        return self.accounts.take_unsaved(endpoint)

    def _access(
        self, endpoint: Endpoint, secret: str | None, cancel: CancelToken, proxy_password: str | None
    ) -> "Credentials | OAuthAccess":
        known = self.settings().find(endpoint.id) if endpoint.id else None
        if secret:
            self._heard_secret(secret)
        elif endpoint.auth.kind != "none" and (known is not None or endpoint.auth.secret_env):
            secret = self.vault.get(endpoint)
        if proxy_password:
            self._heard_secret(proxy_password)
        self._hear_readable(endpoint)
        saved = known is not None and _same_sign_in(known, endpoint)
        return self.accounts.access(endpoint, secret, cancel, saved=saved, proxy_password=proxy_password)

    def _hear_readable(self, endpoint: Endpoint) -> None:
        for each in readable(endpoint):
            self._heard_secret(each.value)

    def execute(
        self,
        endpoint: Endpoint,
        full: bool,
        cancel: CancelToken,
        progress: Callable[[Progress], None],
        apply_held: bool = False,
    ) -> Report:
        """Run an endpoint once, now."""
        from trayapp.sync.run.context import RunContext
        from trayapp.sync.run.runner import run

        self._hear_readable(endpoint)
        self._serve_demo(endpoint)
        context = RunContext(
            store=self.store,
            staging=self.home.staging,
            secret=lambda _id, _auth: self.vault.get(endpoint),
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
            row = endpoint_states.load_state(db, id)
            endpoint_states.save_state(db, work.restart(row, self.clock.now()))

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
        return self.save(demo_endpoint(url)).endpoint

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


def _placed(settings: Settings, endpoint: Endpoint) -> tuple[Settings, int]:
    """The settings with the endpoint in place of the one of its id, or as the last; and its place."""
    endpoints = list(settings.endpoint)
    ids = [each.id for each in endpoints]
    at = ids.index(endpoint.id) if endpoint.id in ids else len(ids)
    endpoints[at : at + 1] = [endpoint]
    return msgspec.structs.replace(settings, endpoint=tuple(endpoints)), at


def _lacking(settings: Settings, ids: Collection[str]) -> Settings:
    return msgspec.structs.replace(settings, endpoint=tuple(each for each in settings.endpoint if each.id not in ids))


def _same_sign_in(one: Endpoint, other: Endpoint) -> bool:
    """Whether the tokens of one endpoint may be used for the other: they are for one service and one server."""
    return one.auth == other.auth and origin(one.url) == origin(other.url)
