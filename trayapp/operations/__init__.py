"""What the commands and the windows do to the program's data: settings, secrets, runs. No Qt.

What may be asked is in `commands`. The command line asks through `client`, which reaches the tray program over the
local socket when that runs; `handler` carries commands out in either process.
"""
