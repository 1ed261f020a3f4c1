#!/bin/sh
# Changes the code of modules in small ways, one at a time, and lists the changes that no test notices.
#
#   sh tests/mutation.sh 'trayapp/store/m*.py' TESTS...
#
# TESTS are files of quick tests, or any arguments of pytest. Works in a copy of the checkout, mutmut in an environment
# of its own beside it; both stay in build/mutation, where "mutmut browse" shows more. A minute or an hour, by the tests.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$root/packaging/environment.sh"
[ $# -ge 2 ] || fail 'usage: sh tests/mutation.sh MODULES TESTS...'
modules=$1
shift
python_environment dev
work=$root/build/mutation
tools=$work/tools copy=$work/copy
[ -d "$tools" ] || "$venv/bin/python" -m pip install --quiet --no-deps --target "$tools" \
    mutmut libcst coverage click setproctitle textual rich markdown-it-py mdurl mdit-py-plugins linkify-it-py \
    uc-micro-py pygments typing-extensions pyyaml platformdirs
rm -rf "$copy"
mkdir -p "$copy"
cp -R "$root/trayapp" "$root/tests" "$root/resources" "$root/pyproject.toml" "$root/README.md" "$copy"
quoted() { # WORDS... as TOML strings
    for word in "$@"; do printf '"%s", ' "$word"; done
}
cat >>"$copy/pyproject.toml" <<SETTINGS

[tool.mutmut]
source_paths = ["trayapp"]
only_mutate = [$(quoted "$modules")]
also_copy = ["tests", "resources", "README.md"]
pytest_add_cli_args = ["-m", "not desktop and not slow", "-p", "no:randomly"]
pytest_add_cli_args_test_selection = [$(quoted "$@")]
process_isolation = "forkserver"
SETTINGS
cd "$copy"
export QT_QPA_PLATFORM=offscreen LC_ALL=C.UTF-8 CI=true PYTHONPATH="$tools"
nice "$venv/bin/python" -m mutmut run --max-children 1
"$venv/bin/python" -m mutmut results
