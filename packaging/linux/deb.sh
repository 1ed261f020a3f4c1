# shellcheck shell=sh
# Makes the .deb from dist/traysync and build/licenses.txt. Sourced by build.sh after environment.sh; uses $root.

maintainer='TraySync contributors <contributors@traysync.invalid>' # there is no mailing list to name
keyrings='gnome-keyring | kwalletmanager | keepassxc, default-dbus-session-bus | dbus-session-bus'

png_icons() { # FOLDER: the icon in every size of the hicolor theme that menus ask for
    QT_QPA_PLATFORM=offscreen build/venv/bin/python packaging/icons.py resources/icons/traysync.svg "$1"
}

make_deb() {
    version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' trayapp/__init__.py)
    architecture=$(dpkg --print-architecture)
    # The date of the last commit, so that the same commit gives the same package.
    SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
    export SOURCE_DATE_EPOCH
    deb=dist/traysync_${version}_${architecture}.deb
    tree=build/deb/traysync
    say "Making $deb"
    umask 022
    rm -rf build/deb
    mkdir -p "$tree/DEBIAN" "$tree/usr/bin" "$tree/usr/lib" "$tree/usr/share/doc/traysync" \
        "$tree/usr/share/lintian/overrides" "$tree/usr/share/man/man1" \
        "$tree/usr/share/applications" "$tree/usr/share/metainfo" build/deb/debian

    cp -R dist/traysync "$tree/usr/lib/traysync"
    find "$tree/usr/lib/traysync" -type f -exec chmod 644 {} +
    chmod 755 "$tree/usr/lib/traysync/traysync"
    ln -s ../lib/traysync/traysync "$tree/usr/bin/traysync"
    cp resources/desktop/traysync.desktop "$tree/usr/share/applications/"
    cp resources/desktop/org.traysync.traysync.metainfo.xml "$tree/usr/share/metainfo/"
    png_icons "$tree/usr/share/icons/hicolor"
    gzip -9n <packaging/linux/traysync.1 >"$tree/usr/share/man/man1/traysync.1.gz"
    cp packaging/linux/lintian-overrides "$tree/usr/share/lintian/overrides/traysync"
    cat packaging/linux/copyright >"$tree/usr/share/doc/traysync/copyright"
    gzip -9n <build/licenses.txt >"$tree/usr/share/doc/traysync/licenses-of-bundled-software.txt.gz"
    sh packaging/audit.sh sbom
    gzip -9n <"dist/traysync_$version.cdx.json" >"$tree/usr/share/doc/traysync/traysync.cdx.json.gz"
    printf 'traysync (%s) unstable; urgency=medium\n\n  * Release %s.\n\n -- %s  %s\n' "$version" "$version" \
        "$maintainer" "$(LC_ALL=C date -R -u -d "@$SOURCE_DATE_EPOCH")" |
        gzip -9n >"$tree/usr/share/doc/traysync/changelog.gz"

    library_packages >build/deb/substvars
    {
        printf 'Package: traysync\nVersion: %s\nArchitecture: %s\n' "$version" "$architecture"
        printf 'Maintainer: %s\nInstalled-Size: %s\n' "$maintainer" "$(du -k -s "$tree/usr" | cut -f 1)"
        sed -n 's/^shlibs:Depends=\(.*\)/Depends: \1, ca-certificates, tzdata/p' build/deb/substvars
        sed -n "s/^shlibs:Recommends=\\(.*\\)/Recommends: \\1, $keyrings/p" build/deb/substvars
        cat packaging/linux/control
    } >"$tree/DEBIAN/control"
    grep -q '^Depends: ' "$tree/DEBIAN/control" || fail 'dpkg-shlibdeps found no dependencies.'
    (cd "$tree" && find usr -type f -print | LC_ALL=C sort | xargs -d '\n' md5sum) >"$tree/DEBIAN/md5sums"
    find "$tree" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
    dpkg-deb --root-owner-group -Zxz --build "$tree" "$deb" >/dev/null
    say "$deb: $(du -k "$deb" | cut -f 1) KiB"
}

library_packages() { # prints the Debian packages with the libraries that the bundle asks for and does not hold
    printf 'Source: traysync\n\nPackage: traysync\nArchitecture: any\n' >build/deb/debian/control
    (
        cd build/deb || exit
        # Each folder of the bundle is searched too; what is found there needs no package.
        set --
        for folder in $(find traysync/usr/lib -type f -name '*.so*' -exec dirname {} + | sort -u); do
            set -- "$@" "-l$folder"
        done
        set -- "$@" -dDepends
        # shellcheck disable=SC2044  # no name in the bundle has a space
        for file in $(find traysync/usr/lib -type f \( -name '*.so*' -o -name traysync \) ! -name 'libqgtk3.so'); do
            set -- "$@" "-e$file"
        done
        # Loaded only on desktops that are made with GTK.
        set -- "$@" -dRecommends "-e$(find traysync/usr/lib -name 'libqgtk3.so')"
        dpkg-shlibdeps -O "$@" 2>shlibdeps.log || fail 'dpkg-shlibdeps failed: see build/deb/shlibdeps.log.'
    )
}
