# shellcheck shell=sh
# Sets up what a checkout needs: system packages and the Python environment. Sourced by run.sh, build.sh and
# tests/run.sh after they set $root, the top of the checkout. Everything it says goes to stderr.
#
#   TRAYSYNC_VENV  where the Python environment is (default: .venv in the checkout)
#   PYTHON         the interpreter to make it with (default: the first one found that is new enough)

venv=${TRAYSYNC_VENV:-$root/.venv}
PATH=$PATH:/usr/sbin:/sbin # ldconfig: not on every user's PATH

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "error: $1"
    shift
    for line in "$@"; do say "       $line"; done
    exit 1
}

is_root() { [ "$(id -u)" = 0 ]; }

has_apt() { command -v apt-get >/dev/null 2>&1; }

# What the program needs of the system: a shared library, a program or a file, and the Debian package it is in.
# shellcheck disable=SC2034  # used by the scripts that source this file
desktop_libraries='
libglib-2.0.so.0        libglib2.0-0
libdbus-1.so.3          libdbus-1-3
libGL.so.1              libgl1
libEGL.so.1             libegl1
libxkbcommon.so.0       libxkbcommon0
libfontconfig.so.1      libfontconfig1
libgssapi_krb5.so.2     libgssapi-krb5-2
libX11-xcb.so.1         libx11-xcb1
libxcb-cursor.so.0      libxcb-cursor0
libxcb-glx.so.0         libxcb-glx0
libxcb-icccm.so.4       libxcb-icccm4
libxcb-image.so.0       libxcb-image0
libxcb-keysyms.so.1     libxcb-keysyms1
libxcb-randr.so.0       libxcb-randr0
libxcb-render-util.so.0 libxcb-render-util0
libxcb-shape.so.0       libxcb-shape0
libxcb-sync.so.1        libxcb-sync1
libxcb-xfixes.so.0      libxcb-xfixes0
libxcb-xkb.so.1         libxcb-xkb1
libxkbcommon-x11.so.0   libxkbcommon-x11-0
libwayland-client.so.0  libwayland-client0
libwayland-cursor.so.0  libwayland-cursor0
libwayland-egl.so.1     libwayland-egl1
'

freezing_parts() { # PYTHON: the same for building a .deb of the program, frozen with this interpreter
    version=$(version_of "$1") || version=
    echo 'objdump         binutils'
    echo 'dpkg-shlibdeps  dpkg-dev'
    case $(command -v "$1") in
    /usr/bin/* | /bin/*) echo "libpython$version.so.1.0 libpython$version" ;;
    esac
}

missing_packages() { # LIST: prints the packages of those lines whose library, program or file is not there
    libraries=$(ldconfig -p 2>/dev/null) || libraries=
    missing=
    # Read from a here-document: a pipe would run the loop in a subshell and lose $missing.
    while read -r part package; do
        case $part in
        '') continue ;;
        /*) [ -e "$part" ] && continue ;;
        *.so.*)
            case $libraries in
            '' | *"	$part "*) continue ;;
            esac
            ;;
        *) command -v "$part" >/dev/null 2>&1 && continue ;;
        esac
        missing="$missing $package"
    done <<LINES
$1
LINES
    printf '%s' "${missing# }"
}

apt_install() { # PACKAGE...
    log=$(mktemp)
    export DEBIAN_FRONTEND=noninteractive
    # The lists of a fresh system are empty or old: they are fetched only when the first try shows it.
    if apt-get install -qq --no-install-recommends "$@" >"$log" 2>&1 ||
        { apt-get update -qq >"$log" 2>&1 && apt-get install -qq --no-install-recommends "$@" >"$log" 2>&1; }; then
        rm -f "$log"
        return 0
    fi
    tail -n 5 "$log" >&2
    rm -f "$log"
    return 1
}

system_packages() { # LIST PURPOSE: installs what is missing when it may; else says how to, and returns 1
    wanted=$(missing_packages "$1")
    [ -n "$wanted" ] || return 0
    if ! has_apt; then
        say "Not found, needed for $2 (by their Debian names): $wanted"
        return 1
    fi
    if is_root; then
        say "Installing system packages for $2: $wanted"
        # shellcheck disable=SC2086  # a list of names
        apt_install $wanted && return 0
        say "They could not be installed. When the cause is mended: apt-get install --no-install-recommends $wanted"
        return 1
    fi
    say "System packages for $2 are missing. To install them:"
    say "  sudo apt-get install --no-install-recommends $wanted"
    return 1
}

version_of() { "$1" -I -S -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

find_python() { # sets $python: at least 3.11, able to make environments
    found=
    for python in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11 python3.14; do
        version=$(version_of "$python") || continue
        found="$found $version"
        case $version in
        3.[0-9] | 3.10 | [0-2].*) continue ;;
        esac
        "$python" -c 'import ensurepip, venv' 2>/dev/null && return 0
        package=python$version-venv
        case $(command -v "$python") in
        /usr/bin/* | /bin/*)
            has_apt || fail "$python cannot make environments: its modules venv and ensurepip are missing."
            is_root || fail "$python cannot make environments: the package $package is missing." \
                "To install it:  sudo apt-get install $package"
            say "Installing $package"
            apt_install "$package" && return 0
            fail "$package could not be installed."
            ;;
        esac
    done
    [ -n "$found" ] || fail 'TraySync needs Python 3.11 or newer, and no python3 was found.' \
        'On Debian or Ubuntu:  sudo apt-get install python3 python3-venv'
    fail "TraySync needs Python 3.11 or newer with the modules venv and ensurepip; found:$found." \
        'Install a newer one and name it:  PYTHON=/path/to/python3 sh packaging/run.sh'
}

environment_key() { # LOCK...: what an environment was made from
    cat "$root/pyproject.toml" "$@" | cksum
    printf '%s\n' "$root"
}

pip_install() { # PIP-ARGUMENT...
    "$venv/bin/python" -m pip install --quiet --progress-bar off --disable-pip-version-check --no-input "$@" \
        2>"$venv/pip.log" && return 0
    grep -v '^WARNING: Retrying' "$venv/pip.log" | tail -n 15 >&2
    if grep -Eqi 'NewConnectionError|NameResolutionError|ConnectTimeout|ProxyError|Max retries|timed out|SSLError|no matching distribution|could not find a version' "$venv/pip.log"; then
        fail 'pip could not get the packages from its index.' \
            'Check the network. Behind a proxy, set HTTPS_PROXY; for a mirror of your own, set PIP_INDEX_URL;' \
            'where TLS is intercepted, set PIP_CERT to the authority'\''s certificate.'
    fi
    fail 'pip could not install the packages (see above).' 'Its whole output: '"$venv/pip.log"
}

python_environment() { # KIND: runtime or dev. Makes $venv hold that lock and this checkout; quick when it does.
    locks=$root/packaging/requirements
    key=$(environment_key "$locks/$1.txt" "$locks/build.txt")
    if version=$(version_of "$venv/bin/python"); then
        stamp=$venv/made-for-$1
        [ ! -r "$stamp" ] || [ "$(cat "$stamp")" != "$key
$version" ] || return 0
    fi
    [ "$venv" != "$root/.venv" ] || [ -w "$root" ] || fail "$root is not writable for $(id -un)." \
        'Clone it to a folder of your own, or keep the Python environment elsewhere:' \
        "  TRAYSYNC_VENV=\"\$HOME/.cache/traysync-venv\" sh \"$root/packaging/run.sh\""
    [ ! -d "$venv" ] || [ -w "$venv" ] || fail "$venv is out of date and belongs to another user." \
        "Let its owner run this script, delete it, or set TRAYSYNC_VENV to a folder of your own."
    find_python
    version=$(version_of "$python")
    # An environment of another Python, of a checkout that was moved, or a half-made one, is no base to build on.
    if [ "$(cat "$venv/made-by" 2>/dev/null)" != "$version $root" ]; then
        [ ! -e "$venv" ] || [ -e "$venv/pyvenv.cfg" ] || fail "$venv exists and is not a Python environment." \
            'Move it away, or set TRAYSYNC_VENV to another folder.'
        say "Making the Python environment in $venv (Python $version)"
        "$python" -m venv --clear "$venv" || fail "The environment in $venv could not be made."
        printf '%s\n' "$version $root" >"$venv/made-by"
    fi
    say "Installing the locked Python packages ($1); the first time takes a minute or two"
    rm -f "$venv"/made-for-*
    # The locks name every package, so nothing is left to resolve. Pip before 23.3 would even take a newer release where
    # a package asks for an extra of a locked one (pip issue 9644), and then refuse it for want of a hash.
    pip_install --require-hashes --no-deps -r "$locks/$1.txt" -r "$locks/build.txt"
    pip_install --no-index --no-deps --no-build-isolation --editable "$root"
    for kind in runtime "$1"; do # each lock holds the runtime's versions
        printf '%s\n%s' "$(environment_key "$locks/$kind.txt" "$locks/build.txt")" "$version" >"$venv/made-for-$kind"
    done
}
