"""The tokens of all endpoints: kept in memory, renewed by one thread and one process at a time, saved before used."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec

from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.readable import readable
from trayapp.endpoints.units import Duration
from trayapp.errors import UserError
from trayapp.messages import Message, say
from trayapp.sync.cancel import CancelToken
from trayapp.sync.errors import AuthError
from trayapp.sync.http.auth import Credentials, MemorySecrets, SecretReader, SecretStore, credentials, secret_missing
from trayapp.sync.http.destinations import Field, destinations
from trayapp.sync.http.transport import Deadline, Transport
from trayapp.sync.oauth.grants import GrantRefused, Grants, TokenSet
from trayapp.sync.oauth.signin import PATIENCE, Person, sign_in

REFRESH: Field = "refresh_token"
ACCESS: Field = "access_token"
PROXY: Field = "proxy"
"""Fields of a SecretStore. An access token is only stored where there is no refresh token: it is all we have then."""

_SIGN_IN_TIME = Duration(3600)
"""How long a sign-in may take in all; codes for other devices are good for up to half an hour."""


class SignInNeeded(AuthError):
    """A person has to sign in; nothing that runs by itself can help."""

    code = "sign_in_needed"
    action = "sign_in"

    def __init__(self, cause: Message) -> None:
        super().__init__(
            say("Sign in again"), cause, say("Test the endpoint in its settings, or use: traysync secret sign-in ID")
        )


class Accounts:
    """Gives each run its credentials. One for the whole program; thread-safe.

    `secrets` is where tokens are kept, `now` the clock that says whether they are still good.
    """

    def __init__(
        self, secrets: SecretStore | None = None, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._secrets: SecretStore = secrets if secrets is not None else MemorySecrets()
        self._now = now
        self._lock = threading.Lock()
        self._accounts: dict[tuple[str, bytes, bytes], _Account] = {}
        self._unsaved: dict[bytes, MemorySecrets] = {}
        self._in_body: set[str] = set()

    def access(
        self,
        endpoint: Endpoint,
        secret: str | None,
        cancel: CancelToken,
        *,
        saved: bool = True,
        proxy_password: str | None = None,
    ) -> "Credentials | OAuthAccess":
        """What a run of the endpoint gets its credentials from. AuthError when a secret is missing.

        secret: the endpoint's own. saved: the endpoint is one of the settings with just this authentication; of
        another, tokens are only kept in memory until `take_unsaved`. proxy_password: None means the stored one.
        """
        proxy = proxy_password
        if proxy is None and endpoint.request.proxy_user and endpoint.id:
            proxy = self._secrets.get(endpoint, PROXY)
        if not endpoint.auth.kind.startswith("oauth2"):
            return _hiding(endpoint, credentials(endpoint.auth, secret, proxy))
        if endpoint.auth.kind == "oauth2_client" and secret is None:
            raise secret_missing(say("The client's secret is missing"))
        id = endpoint.id if saved else ""
        # A new secret is not tried with a token that an old one was good for, nor a token where it was not meant for.
        key = (id, _of(endpoint), hashlib.sha256((secret or "").encode()).digest())
        with self._lock:
            secrets: SecretStore = self._secrets
            if not id:
                secrets = self._unsaved.setdefault(_of(endpoint), MemorySecrets(self._secrets.heard))
            account = self._accounts.setdefault(key, _Account(msgspec.structs.replace(endpoint, id=id), secrets))
        return OAuthAccess(endpoint, secret, proxy, account, cancel, self._now, self._in_body)

    def take_unsaved(self, endpoint: Endpoint) -> dict[Field, str]:
        """The tokens, by field, of who signed in for this endpoint, not saved then; they are forgotten."""
        with self._lock:
            secrets = self._unsaved.pop(_of(endpoint), None)
            for key in [key for key in self._accounts if key[:2] == ("", _of(endpoint))]:
                del self._accounts[key]
        return {field: value for (_, field), value in secrets.fields.items()} if secrets is not None else {}

    def forget(self, id: str) -> None:
        """Drop what is remembered of an endpoint: its secrets were changed or deleted."""
        with self._lock:
            for key in [key for key in self._accounts if key[0] == id]:
                del self._accounts[key]


def _hiding(endpoint: Endpoint, found: Credentials) -> Credentials:
    """The credentials, which hide what the settings have readably, too."""
    more = tuple(each.value for each in readable(endpoint))
    return msgspec.structs.replace(found, secrets=(*found.secrets, *more)) if more else found


def _of(endpoint: Endpoint) -> bytes:
    """What a sign-in is for: the service, and where its tokens go."""
    return msgspec.json.encode((endpoint.auth, sorted(destinations(endpoint, REFRESH))), order="sorted")


class _Account:
    """The tokens of one endpoint in memory; whoever holds `lock` may change them."""

    def __init__(self, endpoint: Endpoint, secrets: SecretStore) -> None:
        self.endpoint = endpoint
        self.id = endpoint.id
        self.secrets = secrets
        self.lock = threading.Lock()
        self.token: TokenSet | None = None
        self.unsaved: dict[Field, str] = {}
        self.exchanged: tuple[str, ...] = ()
        """All that the token was bought with. The server it is for may be the sign-in service, and repeat it."""

    def read(self, field: Field) -> str | None:
        """What is stored now, maybe by another process."""
        return self.unsaved.get(field) or self.secrets.get(self.endpoint, field, fresh=True) or None

    def save(self) -> None:
        """Store what could not be stored so far."""
        for field in list(self.unsaved):
            self.secrets.set(self.endpoint, field, self.unsaved[field])
            del self.unsaved[field]


class OAuthAccess:
    """The credentials of one run of an OAuth2 endpoint."""

    def __init__(
        self,
        endpoint: Endpoint,
        secret: str | None,
        proxy_password: str | None,
        account: _Account,
        cancel: CancelToken,
        now: Callable[[], datetime],
        in_body: set[str],
    ) -> None:
        self.proxy_password = proxy_password
        self._endpoint = endpoint
        self._auth = endpoint.auth
        self._secret = secret
        self._account = account
        self._cancel = cancel
        self._now = now
        self._in_body = in_body

    def current(self) -> Credentials:
        """The credentials for a request now. SignInNeeded, other SyncErrors, Cancelled."""
        with self._turn() as account:
            token = account.token
            if token is None or self._used_up(token):
                token = self._renew()
            return self._credentials(token)

    def renewed(self, refused: Credentials) -> Credentials:
        """Others than those that were refused: fetched now, or by another run meanwhile. Errors as `current`."""
        with self._turn() as account:
            token = account.token
            if token is None or self._credentials(token) == refused:
                account.token = None
                token = self._renew(refused)
            return self._credentials(token)

    def sign_in(self, person: Person, patience: float = PATIENCE) -> None:
        """Have a person sign in, and keep the tokens. AuthError, other SyncErrors, Cancelled."""
        with self._grants(_SIGN_IN_TIME) as grants:
            token = sign_in(self._auth, grants, person, self._cancel, patience)
        with self._turn() as account, account.secrets.turn(account.id):
            self._keep(token)

    def ensure_signed_in(self, person: Person) -> None:
        """Have a person sign in if that is needed. Errors as `sign_in`."""
        try:
            self.current()
        except SignInNeeded:
            self.sign_in(person)

    def _renew(self, refused: Credentials | None = None) -> TokenSet:
        account = self._account
        if self._auth.kind == "oauth2_client":
            with self._grants() as grants:
                account.token = grants.client_credentials()
            return account.token
        with account.secrets.turn(account.id):
            account.save()
            stored = account.read(REFRESH)
            if stored is None:
                return self._stored_access(refused)
            with self._grants() as grants:
                try:
                    token = grants.refresh(stored)
                except GrantRefused as error:
                    if error.refusal != "invalid_grant":
                        raise
                    raise SignInNeeded(
                        say("The sign-in is no longer accepted. {answer}", answer=error.problem.cause)
                    ) from None
            return self._keep(token, stored)

    def _stored_access(self, refused: Credentials | None) -> TokenSet:
        """The access token of a service that gives no refresh tokens, as long as it is good."""
        text = self._account.read(ACCESS)
        if text is None:
            raise SignInNeeded(say("Nobody has signed in for this endpoint yet."))
        token = msgspec.json.decode(text, type=TokenSet)
        if self._used_up(token) or (refused is not None and self._credentials(token) == refused):
            raise SignInNeeded(say("The sign-in has expired, and the service does not allow renewing it."))
        self._account.secrets.heard(token.access_token)
        self._account.token = token
        return token

    def _keep(self, token: TokenSet, used: str | None = None) -> TokenSet:
        """Save what renews the token, then let the token be used: after a crash between the two nothing is lost."""
        account = self._account
        if token.refresh_token is None and used is None:
            account.unsaved[ACCESS] = msgspec.json.encode(token).decode()
        elif token.refresh_token is not None and token.refresh_token != used:
            account.unsaved[REFRESH] = token.refresh_token
        account.save()
        account.token = token
        return token

    def _used_up(self, token: TokenSet) -> bool:
        return token.renew_at is not None and token.renew_at <= self._now()

    def _credentials(self, token: TokenSet) -> Credentials:
        secrets = (token.access_token, self.proxy_password or "", *self._account.exchanged)
        header = ("Authorization", f"{self._auth.prefix or 'Bearer'} {token.access_token}")
        return _hiding(self._endpoint, Credentials(header=header, secrets=secrets, proxy_password=self.proxy_password))

    @contextmanager
    def _turn(self) -> Iterator[_Account]:
        while not self._account.lock.acquire(timeout=0.1):
            self._cancel.check()
        try:
            yield self._account
        finally:
            self._account.lock.release()

    @contextmanager
    def _grants(self, time: Duration | None = None) -> Iterator[Grants]:
        deadline = Deadline(time or self._endpoint.limits.run)
        transport = Transport(self._endpoint.request, self._cancel, deadline, self.proxy_password)
        heard = self._account.secrets.heard
        grants = Grants(self._auth, self._secret, transport, self._now, self._in_body, heard)
        try:
            yield grants
        except UserError as error:
            error.hide(grants.hide)
            raise
        finally:
            self._account.exchanged = grants.secrets
            transport.close()


def access_for(
    endpoint: Endpoint, read_secret: SecretReader, accounts: Accounts, cancel: CancelToken
) -> Credentials | OAuthAccess:
    """What a run of a saved endpoint gets its credentials from. Raises AuthError, and what `read_secret` raises."""
    secret = read_secret(endpoint.id, endpoint.auth) if endpoint.auth.kind != "none" else None
    return accounts.access(endpoint, secret, cancel)
