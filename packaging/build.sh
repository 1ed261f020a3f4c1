#!/bin/sh
# Builds what people install.
#
#   sh packaging/build.sh linux [--smoke]   dist/traysync_VERSION_ARCH.deb from a frozen program, dist/traysync/
#   sh packaging/build.sh linux --reuse     does not freeze again when dist/traysync is newer than every source
#
# --smoke then checks the frozen program by running it. Needs a Debian-like system with dpkg-dev; PYTHON names the
# interpreter to freeze (default: the system's python3, whose libpython is shared, as freezing needs).
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$root/packaging/environment.sh"
cd "$root"

usage() { fail 'usage: sh packaging/build.sh linux [--smoke] [--reuse]'; }

[ "${1:-}" = linux ] || usage
shift
smoke=no reuse=no
for option in "$@"; do
    case $option in
    --smoke) smoke=yes ;;
    --reuse) reuse=yes ;;
    *) usage ;;
    esac
done

. "$root/packaging/linux/freeze.sh"
. "$root/packaging/linux/deb.sh"

if [ $reuse = no ] || ! frozen_is_current; then
    freeze
fi
make_deb
[ $smoke = no ] || sh packaging/linux/smoke.sh dist/traysync/traysync
