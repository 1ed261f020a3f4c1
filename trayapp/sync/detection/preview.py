"""What detection found about an endpoint, with its evidence: the result of `preview`, `add` and the editor's Test."""

import msgspec

from trayapp.endpoints.model import Endpoint, Pages
from trayapp.messages import Message
from trayapp.sync.evidence import Evidence
from trayapp.sync.http.request import RequestMade


class PreviewColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column the table would get: its name, its SQL type and the record's field it comes from."""

    name: str
    type: str
    path: str


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """`endpoint` is the endpoint asked about with everything that was found filled in, ready to be saved.

    `format` is what the answer was read as (one of response.format but "auto"), `encoding` that of its characters,
    `delimiter` what stands between the cells of CSV ("" for other formats).
    `proof` says why `pages` is believed (or why not); `cursors` are fields that could drive incremental
    runs; `rows` are the first rows in the order of `columns`; `count` is the number of records on the first page,
    `total` what the server says there are.
    """

    endpoint: Endpoint
    format: str = "json"
    encoding: str = "utf-8"
    delimiter: str = ""
    records_path: str
    count: int
    total: int | None = None
    pages: Pages
    evidence: Evidence
    proof: Message
    key: tuple[str, ...]
    columns: tuple[PreviewColumn, ...]
    cursors: tuple[str, ...] = ()
    rows: tuple[tuple[str | int | float | None, ...], ...] = ()
    requests: tuple[RequestMade, ...] = ()
    warnings: tuple[Message, ...] = ()

    @property
    def proven(self) -> bool:
        """Whether anything shows that the listing will be complete."""
        return self.evidence != "unproven"

    @property
    def how_read(self) -> str:
        """The format in a few words: "csv with ;, cp1252"."""
        delimiter = {"\t": "tabs", " ": "spaces"}.get(self.delimiter, self.delimiter)
        return f"{self.format}{f' with {delimiter}' if delimiter else ''}, {self.encoding}"
