"""Texts in a keyring, those too long for one entry in several: the first then says how many the parts are."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "TraySync"
_PARTS_MARK = "\x1etraysync-parts:"
"""Begins the entry of a text in parts: their number follows, and a b where they have the second kind of names."""


def read(keyring: "KeyringBackend", username: str) -> str | None:
    """The text; None where there is none, or where a part of it is lost."""
    first = keyring.get_password(SERVICE, username)
    if first is None or not first.startswith(_PARTS_MARK):
        return first
    parts = [keyring.get_password(SERVICE, name) for name in _part_names(username, first)]
    return None if None in parts else "".join(part for part in parts if part)


def write(keyring: "KeyringBackend", username: str, value: str, limit: int | None) -> None:
    """Replace the text. Were this to break off, either the old one or the new one is there."""
    old = keyring.get_password(SERVICE, username) or ""
    parts = _split(value, limit)
    if len(parts) == 1 and not value.startswith(_PARTS_MARK):
        keyring.set_password(SERVICE, username, value)
    else:
        # Not over the parts of the old text: a mixture of both could be left.
        mark = f"{_PARTS_MARK}{len(parts)}{'' if old.endswith('b') else 'b'}"
        for name, part in zip(_part_names(username, mark), parts, strict=True):
            keyring.set_password(SERVICE, name, part)
        keyring.set_password(SERVICE, username, mark)
    _delete_parts(keyring, username, old)


def delete(keyring: "KeyringBackend", username: str) -> bool:
    """Delete the text with its parts; False where there was none."""
    old = keyring.get_password(SERVICE, username)
    if old is None:
        return False
    keyring.delete_password(SERVICE, username)
    _delete_parts(keyring, username, old)
    return True


def _delete_parts(keyring: "KeyringBackend", username: str, first: str) -> None:
    for name in _part_names(username, first):
        if keyring.get_password(SERVICE, name) is not None:  # it may be lost
            keyring.delete_password(SERVICE, name)


def _split(value: str, limit: int | None) -> list[str]:
    if limit is None or len(value) <= limit:
        return [value]
    return [value[start : start + limit] for start in range(0, len(value), limit)]


def _part_names(username: str, first: str) -> list[str]:
    """The entries that hold the parts of a long text, by what its first entry says."""
    if not first.startswith(_PARTS_MARK):
        return []
    count = int(first.removeprefix(_PARTS_MARK).removesuffix("b"))
    return [f"{username}/part{number}{'b' * first.endswith('b')}" for number in range(1, count + 1)]
