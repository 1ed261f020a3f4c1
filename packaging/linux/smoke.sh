#!/bin/sh
# Checks an installed or frozen program by running it: sh smoke.sh PROGRAM
#
# Uses a throw-away home and no display. Fails on the first unexpected answer, and on anything on stderr.
set -eu
program=$1
home=$(mktemp -d)
# A home of its own also keeps a start at login out of the real one.
export HOME="$home" XDG_CONFIG_HOME="$home/config" XDG_DATA_HOME="$home/data" XDG_CACHE_HOME="$home/cache"
export TRAYSYNC_HOME="$home/with space" QT_QPA_PLATFORM=offscreen LC_ALL=C.UTF-8
tray=
finish() {
    [ -z "$tray" ] || kill -KILL "$tray" 2>/dev/null || :
    rm -rf "$home"
}
trap finish EXIT

fail() {
    echo "smoke: FAILED: $1" >&2
    [ ! -s "$home/out" ] || sed 's/^/smoke: out: /' "$home/out" >&2
    [ ! -s "$home/err" ] || sed 's/^/smoke: err: /' "$home/err" >&2
    exit 1
}

tray_failed() {
    cp "$home/tray.out" "$home/out"
    cp "$home/tray.err" "$home/err"
    fail "tray program: $1"
}

check() { # WHAT PATTERN ARGUMENT...: runs the program; its output must match, and nothing may be complained about
    what=$1 pattern=$2
    shift 2
    "$program" "$@" >"$home/out" 2>"$home/err" </dev/null || fail "$what: exit status $?"
    [ ! -s "$home/err" ] || fail "$what: unexpected messages"
    grep -Eq "$pattern" "$home/out" || fail "$what: the output does not match $pattern"
    echo "smoke: $what: ok"
}

check 'version' '^traysync [0-9]+\.[0-9]+' --version
check 'help' 'sync' --help
check 'demo sync' '"status": ?"succeeded"' --json demo --once
check 'status' '"rows": ?[1-9]' --json status
check 'query' '[1-9]' query 'SELECT count(*) FROM _sync_runs'
check 'doctor' '.' doctor

"$program" >"$home/tray.out" 2>"$home/tray.err" </dev/null &
tray=$!
tries=100
until [ -S "$TRAYSYNC_HOME/traysync.sock" ]; do
    kill -0 "$tray" 2>/dev/null || tray_failed 'it ended at its start'
    tries=$((tries - 1))
    [ $tries -gt 0 ] || tray_failed 'it did not get ready in 10 s'
    sleep .1
done
check 'status, from the tray program' '"running": ?true' --json status
kill -TERM "$tray"
wait "$tray" || tray_failed "it ended with exit status $?"
tray=
# What Qt says of every window without a display is no complaint.
if grep -Eqv '^This plugin does not support (propagateSizeHints|raise)\(\)$' "$home/tray.err"; then
    tray_failed 'it complained'
fi
echo 'smoke: tray program starts, answers and ends: ok'
