"""The user's session: starting with it, its notifications, tray, sleep and end, and opening files in other programs."""
