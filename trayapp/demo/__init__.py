"""The demo: a small loopback API whose data changes over time, and the endpoint that mirrors it."""

from trayapp.demo.server import DEFAULT_PORT, DemoServer, demo_endpoint, demo_port
from trayapp.demo.tickets import records_at

__all__ = ["DEFAULT_PORT", "DemoServer", "demo_endpoint", "demo_port", "records_at"]
