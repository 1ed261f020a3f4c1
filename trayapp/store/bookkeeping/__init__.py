"""The tables that begin with _sync_: states of endpoints, history, the pause."""
