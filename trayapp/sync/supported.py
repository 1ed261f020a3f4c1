"""Which parts of the settings this version can carry out; the others are refused in words, never ignored."""

from collections.abc import Iterator

from trayapp.endpoints.model import Endpoint
from trayapp.sync.errors import NotSupported


def require_supported(endpoint: Endpoint) -> None:
    """Raise NotSupported for the first setting that can't be carried out yet."""
    for what, instead in _missing(endpoint):
        raise NotSupported(f"{what} not supported yet", "This version can't do that.", instead)


def _missing(endpoint: Endpoint) -> Iterator[tuple[str, str]]:
    if endpoint.when.idle is not None:
        yield "Waiting for an idle computer is", "Leave out when.idle; when.between keeps runs out of working hours."
