#!/bin/sh
# Checks the whole project: lint, format, types, import contracts, then the tests; those that are quick with coverage.
#
#   sh tests/run.sh [PYTEST-ARGUMENT...]        everything
#   sh tests/run.sh fast [PYTEST-ARGUMENT...]   only what is quick and needs no desktop, without coverage
#
# Sets up what it needs first. Exits 0 only when every check ran and passed.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$root/packaging/environment.sh"
cd "$root"

# The real desktop the tests of tests/desktop start their own private copy of.
desktop_parts="$desktop_libraries
Xvfb                                 xvfb
dbus-daemon                          dbus-daemon
gdbus                                libglib2.0-bin
xprop                                x11-utils
jwm                                  jwm
xfce4-panel                          xfce4-panel
xfconf-query                         xfconf
dunst                                dunst
gnome-keyring-daemon                 gnome-keyring
xdotool                              xdotool
maim                                 maim
/usr/libexec/at-spi-bus-launcher     at-spi2-core
/usr/share/fonts/truetype/dejavu     fonts-dejavu-core
"
build_parts="$(freezing_parts /usr/bin/python3)
shellcheck                           shellcheck
desktop-file-validate                desktop-file-utils
"
# Runs the OAuth2 provider that sign-ins are tested against.
provider_parts="node                 nodejs
npm                                  npm
"

what=everything
if [ "${1:-}" = fast ]; then
    what=fast
    shift
    system_packages "$desktop_libraries" 'the window and the tray' ||
        say '*** Tests that need the packages above cannot run.'
else
    system_packages "$desktop_parts" 'the tests on a real desktop' ||
        say '*** SKIPPED: the tests on a real desktop, for want of the packages above.'
    system_packages "$build_parts" 'the tests of the build' ||
        say '*** SKIPPED: tests of the build, for want of the packages above.'
    system_packages "$provider_parts" 'the tests of OAuth2' ||
        say '*** SKIPPED: tests of OAuth2, for want of the packages above.'
fi
python_environment dev

export QT_QPA_PLATFORM="${QT_QPA_PLATFORM:-offscreen}" LC_ALL=C.UTF-8
failed=
gate() { # NAME COMMAND...
    name=$1
    shift
    say "== $name"
    "$@" || failed="$failed, $name"
}
gate 'ruff check' "$venv/bin/ruff" check --quiet .
gate 'ruff format' "$venv/bin/ruff" format --check --quiet .
gate 'mypy' "$venv/bin/mypy"
gate 'import contracts' "$venv/bin/lint-imports"
[ -z "$failed" ] || fail "these checks failed, so no test was run: ${failed#, }"

# pytest says last how many tests passed. It exits with 5 where there were none: a failure only if none ran at all.
tests() { # NAME PYTEST-ARGUMENT...
    name=$1
    shift
    say "== $name"
    status=0
    "$venv/bin/python" -m pytest "$@" || status=$?
    case $status in
    0) ran=yes ;;
    5) ;;
    *) failed="$failed, $name" ;;
    esac
}
ran=
# What measures wants the machine for itself.
quick='not desktop and not slow'
if [ $what = fast ]; then
    tests 'pytest, the quick tests' --numprocesses logical -m "$quick" "$@"
    say '*** SKIPPED: the tests marked desktop and slow (run without "fast" for all).'
else
    tests 'pytest, the quick tests' --numprocesses logical -m "$quick" --cov "$@"
    # They wait more than they work, and each process has a desktop of its own.
    tests 'pytest, the tests marked desktop and slow' --numprocesses 2 --dist loadfile \
        -m '(desktop or slow) and not measures' "$@"
    tests 'pytest, the tests that measure' -m measures "$@"
fi
[ -z "$failed" ] || fail "failed: ${failed#, }"
[ -n "$ran" ] || fail 'There was no test to run.'
