"""The demo's endpoint; apart from its server, which the program needs only when the demo is used."""

from urllib.parse import urlsplit

from trayapp.endpoints.model import Endpoint, Pages, Response, Table
from trayapp.endpoints.units import Duration

HOST = "127.0.0.1"
PATH = "/api/tickets"


def demo_endpoint(url: str) -> Endpoint:
    """The endpoint that mirrors the demo server at `url` (what `DemoServer.start` returned)."""
    return Endpoint(
        id="demo",
        name="Demo tickets",
        url=url,
        every=Duration(60),
        response=Response(records=""),
        pages=Pages(kind="link"),
        table=Table(name="demo_tickets", key=("id",)),
    )


def demo_port(endpoint: Endpoint) -> int | None:
    """The port on which the demo server has to listen for this endpoint; None if it is not the demo's endpoint."""
    parts = urlsplit(endpoint.url)
    is_demo = endpoint.id == "demo" and parts.scheme == "http" and parts.hostname == HOST and parts.path == PATH
    return parts.port if is_demo else None
