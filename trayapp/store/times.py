"""Times in the database: UTC ISO 8601 text, so that text order is time order."""

from datetime import UTC, datetime


def to_text(time: datetime | None) -> str | None:
    """An aware time as "2026-11-24T04:40:00.000Z"; None stays None."""
    if time is None:
        return None
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_text(text: str | None) -> datetime | None:
    """The inverse of `to_text`."""
    return None if text is None else datetime.fromisoformat(text)
