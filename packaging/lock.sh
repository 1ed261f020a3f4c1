#!/bin/sh
# Locks every dependency to a version and its hashes: packaging/requirements/*.txt from the ranges in pyproject.toml.
#
#   sh packaging/lock.sh             lock what pyproject.toml newly asks for; keep all other versions
#   sh packaging/lock.sh --upgrade   take the newest versions the ranges allow
#
# The locks are resolved for CPython 3.11 and newer on every system (markers tell where a package is left out), but
# only installed and tested on Linux x86_64 with 3.11, 3.12 and 3.13. Needs `uv` on the PATH.
set -eu
cd "$(dirname "$0")/.."

command -v uv >/dev/null 2>&1 || {
    echo 'lock.sh: needs the program uv (pip install uv).' >&2
    exit 1
}

compile() { # NAME UV-ARGUMENT...: writes packaging/requirements/NAME.txt
    name=$1
    shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-annotate \
        --custom-compile-command 'sh packaging/lock.sh' \
        --output-file "packaging/requirements/$name.txt" "$@" >/dev/null
    echo "packaging/requirements/$name.txt: $(grep -c '==' "packaging/requirements/$name.txt") packages"
}

compile runtime pyproject.toml "$@"
# The others hold the runtime's versions: one environment can take all of them.
compile dev pyproject.toml --group dev --constraint packaging/requirements/runtime.txt "$@"
compile build --group build --constraint packaging/requirements/dev.txt "$@"
compile package --group package --constraint packaging/requirements/dev.txt "$@"
compile audit --group audit --constraint packaging/requirements/dev.txt "$@"
