#!/bin/sh
# Looks at what TraySync ships of other people's work, as packaging/requirements/runtime.txt locks it.
#
#   sh packaging/audit.sh          asks the package index for known weaknesses of every locked version; exits 0
#                                  only when all were looked up and none is known
#   sh packaging/audit.sh sbom     writes a software bill of materials, dist/traysync_VERSION.cdx.json (CycloneDX 1.6)
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$root/packaging/environment.sh"
cd "$root"

# Tools of their own packages, which must not mix with the program's.
venv=${TRAYSYNC_AUDIT_VENV:-$root/build/audit-venv}
lock=packaging/requirements/audit.txt
key=$(cksum <$lock)
if [ "$(cat "$venv/made-for" 2>/dev/null)" != "$key" ]; then
    find_python
    say "Making the environment of the audit in $venv"
    "$python" -m venv --clear "$venv"
    pip_install --require-hashes --no-deps -r $lock
    printf '%s' "$key" >"$venv/made-for"
fi

case ${1:-audit} in
audit)
    "$venv/bin/pip-audit" --strict --no-deps --disable-pip --progress-spinner off \
        --requirement packaging/requirements/runtime.txt
    ;;
sbom)
    version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' trayapp/__init__.py)
    bill=dist/traysync_$version.cdx.json
    mkdir -p dist
    # Reproducible: no time and no random number in it, so that the same lock gives the same file.
    "$venv/bin/python" -W ignore::UserWarning -m cyclonedx_py requirements packaging/requirements/runtime.txt \
        --pyproject pyproject.toml --mc-type application --output-reproducible --validate --spec-version 1.6 \
        --of JSON -o "$bill"
    say "$bill: $(grep -c '"purl"' "$bill") packages"
    ;;
*) fail 'usage: sh packaging/audit.sh [sbom]' ;;
esac
