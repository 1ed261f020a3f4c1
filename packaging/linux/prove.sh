#!/bin/sh
# Proves a .deb in a clean Debian: installs it with apt, runs it as root and as a user, and purges it without a trace.
#
#   sh packaging/linux/prove.sh [SUITE]     SUITE: a Debian release, bookworm by default
#
# Needs root and debootstrap. Works in a throw-away root in build/, and binds nothing of this system into it but /proc.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
top=$(CDPATH='' cd -- "$here/../.." && pwd)
suite=${1:-bookworm}
base=$top/build/prove/$suite
root=$base-installed

fail() {
    echo "prove: FAILED: $1" >&2
    exit 1
}
[ "$(id -u)" = 0 ] || fail 'needs root, for debootstrap and chroot'
command -v debootstrap >/dev/null || fail 'needs debootstrap: apt-get install debootstrap'
deb=$(find "$top/dist" -name 'traysync_*.deb' | sort | tail -n 1)
[ -n "$deb" ] || fail 'no package: first run  sh packaging/build.sh linux'

inside() { env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    chroot "$root" "$@"; }
as_user() { inside su -l tess -c "$1"; }
unmount() { ! mountpoint -q "$root/proc" || umount "$root/proc"; }
# The user's settings and tables stay the user's, and the font cache is of every program that shows text.
files() { (cd "$root" && find . -xdev \( -path ./proc -o -path ./home/tess -o -path ./var/cache/fontconfig \) -prune \
    -o -print | sort); }

if [ ! -e "$base/made" ]; then
    rm -rf "$base"
    mkdir -p "$base"
    debootstrap --variant=minbase "$suite" "$base" >"$base.log" 2>&1 || fail "debootstrap: see $base.log"
    touch "$base/made"
fi
unmount
rm -rf "$root"
cp -a "$base" "$root"
trap unmount EXIT
mount -t proc proc "$root/proc"
[ ! -e /etc/resolv.conf ] || cp -L /etc/resolv.conf "$root/etc/resolv.conf"
inside useradd --create-home --shell /bin/sh tess

# Everything the package needs comes first, so that the two lists below differ by the package alone.
cp "$deb" "$here/smoke.sh" "$root/tmp/"
package=/tmp/$(basename "$deb")
inside apt-get update -qq
inside apt-get install -qq --no-install-recommends --simulate "$package" >"$base.plan" || fail "apt: see $base.plan"
# shellcheck disable=SC2046  # a list of names
inside apt-get install -qq --no-install-recommends \
    $(sed -n 's/^Inst \([^ ]*\).*/\1/p' "$base.plan" | grep -vx traysync) >"$base.log" 2>&1 || fail "apt: see $base.log"
inside rm -rf /var/cache/apt/pkgcache.bin /var/cache/apt/srcpkgcache.bin
files >"$base.before"

inside apt-get install -qq --no-install-recommends "$package" >"$base.log" 2>&1 || fail "apt: see $base.log"
# shellcheck disable=SC2016  # dpkg-query fills in the fields
echo "prove: installed $(inside dpkg-query -W -f '${Version}, ${Installed-Size} KiB' traysync) on $suite"
[ -z "$(inside dpkg --verify traysync)" ] || fail 'installed files differ from the package'
for path in /usr/bin/traysync /usr/share/applications/traysync.desktop /usr/share/icons/hicolor/48x48/apps/traysync.png; do
    [ -e "$root$path" ] || fail "$path is not installed"
done
inside sh /tmp/smoke.sh traysync || fail 'the smoke test as root'
as_user 'sh /tmp/smoke.sh traysync' || fail 'the smoke test as a user'
as_user 'traysync demo --once' || fail 'the demo as a user'
as_user 'test -s .local/share/traysync/traysync.db' || fail 'the demo left no table'

inside apt-get purge -qq traysync >"$base.log" 2>&1 || fail "apt: see $base.log"
inside rm -rf /var/cache/apt/pkgcache.bin /var/cache/apt/srcpkgcache.bin
files >"$base.after"
diff "$base.before" "$base.after" >&2 || fail 'the purge left something behind, or took something away'
echo 'prove: purged without a trace'
