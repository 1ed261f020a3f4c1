# shellcheck shell=sh
# Freezes the program into dist/traysync with PyInstaller. Sourced by build.sh after environment.sh; uses $root.
# shellcheck disable=SC2154  # set by environment.sh and build.sh

frozen_is_current() {
    [ -x dist/traysync/traysync ] &&
        [ -z "$(find trayapp resources packaging pyproject.toml -type f ! -name '*.pyc' \
            -newer dist/traysync/traysync -print | head -n 1)" ]
}

freeze() {
    PYTHON=${PYTHON:-/usr/bin/python3}
    find_python
    system_packages "$desktop_libraries$(freezing_parts "$python")" 'the build' ||
        fail 'The build needs the packages named above.'
    "$python" -I -c 'import ctypes, sysconfig; ctypes.CDLL(sysconfig.get_config_var("INSTSONAME"))' 2>/dev/null ||
        fail "$python has no shared library to freeze with." 'Name another interpreter with PYTHON.'
    # An environment of its own, with what the program needs to run and nothing else: what is in it can get frozen.
    say "Freezing with $python"
    venv=$root/build/venv
    "$python" -m venv --clear "$venv"
    pip_install --require-hashes -r packaging/requirements/runtime.txt -r packaging/requirements/package.txt
    rm -rf dist/traysync
    "$venv/bin/python" -m PyInstaller --noconfirm --clean --log-level WARN \
        --workpath build/pyinstaller --distpath dist packaging/traysync.spec
    "$venv/bin/python" packaging/licenses.py >build/licenses.txt
    # What the bundle dropped, nothing in it may still ask for: a missing library shows only when it is loaded.
    missing=$(find dist/traysync -xtype l
        find dist/traysync -type f \( -name '*.so*' -o -name traysync \) -exec sh -c '
            for file; do ldd "$file" 2>/dev/null | sed -n "s|^\\s*\\(.*\\) => not found|$file: \\1|p"; done' sh {} +)
    [ -z "$missing" ] || fail 'Libraries are missing from the frozen program:' "$missing"
}
