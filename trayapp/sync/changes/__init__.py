"""Asking only for what changed: cursors of incremental runs and conditional requests. Pure."""
