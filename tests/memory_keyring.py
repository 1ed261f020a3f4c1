"""A keyring in memory, as a backend of keyring: `PYTHON_KEYRING_BACKEND=tests.memory_keyring.MemoryKeyring`."""

from collections.abc import Callable
from typing import ClassVar

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

NAME = f"{__name__}.MemoryKeyring"


def _nothing(_what: str, _username: str) -> None:
    """Whatever is asked of it, it does."""


class MemoryKeyring(KeyringBackend):
    """Every instance is the same keyring; `trouble` is called before it does anything and may wait or raise."""

    priority = 0.1
    kept: ClassVar[dict[tuple[str, str], str]] = {}
    asked: ClassVar[list[str]] = []
    trouble: ClassVar[Callable[[str, str], None]] = staticmethod(_nothing)

    @classmethod
    def reset(cls) -> None:
        cls.kept, cls.asked, cls.trouble = {}, [], staticmethod(_nothing)

    @classmethod
    def fail(cls, trouble: Callable[[str, str], None]) -> None:
        cls.trouble = staticmethod(trouble)

    def _ask(self, what: str, username: str) -> None:
        type(self).asked.append(f"{what} {username}")
        type(self).trouble(what, username)

    def get_password(self, service: str, username: str) -> str | None:
        self._ask("get", username)
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._ask("set", username)
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._ask("delete", username)
        try:
            del self.kept[service, username]
        except KeyError:
            raise PasswordDeleteError("Not there") from None
