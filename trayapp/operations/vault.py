"""The one place that gives secrets out: to an endpoint whose every destination a person has given that secret for."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, suppress
from urllib.parse import urlsplit

import msgspec

from trayapp.desktop.secrets.entries import Kept
from trayapp.desktop.secrets.environment import from_environment
from trayapp.desktop.secrets.store import Secrets
from trayapp.desktop.secrets.turns import Turns
from trayapp.endpoints.model import Endpoint, Settings
from trayapp.errors import UserError
from trayapp.messages import Message, foreign, say, tr
from trayapp.store.bookkeeping import grants
from trayapp.store.file.database import Store
from trayapp.sync.errors import AuthError, SyncError
from trayapp.sync.http.destinations import FIELDS, Field, destinations, fields_of

_FREE = "TRAYSYNC_"
"""Environment variables with such a name are there for nobody but this program."""


class Withheld(AuthError):
    """The endpoint goes where nobody has given the secret for."""

    code = "secret_withheld"
    action = "allow_secret"


class Allowance(msgspec.Struct, frozen=True):
    """What an endpoint wants to send: a secret in words, and where to. `field` is what `Vault.allow` takes."""

    field: Field
    what: str
    to: tuple[str, ...]

    def __str__(self) -> str:
        return tr("{secret} may be sent to {places}", secret=self.what, places=self.to)


def secret_field(text: str) -> Field:
    """The secret of that name. UserError when an endpoint has none such."""
    for field in FIELDS:
        if field == text:
            return field
    raise UserError(
        say("There is no secret called “{name}”", name=text),
        say("The secrets of an endpoint are: {names}.", names=FIELDS),
        say("Use one of these names."),
    )


class Vault:
    """Secrets of the keyring and of the environment. A `sync.auth.SecretStore`, too. Thread-safe.

    `store` gives the home's database, where grants are of what has no keyring to keep them. `heard` is told every
    secret that is given out.
    """

    def __init__(
        self, secrets: Secrets, store: Callable[[], Store], turns: Turns, heard: Callable[[str], None]
    ) -> None:
        self._secrets = secrets
        self._store = store
        self._turns = turns
        self.heard = heard

    def get(self, endpoint: Endpoint, field: Field = "secret", *, fresh: bool = False) -> str | None:
        """The secret for a request of the endpoint as it is here, which may be another than the saved one of its id.

        None when there is none. Withheld when nobody gave it for all of where the endpoint goes, SecretsErrors, and
        UserError for a variable that is not set. `fresh` asks the keyring instead of what is remembered of it.
        """
        if field == "secret" and endpoint.auth.secret_env:
            return self._variable(endpoint)
        if fresh:
            self._secrets.forget(endpoint.id)
        kept = self._secrets.get(endpoint.id, field)
        if kept is None:
            return None
        given = kept.to if kept.to is not None else self._given_before(endpoint, field, kept)
        wanted = destinations(endpoint, field)
        if given is None or not wanted <= given:
            raise _withheld(endpoint, field, given or frozenset(), wanted)
        return kept.value

    def set(self, endpoint: Endpoint, field: Field, value: str, *, interactive: bool = False) -> None:
        """Keep a secret, for where the endpoint goes now. SecretsErrors; `interactive`: somebody may be asked."""
        self._secrets.set(endpoint.id, value, destinations(endpoint, field), field, interactive=interactive)

    def turn(self, id: str) -> AbstractContextManager[object]:
        """Exclude other processes from exchanging the endpoint's tokens."""
        return self._turns.turn(id)

    def wants(self, endpoint: Endpoint, field: Field | None = None) -> tuple[Allowance, ...]:
        """What the endpoint as it is would send, if it is there; None: all of its secrets."""
        return tuple(
            Allowance(each, str(_secret_name(endpoint, each)), tuple(sorted(destinations(endpoint, each))))
            for each in fields_of(endpoint)
            if field in (None, each)
        )

    def allow(self, endpoint: Endpoint, allowances: Collection[Allowance]) -> tuple[Allowance, ...]:
        """A person allows all this; those of it that there are. UserError, and nothing done, if it is not what the
        endpoint wants now: that is not what they have been shown."""
        if not set(allowances) <= set(self.wants(endpoint)):
            raise UserError(
                say("The endpoint was changed in the meantime"),
                say("It sends its secrets to other places now."),
                say("Look at it again."),
                code="changed_meanwhile",
            )
        return tuple(each for each in allowances if self._allow(endpoint, each.field))

    def _allow(self, endpoint: Endpoint, field: Field) -> bool:
        if field == "secret" and endpoint.auth.secret_env:
            self.allow_variable(endpoint)
            return True
        self._secrets.forget(endpoint.id)
        kept = self._secrets.get(endpoint.id, field, interactive=True)
        if kept is not None:
            self.set(endpoint, field, kept.value, interactive=True)
        return kept is not None

    def allow_variable(self, endpoint: Endpoint) -> None:
        """A person has named the endpoint's variable for where it goes now."""
        with self._store().writing() as db:
            grants.grant(db, endpoint.id, _name(endpoint, "secret"), destinations(endpoint, "secret"))

    def may_use_variable(self, endpoint: Endpoint) -> bool:
        """Whether the endpoint's variable is there for it, wherever it goes."""
        name = endpoint.auth.secret_env.removeprefix("$")
        if not name or name.startswith(_FREE):
            return True
        given = self._granted(endpoint.id, _name(endpoint, "secret"))
        return given is not None and destinations(endpoint, "secret") <= given

    def delete(self, endpoint: Endpoint, field: Field) -> bool:
        """Forget one secret, or that its variable was allowed; False when there was no secret. SecretsErrors."""
        with self._store().writing() as db:
            grants.withdraw(db, endpoint.id, _name(endpoint, field))
        return self._secrets.delete(endpoint.id, field)

    def forget(self, endpoint: Endpoint, fields: Sequence[Field]) -> None:
        """Forget secrets of an endpoint, and what was allowed of them. SecretsErrors."""
        with self._store().writing() as db:
            if set(fields) == set(FIELDS):
                grants.withdraw(db, endpoint.id)
            for field in fields:
                grants.withdraw(db, endpoint.id, _name(endpoint, field))
        if "refresh_token" in fields:
            self._turns.forget(endpoint.id)
        for field in fields:
            self._secrets.delete(endpoint.id, field)

    def adopt(self, store: Store, settings: Callable[[], Settings]) -> None:
        """Take what endpoints of the settings send as allowed, once, where the database is older than such words."""
        with store.reading() as db:
            if not grants.is_owed(db):
                return
        endpoints = settings().endpoint
        with store.writing() as db:
            for endpoint in endpoints if grants.is_owed(db) else ():
                for field in fields_of(endpoint):
                    with suppress(SyncError):  # where it can't go, nothing is sent
                        grants.grant(db, endpoint.id, _name(endpoint, field), destinations(endpoint, field))
            grants.settle(db)

    def _variable(self, endpoint: Endpoint) -> str:
        if not self.may_use_variable(endpoint):
            given = self._granted(endpoint.id, _name(endpoint, "secret"))
            raise _withheld(endpoint, "secret", given or frozenset(), destinations(endpoint, "secret"))
        value = from_environment(endpoint.auth.secret_env)
        self.heard(value)
        return value

    def _granted(self, id: str, what: str) -> frozenset[str] | None:
        with self._store().reading() as db:
            return grants.granted(db, id, what)

    def _given_before(self, endpoint: Endpoint, field: Field, kept: Kept) -> frozenset[str] | None:
        """For where a secret was used that is older than such words. They are written beside it now."""
        given = self._granted(endpoint.id, field)
        if given is not None:
            self._secrets.set(endpoint.id, kept.value, given, field, interactive=False)
            with self._store().writing() as db:
                grants.withdraw(db, endpoint.id, field)
        return given


def _name(endpoint: Endpoint, field: Field) -> str:
    """What grants of the database call it."""
    variable = endpoint.auth.secret_env if field == "secret" else ""
    return f"variable {variable.removeprefix('$')}" if variable else field


def _secret_name(endpoint: Endpoint, field: Field) -> Message:
    if field == "proxy":
        return say("The proxy's password")
    if field in ("refresh_token", "access_token"):
        return say("The sign-in")
    if endpoint.auth.secret_env:
        return foreign(endpoint.auth.secret_env.removeprefix("$"))
    if endpoint.auth.kind.startswith("oauth2"):
        return say("The client's secret")
    names = {"basic": say("The password"), "bearer": say("The token")}
    return names.get(endpoint.auth.kind, say("The key"))


def _withheld(endpoint: Endpoint, field: Field, given: frozenset[str], wanted: frozenset[str]) -> Withheld:
    variable = field == "secret" and endpoint.auth.secret_env
    target = endpoint.auth.token_url if endpoint.auth.kind.startswith("oauth2") else endpoint.url
    host = urlsplit(endpoint.request.proxy or "" if field == "proxy" else target).hostname or ""
    places = {"given": tuple(sorted(given)), "wanted": tuple(sorted(wanted))}
    if given and variable:
        cause = say("It was allowed for {given}. This endpoint now sends to {wanted}.", **places)
    elif given:
        cause = say("It was entered for {given}. This endpoint now sends to {wanted}.", **places)
    elif variable:
        cause = say(
            "This endpoint is not allowed to use that environment variable. It sends to {wanted}.",
            wanted=places["wanted"],
        )
    else:
        cause = say(
            "It is unknown for which server it was entered. This endpoint now sends to {wanted}.",
            wanted=places["wanted"],
        )
    which = endpoint.id if field == "secret" else f"{endpoint.id} {field}"
    if variable and not endpoint.id:
        next = say("If that is intended, name it yourself: --secret-env {name}", name=endpoint.auth.secret_env)
    elif variable:
        next = say("If that is intended, allow it: traysync secret allow {which}", which=which)
    elif field in ("refresh_token", "access_token"):
        next = say(
            "Sign in again (traysync secret sign-in {id}), or allow it: traysync secret allow {which}",
            id=endpoint.id,
            which=which,
        )
    else:
        next = say(
            "Enter it again (traysync secret set {which}), or allow it: traysync secret allow {which}", which=which
        )
    title = say("{secret} is not sent to {host}", secret=_secret_name(endpoint, field), host=host)
    return Withheld(title, cause, next)
