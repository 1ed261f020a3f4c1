"""What went wrong, for people: what happened, why, what to do next, and which action mends it.

    UserError                 something a person can understand and act on; it carries a Problem
    ├── EnvironmentProblem    the machine's state, not the program's fault: disk, lock, permission, network
    └── …                     the errors of each layer, beside what raises them

Every other exception is a bug: it is logged, and shown as `bug()`. `problem_of` tells the three apart.
"""

import errno
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, NamedTuple, Self

from trayapp.messages import NOTHING, Message, foreign, from_plain, say, to_plain

Action = Literal[
    "",
    "enter_secret",
    "allow_secret",
    "sign_in",
    "edit_field",
    "edit_settings_file",
    "unlock_keyring",
    "open_data_folder",
    "retry",
    "report_bug",
]
"""What a button beside a problem does about it; "" where nothing can be done by a button."""


class Problem(NamedTuple):
    """What went wrong. Never holds a secret; it is shown, logged and stored as it is.

    title: a few words. cause: one plain sentence. next: what to do. code: what kind it is, for programs; it stays the
    same when the words change. field: the setting concerned, as a dotted path below its endpoint or below the
    settings ("general.theme"). line: where in settings.toml, from 1.
    """

    title: Message
    cause: Message = NOTHING
    next: Message = NOTHING
    code: str = ""
    field: str = ""
    line: int | None = None
    action: Action = ""

    def __str__(self) -> str:
        return " ".join(part for part in (f"{self.title}.", str(self.cause), str(self.next)) if part).replace("?.", "?")

    def hidden(self, hide: Callable[[str], str]) -> "Problem":
        """The same with `hide` applied to all words that are not ours."""
        return self._replace(title=self.title.mapped(hide), cause=self.cause.mapped(hide), next=self.next.mapped(hide))

    def as_dict(self) -> dict[str, str]:
        """The command line's JSON form: title, cause and next in today's language."""
        return {"title": str(self.title), "cause": str(self.cause), "next": str(self.next)}

    def document(self) -> dict[str, Any]:
        """The JSON form of an endpoint's or a run's problem: what `as_dict` has, and what is known besides."""
        return {**self.as_dict(), **self._marks()}

    def to_plain(self) -> dict[str, Any]:
        """All of it as plain data, for JSON."""
        return {name: to_plain(getattr(self, name)) for name in ("title", "cause", "next")} | self._marks()

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> "Problem":
        """The problem that `to_plain` gave. KeyError, TypeError or ValueError where it is none."""
        title, cause, next = (from_plain(data[name]) for name in ("title", "cause", "next"))
        return cls(
            title, cause, next, data.get("code", ""), data.get("field", ""), data.get("line"), data.get("action", "")
        )

    def _marks(self) -> dict[str, Any]:
        return {name: value for name in ("code", "field", "line", "action") if (value := getattr(self, name))}


class UserError(Exception):
    """Something a person can understand and act on: a Problem that is raised."""

    code: ClassVar[str] = ""
    """The kind of the problem, unless the raise says a finer one."""
    action: ClassVar[Action] = ""

    def __init__(
        self,
        title: Message | str,
        cause: Message | str = NOTHING,
        next: Message | str = NOTHING,
        *,
        code: str = "",
        field: str = "",
        line: int | None = None,
        action: Action = "",
    ) -> None:
        self.problem = Problem(
            _message(title), _message(cause), _message(next), code or self.code, field, line, action or self.action
        )
        super().__init__(title)

    @classmethod
    def of(cls, problem: Problem) -> Self:
        """The error that carries this problem, as it was raised in another thread or process."""
        error = cls(problem.title)
        error.problem = problem
        return error

    @property
    def title(self) -> str:
        """What happened, in today's language."""
        return str(self.problem.title)

    @property
    def cause(self) -> str:
        """Why, in today's language."""
        return str(self.problem.cause)

    @property
    def next(self) -> str:
        """What to do, in today's language."""
        return str(self.problem.next)

    def hide(self, hide: Callable[[str], str]) -> None:
        """Take secrets out of the words, and only then cut what is too long: half a secret is not known for one."""
        self.problem = self.problem.hidden(lambda text: _cut(hide(text)))
        self.args = (self.problem.title,)

    def __str__(self) -> str:
        return str(self.problem)


class EnvironmentProblem(UserError):
    """The state of the machine, such as a full disk or a lock that another program holds: never the program's fault."""


_LONGEST = 500
"""Characters of one word that is not ours, such as an address that a server gave."""


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def bug() -> Problem:
    """What is shown of an exception that nobody expected; the log has its traceback."""
    return Problem(
        say("Something went wrong inside TraySync"),
        say("This is a bug, not your mistake. The log has the details."),
        say("Report it, and include the log file."),
        code="bug",
        action="report_bug",
    )


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_EXHAUSTED = (errno.EMFILE, errno.ENFILE)
_UNREACHED = (errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ECONNREFUSED, errno.ETIMEDOUT)
_SQLITE: Mapping[int, int] = {
    3: errno.EACCES,
    5: errno.EBUSY,
    6: errno.EBUSY,
    8: errno.EACCES,
    10: errno.EIO,
    13: errno.ENOSPC,
    14: errno.EACCES,
}
"""What SQLite's primary result codes (https://sqlite.org/rescode.html) say, as the system's own codes."""


def problem_of(error: BaseException) -> Problem:
    """What is shown of any exception: its own problem, the machine's state, or that of a bug, which is for the log."""
    if isinstance(error, UserError):
        return error.problem
    number = _number(error)
    path = getattr(error, "filename", None)
    place = foreign(path) if isinstance(path, str) else say("the data folder")
    if number in _FULL:
        return Problem(
            say("The disk is full"),
            say("There is no room left to write to {place}.", place=place),
            say("Free up some space, then try again."),
            code="disk_full",
            action="open_data_folder",
        )
    if number in _FORBIDDEN:
        return Problem(
            say("Access was denied"),
            say("The system does not let TraySync use {place}.", place=place),
            say("Check the permissions, then try again."),
            code="permission",
            action="retry",
        )
    if number in _EXHAUSTED:
        return Problem(
            say("Too many files are open"),
            say("The system does not let TraySync open another file or connection."),
            say("Close some programs, then try again."),
            code="too_many_files",
            action="retry",
        )
    if number == errno.EIO:
        return Problem(
            say("The disk reported an error"),
            say("Reading or writing {place} failed.", place=place),
            say("Check the disk, then try again."),
            code="disk_error",
            action="retry",
        )
    if number == errno.EBUSY:
        return Problem(
            say("The database is in use"),
            say("Another program holds it locked."),
            say("Close or save what it has open there, then try again."),
            code="locked",
            action="retry",
        )
    if number in _UNREACHED or isinstance(error, ConnectionError | TimeoutError):
        return Problem(
            say("There is no connection"),
            say("The network or the server can't be reached."),
            say("Check the network, then try again."),
            code="network",
            action="retry",
        )
    return bug()


def _number(error: BaseException) -> int:
    """The system's code of an error in the machine's state; 0 where there is none."""
    if isinstance(error, OSError):
        # No module is imported for its exceptions: the tray icon would have to wait for it.
        kind = type(error)
        by_name = kind.__name__ == "gaierror" or (
            kind.__module__ == "requests.exceptions" and not isinstance(error, ValueError)
        )
        return errno.ENETUNREACH if by_name else error.errno or 0
    if type(error).__module__ in ("apsw", "sqlite3"):
        result = getattr(error, "sqlite_errorcode", getattr(error, "result", 0))
        return _SQLITE.get(result & 0xFF, 0)
    return 0


def _message(text: Message | str) -> Message:
    return text if isinstance(text, Message) else foreign(text)
