"""What a run needs besides the endpoint."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from trayapp.endpoints.model import Auth, Endpoint
from trayapp.store.file.database import Store
from trayapp.sync.http.auth import SecretReader
from trayapp.sync.http.budget import Budgets
from trayapp.sync.oauth.accounts import Accounts


def _no_secret(_id: str, _auth: Auth) -> str | None:
    return None


class RunContext(msgspec.Struct, frozen=True, kw_only=True):
    """The same for all runs of the program. `staging` is a folder for large listings on their way.

    `secret` reads what a person has entered, `accounts` keeps what servers gave us. `find` gives an endpoint of the
    settings as they are now, which may have changed names.
    """

    store: Store
    staging: Path
    secret: SecretReader = _no_secret
    accounts: Accounts = msgspec.field(default_factory=Accounts)
    budgets: Budgets = msgspec.field(default_factory=Budgets)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    find: Callable[[str], Endpoint | None] = lambda _: None
