"""OAuth2 against a real provider: expiring access tokens, rotating refresh tokens, people at a browser."""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.sync.oidc.running import SECRET, Browser, Provider
from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.naming import completed
from trayapp.store.file.database import Store
from trayapp.sync.cancel import CancelToken
from trayapp.sync.detection.first_page import explore
from trayapp.sync.errors import AuthError
from trayapp.sync.http.auth import MemorySecrets
from trayapp.sync.http.destinations import Field
from trayapp.sync.oauth.accounts import Accounts, OAuthAccess
from trayapp.sync.run.context import RunContext
from trayapp.sync.run.runner import run

RECORDS = [{"id": n, "name": f"n{n}"} for n in range(1, 24)]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def long_lived():
    with Provider(ttl=600) as provider:
        yield provider


@pytest.fixture
def provider(long_lived):
    """The provider, with its counts as they were before this test."""
    return long_lived


class Sync:
    """One endpoint that is synced with the provider, in a program that can be started anew."""

    def __init__(self, store: Store, provider: Provider, auth: Any, query: str = "") -> None:
        self.endpoint = completed(Endpoint(url=f"{provider.base}/items{query}", name="Items", auth=auth))
        self.store = store
        self.late = timedelta()
        self.keyring = MemorySecrets()
        self.secret: str | None = SECRET if auth.kind == "oauth2_client" else None
        self.start_again()

    def start_again(self) -> None:
        """As a new process has it: only the keyring is left."""
        self.accounts = Accounts(self.keyring, lambda: datetime.now(UTC) + self.late)

    def run(self) -> Any:
        context = RunContext(
            store=self.store,
            staging=self.store.path.parent,
            secret=lambda _id, _auth: self.secret,
            accounts=self.accounts,
        )
        return run(self.endpoint, context, CancelToken())

    def sign_in(self, person: Browser | None = None) -> Browser:
        person = person or Browser()
        access = self.accounts.access(self.endpoint, self.secret, CancelToken())
        assert isinstance(access, OAuthAccess)
        try:
            access.sign_in(person, patience=20)
        finally:
            person.closed()
        return person

    @property
    def refresh_token(self) -> str | None:
        return self.keyring.get(self.endpoint, "refresh_token")

    def rows(self) -> list[dict[str, Any]]:
        with self.store.reading() as db:
            return [{"id": id, "name": name} for id, name in db.execute("SELECT id, name FROM items ORDER BY id")]


@pytest.mark.parametrize("client", ["machine", "machine-post"])
def test_a_client_gets_a_token_and_uses_it_until_it_expires(provider, store, client):
    sync = Sync(store, provider, provider.auth(client=client))
    before = len(provider.grants("client_credentials"))
    assert [sync.run().status for _ in range(3)] == ["succeeded"] * 3
    assert sync.rows() == RECORDS
    assert len(provider.grants("client_credentials")) - before == 1
    sync.late = timedelta(hours=1)
    assert sync.run().status == "succeeded"
    assert len(provider.grants("client_credentials")) - before == 2


def test_a_token_that_is_refused_in_the_middle_of_a_listing_is_fetched_anew(provider, store):
    sync = Sync(store, provider, provider.auth(), "?drop=2")
    before, refused = len(provider.grants("client_credentials")), provider.seen()["refused"]
    report = sync.run()
    assert (report.status, report.added) == ("succeeded", 23)
    assert sync.rows() == RECORDS
    assert provider.seen()["refused"] - refused == 2, "once in each of two walks"
    assert len(provider.grants("client_credentials")) - before == 3


def test_a_token_that_expired_on_the_server_is_fetched_anew(store):
    with Provider(ttl=2) as provider:
        sync = Sync(store, provider, provider.auth())
        assert sync.run().status == "succeeded"
        sync.late = timedelta(hours=-1)  # our clock is set back, and does not see it expire
        time.sleep(3.1)
        assert sync.run().unchanged == 23
        refused = provider.seen()["refused"]
        assert refused >= 1
        assert len(provider.grants("client_credentials")) == refused + 1


def test_a_wrong_client_secret_is_explained_and_shown_nowhere(provider, store):
    sync = Sync(store, provider, provider.auth())
    sync.secret = "quite another one"
    report = sync.run()
    assert (report.status, str(report.problem.title)) == ("failed", "The sign-in service rejects the client")
    assert "invalid_client" in str(report.problem.cause) or "authentication failed" in str(report.problem.cause)
    assert "quite another" not in repr(report)


def test_a_person_signs_in_and_is_not_asked_again(provider, store):
    sync = Sync(store, provider, provider.desktop())
    person = sync.sign_in()
    assert "You are signed in" in person.page
    assert "code_challenge_method=S256" in person.opened[0]
    assert sync.run().added == 23
    assert sync.rows() == RECORDS
    tokens = [sync.refresh_token]
    for _ in range(3):
        sync.start_again()
        assert sync.run().unchanged == 23
        tokens.append(sync.refresh_token)
    assert len(set(tokens)) == 4, "the provider rotates refresh tokens, and each one was kept"
    assert set(provider.grants("refresh_token")) == {"200"}
    assert len(person.opened) == 1


def test_a_client_s_token_is_for_the_audience_of_the_settings(provider, store):
    sync = Sync(store, provider, provider.auth(token_params={"resource": "urn:items"}))
    assert sync.run().added == 23
    assert provider.seen()["audiences"][-1] == "urn:items"


def test_a_person_s_tokens_are_for_the_audience_of_the_settings(provider, store):
    wanted = {"resource": "urn:items"}
    sync = Sync(store, provider, provider.desktop(auth_params=wanted, token_params=wanted))
    assert "resource=urn%3Aitems" in sync.sign_in().opened[0]
    assert sync.run().added == 23
    sync.start_again()
    assert sync.run().unchanged == 23, "renewed with the same parameters"
    assert provider.seen()["audiences"][-2:] == ["urn:items"] * 2


def test_a_service_that_knows_one_address_only_is_come_back_to_there(provider, store):
    sync = Sync(store, provider, provider.desktop("registered", redirect_port=provider.port))
    assert "You are signed in" in sync.sign_in().page
    assert sync.run().added == 23


def test_an_unattended_run_never_asks_a_person(provider, store):
    report = Sync(store, provider, provider.desktop()).run()
    assert (report.status, str(report.problem.title)) == ("failed", "Sign in again")
    assert "traysync secret sign-in" in str(report.problem.next)


def test_a_person_may_refuse(provider, store):
    sync = Sync(store, provider, provider.desktop())
    person = Browser(refuses=True)
    with pytest.raises(AuthError) as refused:
        sync.sign_in(person)
    assert refused.value.title == "The sign-in was refused"
    assert "You are not signed in" in person.page
    assert sync.refresh_token is None


def test_a_person_signs_in_with_a_code(provider, store):
    sync = Sync(store, provider, provider.device())
    waits: list[float] = []

    class Quick(CancelToken):
        def wait(self, seconds: float) -> None:
            waits.append(seconds)
            super().wait(0.2)

    person = Browser()
    access = sync.accounts.access(sync.endpoint, None, Quick())
    assert isinstance(access, OAuthAccess)
    access.sign_in(person)
    person.closed()
    assert waits
    assert set(waits) == {5.0}
    assert len(person.codes) == 1
    assert sync.run().added == 23
    sync.start_again()
    assert sync.run().unchanged == 23


def test_the_new_refresh_token_is_saved_before_the_new_access_token_is_used(provider, store):
    sync = Sync(store, provider, provider.desktop())
    sync.sign_in()
    sync.start_again()
    old, granted = sync.refresh_token, provider.seen()["granted"]
    at_saving = []

    class Watched(MemorySecrets):
        def set(self, endpoint: Endpoint, field: Field, value: str) -> None:
            at_saving.append(provider.seen()["granted"])
            super().set(endpoint, field, value)

    watched = Watched()
    watched.fields = sync.keyring.fields
    sync.keyring = watched
    sync.start_again()
    assert sync.run().added == 23
    assert at_saving == [granted]
    assert sync.refresh_token != old


def test_a_keyring_that_fails_once_costs_a_run_but_not_the_sign_in(provider, store):
    sync = Sync(store, provider, provider.desktop())
    sync.sign_in()
    granted = provider.seen()["granted"]

    class Failing(MemorySecrets):
        broken = True

        def set(self, endpoint: Endpoint, field: Field, value: str) -> None:
            if self.broken:
                raise AuthError("The keyring is locked", "Nobody unlocked it.", "Unlock it.")
            super().set(endpoint, field, value)

    failing = Failing()
    failing.fields = sync.keyring.fields
    sync.keyring = failing
    sync.start_again()
    assert str(sync.run().problem.title) == "The keyring is locked"
    assert provider.seen()["granted"] == granted, "no request was made with a token that a crash would lose"
    failing.broken = False
    assert sync.run().added == 23
    sync.start_again()
    assert sync.run().unchanged == 23


def test_after_a_crash_between_renewal_and_saving_the_user_is_asked_to_sign_in(provider, store):
    sync = Sync(store, provider, provider.desktop())
    sync.sign_in()
    sync.run()
    kept = dict(sync.keyring.fields)
    sync.start_again()
    assert sync.run().status == "succeeded"
    sync.keyring.fields = kept  # as if the process had died before the new one was written
    sync.start_again()
    report = sync.run()
    assert (report.status, str(report.problem.title)) == ("failed", "Sign in again")
    assert "no longer accepted" in str(report.problem.cause)
    assert sync.rows() == RECORDS
    sync.sign_in()
    assert sync.run().unchanged == 23


def test_two_runs_at_once_renew_once(provider, store, tmp_path):
    sync = Sync(store, provider, provider.desktop())
    sync.sign_in()
    sync.start_again()
    before = len(provider.grants("refresh_token"))
    start = threading.Barrier(4)
    used: list[Any] = []

    def use() -> None:
        access = sync.accounts.access(sync.endpoint, None, CancelToken())
        start.wait(10)
        used.append(access.current().header)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(used) == 4
    assert len(set(used)) == 1
    assert len(provider.grants("refresh_token")) - before == 1


def test_two_runs_that_are_refused_at_once_renew_once(provider, store):
    sync = Sync(store, provider, provider.desktop())
    sync.sign_in()
    access = sync.accounts.access(sync.endpoint, None, CancelToken())
    refused = access.current()
    before = len(provider.grants("refresh_token"))
    others = [sync.accounts.access(sync.endpoint, None, CancelToken()) for _ in range(2)]
    assert others[0].renewed(refused).header != refused.header
    assert others[1].renewed(refused).header == others[0].current().header
    assert len(provider.grants("refresh_token")) - before == 1


def test_a_test_before_saving_signs_in_and_hands_the_tokens_over(provider, store):
    sync = Sync(store, provider, provider.desktop())
    access = sync.accounts.access(sync.endpoint, None, CancelToken(), saved=False)
    assert isinstance(access, OAuthAccess)
    person = Browser()
    access.ensure_signed_in(person)
    person.closed()
    assert explore(sync.endpoint, access, CancelToken()).count == 10
    assert sync.keyring.fields == {}
    tokens = sync.accounts.take_unsaved(sync.endpoint)
    assert list(tokens) == ["refresh_token"]
    sync.keyring.set(sync.endpoint, "refresh_token", tokens["refresh_token"])
    assert sync.run().added == 23
    assert sync.accounts.take_unsaved(sync.endpoint) == {}
