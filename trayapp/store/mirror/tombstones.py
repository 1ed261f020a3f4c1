"""Records that say of themselves that they were deleted."""

import re

import msgspec

from trayapp.store.records.fields import Fields
from trayapp.store.records.values import Kind, SqlValue, classify

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])

_NO = re.compile(r"|null|false|-?0+(\.0+)?|\[\]|\{\}", re.IGNORECASE)


class Tombstone(msgspec.Struct, frozen=True):
    """What a deleted record looks like: its field at this dotted path has this value; None: anything that says yes.

    Nothing, null, false, zero in any form, and what is empty say no.
    """

    path: str
    value: str | None = None

    @staticmethod
    def parse(text: str) -> "Tombstone | None":
        """From the setting's form, "field=value" or "field"; None for an empty text."""
        path, equals, value = text.partition("=")
        return Tombstone(path.strip(), value.strip() if equals else None) if path.strip() else None

    def marks(self, record: Fields) -> bool:
        """Whether the record is one."""
        text = self._text(record)
        if self.value is None:
            return _NO.fullmatch(text) is None
        return text == self.value

    def _text(self, record: Fields) -> str:
        found = record.get(self.path)
        if found is not None:
            return _as_text(*found)
        head, _, rest = self.path.partition(".")
        kind, value = record.get(head, ("null", None))
        if kind != "json":
            return "null"
        return _as_text(*_at(str(value).encode(), rest.split(".")))


def _as_text(kind: Kind, value: SqlValue) -> str:
    if kind == "boolean":
        return "true" if value else "false"
    return "null" if value is None else str(value)


def _at(value: bytes, names: list[str]) -> tuple[Kind, SqlValue]:
    for name in names:
        value = bytes(_members.decode(value).get(name, b"null")) if value.startswith(b"{") else b"null"
    return classify(value)
