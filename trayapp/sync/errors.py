"""What can go wrong with a server, each with its words for people."""

from trayapp.endpoints.settings import SettingsError
from trayapp.errors import Action, UserError
from trayapp.messages import NOTHING, Message
from trayapp.sync.report import Failure


class SyncError(UserError):
    """The run can't be finished. `retry_after` is how many seconds the server wants to be left alone, if it said so.

    `status` is the HTTP status that is behind it, None where none is; `said` is the server's own message, as it came.
    A problem with one setting is mended by editing that setting, unless another action is given.
    """

    status: int | None = None
    said: str = ""

    def __init__(
        self,
        title: Message | str,
        cause: Message | str = NOTHING,
        next: Message | str = NOTHING,
        *,
        retry_after: float | None = None,
        code: str = "",
        field: str = "",
        line: int | None = None,
        action: Action = "",
    ) -> None:
        action = action or ("edit_field" if field else "")
        super().__init__(title, cause, next, code=code, field=field, line=line, action=action)
        self.retry_after = retry_after


class TransientError(SyncError):
    """It may work again soon: no connection, an overloaded server, a response that was cut off."""

    code = "unavailable"
    action = "retry"


class NetworkError(TransientError):
    """There was no connection, or it broke: another network may help."""

    code = "network"


class AuthError(SyncError):
    """The server does not accept who we are."""

    code = "refused"


def failure_of(error: UserError) -> Failure:
    """Whether trying again soon makes sense: "network", "passing", or "permanent" until somebody does something."""
    if isinstance(error, NetworkError) or error.problem.code == "network":
        return "network"
    if isinstance(error, AuthError | SettingsError):
        return "permanent"
    refused = isinstance(error, SyncError) and error.status is not None and 400 <= error.status < 500
    return "permanent" if refused and not isinstance(error, TransientError) else "passing"
