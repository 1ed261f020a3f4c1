"""Errors written for people: what happened, why, and what to do next."""


class UserError(Exception):
    """Something a person can understand and act on.

    title: a few words ("The server refused the password"). cause: one plain sentence. next: what to do.
    None of the three ever holds a secret; they are shown, logged and stored as they are.
    """

    def __init__(self, title: str, cause: str = "", next: str = "") -> None:
        super().__init__(title)
        self.title = title
        self.cause = cause
        self.next = next

    def __str__(self) -> str:
        return " ".join(part for part in (f"{self.title}.", self.cause, self.next) if part).replace("?.", "?")

    def as_dict(self) -> dict[str, str]:
        """The command line's JSON form: title, cause, next."""
        return {"title": self.title, "cause": self.cause, "next": self.next}
