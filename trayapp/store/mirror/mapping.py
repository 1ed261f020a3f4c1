"""How an endpoint's records become rows, as text that is kept beside its table."""

from typing import NamedTuple

import msgspec

from trayapp.endpoints.model import Endpoint

_Mapping = tuple[tuple[str, ...], str, dict[str, str], tuple[str, ...], dict[str, str]]


class Made(NamedTuple):
    """What a table was made with, as far as others need to know."""

    key: tuple[str, ...]
    mode: str

    @property
    def keeps_what_is_gone(self) -> bool:
        """Whether the table may hold rows that can't be fetched again."""
        return self.mode in ("append", "upsert")


def mapping_of(endpoint: Endpoint) -> str:
    """The settings that decide how records become rows, as text."""
    table = endpoint.table
    mode = "mirror" if table.mode == "auto" else table.mode
    parts = (table.key, mode, dict(table.rename), table.ignore, dict(table.types))
    return msgspec.json.encode(parts, order="sorted").decode()


def made_with(mapping: str | None) -> Made | None:
    """What `mapping_of` gave, read again; None when it is not that, as when another program wrote it."""
    if mapping is None:
        return None
    try:
        key, mode, *_ = msgspec.json.decode(mapping, type=_Mapping)
    except msgspec.MsgspecError:
        return None
    return Made(key, mode)
