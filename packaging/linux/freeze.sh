# shellcheck shell=sh
# Freezes the program into dist/traysync with PyInstaller. Sourced by build.sh after environment.sh; uses $root.
# shellcheck disable=SC2154  # set by environment.sh and build.sh

build_parts="$desktop_libraries
objdump         binutils
dpkg-shlibdeps  dpkg-dev
"

frozen_is_current() {
    [ -x dist/traysync/traysync ] &&
        [ -z "$(find trayapp resources packaging pyproject.toml -type f ! -name '*.pyc' \
            -newer dist/traysync/traysync -print | head -n 1)" ]
}

shared_libpython() { # of $python: prints the library's name when it is there
    "$python" -I -c '
import ctypes, sysconfig
name = sysconfig.get_config_var("INSTSONAME")
ctypes.CDLL(name)
print(name)' 2>/dev/null
}

freeze() {
    system_packages "$build_parts" 'the build' || fail 'The build needs the packages named above.'
    PYTHON=${PYTHON:-/usr/bin/python3}
    find_python
    if ! shared_libpython >/dev/null; then
        library=libpython$(version_of "$python")
        system_packages "/no/libpython $library" 'freezing' || say 'Trying all the same.'
        shared_libpython >/dev/null ||
            fail "$python has no shared library to freeze with." "To install it:  sudo apt-get install $library" \
                'Or name another interpreter with PYTHON.'
    fi
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
