"""A request to make, the answer to it, and what is told of it afterwards: plain data, apart from all that sends it."""

import mmap
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from trayapp.endpoints.model import Endpoint
from trayapp.sync.http.failures import indivisible
from trayapp.sync.http.large import MOST, Large, RecordTooLarge


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request to make: everything but the credentials."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = {}
    body: bytes | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A complete 2xx answer (or 304). `url` is where it came from after redirects, `body` is decompressed.

    `large` has records that belong into the body's list, but are left out of it as there are so many. `kept` is all of
    a long answer that is no such list; of that, the body is only the beginning.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    large: Large | None = None
    kept: mmap.mmap | None = None

    def whole(self) -> "Answer":
        """The answer with no record left out of its body. Raises SyncError where that is more than MOST bytes."""
        if self.large is None:
            return self
        try:
            return msgspec.structs.replace(self, body=self.large.restored(self.body), large=None)
        except RecordTooLarge:
            raise indivisible(self.url, MOST) from None


def first_call(endpoint: Endpoint) -> Call:
    """The endpoint's first request."""
    request = endpoint.request
    body: bytes | None = None
    headers = dict(request.headers)
    if request.json is not None:
        body = request.json.encode() if isinstance(request.json, str) else msgspec.json.encode(request.json)
        headers.setdefault("Content-Type", "application/json")
    params = [(name, _as_param(value)) for name, value in request.params.items()]
    return Call(url=with_params(endpoint.url, params), method=request.method, headers=headers, body=body)


def _as_param(value: str | int | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def with_params(url: str, params: list[tuple[str, str]]) -> str:
    """The URL with these query parameters, each in place of what the URL had under its name."""
    if not params:
        return url
    parts = urlsplit(url)
    names = {name for name, _ in params}
    # Only what is replaced is parsed: the rest of the query stays byte for byte as the user wrote it.
    kept = [
        piece for piece in parts.query.split("&") if piece and not names & {name for name, _ in parse_qsl(piece, True)}
    ]
    return urlunsplit(parts._replace(query="&".join([*kept, urlencode(params)])))


class RequestMade(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a preview; `url` is scrubbed of secrets, `status` is 0 when no answer came."""

    method: str
    url: str
    status: int
    seconds: float
    bytes: int
