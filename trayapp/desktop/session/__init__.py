"""The user's session: starting with it, its notifications, tray, sleep and end, and opening files in other programs.

What each system does in its own way is a package (`autostart`, `scheduled_task`): an interface in `entry`, and one
module per system.
"""
