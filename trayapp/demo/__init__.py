"""The demo: a small loopback API whose data changes over time, and the endpoint that mirrors it."""
