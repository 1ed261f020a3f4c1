"""The values of key fields that no record has."""

from trayapp.store.mirror.schema import HASH_KEY, ONLY_KEY
from trayapp.store.records.digests import Digests
from trayapp.store.records.values import SqlValue


class OwnKeys:
    """Gives the records of one listing, batch by batch, their values of a key field of ours."""

    def __init__(self, field: str) -> None:
        """Any field that is not one of ours has no values."""
        self._field = field
        self._counts: dict[str, int] = {}

    def values(self, digests: Digests) -> list[SqlValue]:
        """Those of the next batch."""
        if self._field == ONLY_KEY:
            return [1] * len(digests)
        return [self._hash(digest) for digest in digests] if self._field == HASH_KEY else []

    def _hash(self, digest: bytes) -> str:
        """Identical records are told apart by how many came before."""
        text = digest.hex()
        count = self._counts[text] = self._counts.get(text, 0) + 1
        return text if count == 1 else f"{text}:{count}"
