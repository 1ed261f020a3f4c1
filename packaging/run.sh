#!/bin/sh
# Starts TraySync from a checkout and sets up everything it needs first.
#
#   sh packaging/run.sh               the tray program; on a machine without a display, the demo on the command line
#   sh packaging/run.sh COMMAND ...   any command of traysync, as in `sh packaging/run.sh status`
#
# TRAYSYNC_HOME=DIR keeps settings and data in DIR. packaging/environment.sh says what else can be set.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$root/packaging/environment.sh"

libraries=complete
case ${1:-} in
'' | -*) # may start the tray program; no other command needs more than Python
    system_packages "$desktop_libraries" 'the window and the tray' || libraries=incomplete
    ;;
esac
python_environment runtime

[ $# -eq 0 ] || exec "$venv/bin/traysync" "$@"

display=${DISPLAY:-}${WAYLAND_DISPLAY:-}
case ${QT_QPA_PLATFORM:-} in
offscreen*) display=offscreen ;; # asked for: the program without anything to see
esac
if [ -n "$display" ]; then
    [ $libraries = complete ] || "$venv/bin/python" -c 'import PySide6.QtWidgets' ||
        fail 'The window needs the system packages named above.'
    exec "$venv/bin/traysync"
fi

say 'No display here (DISPLAY and WAYLAND_DISPLAY are not set): running the demo on the command line.'
"$venv/bin/traysync" demo --once
cat <<'TEXT'

To start the tray program, run this again in a desktop session:
  sh packaging/run.sh
Every command works without a display, for example:
  sh packaging/run.sh status
  sh packaging/run.sh add https://api.example.com/items
  sh packaging/run.sh --help
TEXT
