"""A record's key as one SQL value."""

from collections.abc import Sequence
from typing import Any

import msgspec


def joined(values: Sequence[Any]) -> Any:
    """Itself when it is one field, else a JSON array."""
    return values[0] if len(values) == 1 else msgspec.json.encode(list(values)).decode()


def split(key: Any, count: int) -> list[Any]:
    """The values of such a key of `count` fields."""
    return [key] if count == 1 else list(msgspec.json.decode(key))
