"""The local socket between the running program and other programs of the same user."""
