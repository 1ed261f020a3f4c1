"""From a JSON value to what SQLite stores, and the ladder by which a column's type widens."""

import math
from decimal import Decimal, InvalidOperation
from typing import Literal

import msgspec

Kind = Literal["null", "boolean", "integer", "long", "real", "json", "text"]
"""What a column has held so far. `long` is an integer beyond 2^53, which a real could not hold exactly."""

SqlValue = str | int | float | None

SQL_TYPES: dict[Kind, str] = {
    "null": "",  # no type, so that whatever comes first is stored as it is
    "boolean": "BOOLEAN",
    "integer": "INTEGER",
    "long": "INTEGER",
    "real": "REAL",
    "json": "TEXT",
    "text": "TEXT",
}

_NUMBERS: tuple[Kind, ...] = ("boolean", "integer", "long")
EXACT = 2**53
"""The integers up to it are exact as doubles."""


def widen(one: Kind, other: Kind) -> Kind:
    """The narrowest kind that holds both without loss. Commutative and associative; null is neutral."""
    if one == other or other == "null":
        return one
    if one == "null":
        return other
    kinds = {one, other}
    if kinds <= set(_NUMBERS):
        return "long" if "long" in kinds else "integer"
    if kinds <= {"boolean", "integer", "real"}:
        return "real"
    return "text"


def is_lossy(before: Kind, after: Kind) -> bool:
    """Whether values stored under `before` no longer tell what the server sent once the column is `after`."""
    return after == "text" and before not in ("null", "text", "json")


def classify(raw: bytes) -> tuple[Kind, SqlValue]:
    """The kind and SQL value of one JSON value given as its bytes (valid JSON, no surrounding space).

    Integers beyond 64 bit and numbers a double can't hold exactly are text, digits as sent. Objects and arrays are
    JSON text without needless space.
    """
    first = raw[0]
    if first == 0x22:  # "
        return "text", msgspec.json.decode(raw, type=str)
    if first in b"{[":
        return "json", msgspec.json.format(raw, indent=-1).decode()
    if first == 0x74:  # true
        return "boolean", 1
    if first == 0x66:  # false
        return "boolean", 0
    if first == 0x6E:  # null
        return "null", None
    return _number(raw.decode())


class Real(float):
    """A real with the digits it was sent with, where Python would write others (`1.10`, `1E5`)."""

    __slots__ = ("digits",)
    digits: str

    def __new__(cls, digits: str) -> "Real":
        """The number that `digits` are."""
        self = super().__new__(cls, digits)
        self.digits = digits
        return self


def _number(token: str) -> tuple[Kind, SqlValue]:
    if not any(char in token for char in ".eE"):
        if len(token) > 40:
            return "text", token
        integer = int(token)
        if -(2**63) <= integer < 2**63:
            return ("integer" if -EXACT <= integer <= EXACT else "long"), integer
        return "text", str(integer)
    real = float(token)
    if not is_exact(token, real):
        return "text", token
    return "real", real if repr(real) == token else Real(token)


def is_exact(token: str, real: float) -> bool:
    """Whether the double is just the number that is written so, or the only one with its digits where those are few."""
    if math.isinf(real):
        return False
    if len(token) <= 16 and "e" not in token and "E" not in token:
        return True
    try:
        return Decimal(token) == Decimal(repr(real))
    except InvalidOperation:
        return False  # an exponent of more digits than any number needs


def bound(kind: Kind, value: SqlValue, column: Kind) -> SqlValue:
    """The value as it is bound into a column of kind `column`, which is at least as wide as `kind`."""
    if column == "text" and kind not in ("text", "json", "null"):
        if kind == "boolean":
            return "true" if value else "false"
        # Digit for digit as sent; SQLite would write a real with 15 digits.
        return value.digits if isinstance(value, Real) else repr(value)
    if column == "real" and value is not None:
        return float(value)
    return value
