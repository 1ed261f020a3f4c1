"""What went wrong, for people: what happened, why, what to do next, and which action mends it.

    UserError                 something a person can understand and act on; it carries a Problem
    ├── EnvironmentProblem    the machine's state, not the program's fault: disk, lock, permission, network
    └── …                     the errors of each layer, beside what raises them

Every other exception is a bug: it is logged, and shown as `bug()`.
"""

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

    def to_plain(self) -> dict[str, Any]:
        """All of it as plain data, for JSON."""
        return {name: to_plain(getattr(self, name)) for name in ("title", "cause", "next")} | {
            name: value for name in ("code", "field", "line", "action") if (value := getattr(self, name))
        }

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> "Problem":
        """The problem that `to_plain` gave. KeyError, TypeError or ValueError where it is none."""
        title, cause, next = (from_plain(data[name]) for name in ("title", "cause", "next"))
        return cls(
            title, cause, next, data.get("code", ""), data.get("field", ""), data.get("line"), data.get("action", "")
        )


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
        """Take secrets out of the words."""
        self.problem = self.problem.hidden(hide)
        self.args = (self.problem.title,)

    def __str__(self) -> str:
        return str(self.problem)


class EnvironmentProblem(UserError):
    """The state of the machine, such as a full disk or a lock that another program holds: never the program's fault."""


def bug() -> Problem:
    """What is shown of an exception that nobody expected; the log has its traceback."""
    return Problem(
        say("Something went wrong inside TraySync"),
        say("This is a bug, not your mistake. The log has the details."),
        say("Report it with the log file; nothing of your data was changed."),
        code="bug",
        action="report_bug",
    )


def _message(text: Message | str) -> Message:
    return text if isinstance(text, Message) else foreign(text)
