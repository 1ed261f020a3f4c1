"""What the commands and the windows do to the program's data: settings, secrets, runs. No Qt.

The same operations serve the command line when it works alone, and the tray program, both for its own windows and
for commands that reach it over the local socket (`perform`).
"""
