#!/bin/sh
# The version stands in configure.ac; what else names it agrees.
. "$top_srcdir/tests/tools/tap.sh"

version=$(sed -n 's/^AC_INIT(\[mmneuron\], \[\([^]]*\)\])$/\1/p' "$top_srcdir/configure.ac")

is_the_version() {
    echo "expected $version, found: $1"
    [ -n "$version" ] && [ "$1" = "$version" ]
}

named_in() {
    sed -n "$1" "$top_srcdir/$2" | LC_ALL=C sort -u
}

check "the program says it" is_the_version "$($MMNEURON --version | sed -n 's/^mmneuron //p')"
check "NEWS begins with it" is_the_version "$(named_in '1s/^mmneuron \([^ ]*\).*/\1/p' NEWS)"
check "the Debian package is of it" is_the_version \
    "$(named_in '1s/^mmneuron (\([^)]*\)-[^-]*) .*/\1/p' debian/changelog)"
check "doc/building.md names no other" is_the_version \
    "$(named_in 's/.*mmneuron[-_]\([0-9][0-9.]*[0-9]\)[-._].*/\1/p' doc/building.md)"
check "nor does doc/formats.md" is_the_version \
    "$(named_in 's/.*"version": "\([0-9.]*\)".*/\1/p' doc/formats.md)"
if python3 -c '' 2>/dev/null; then
    check "the Python package has it" is_the_version \
        "$(cd "$top_srcdir/python" && python3 -B -c 'import backend; print(backend.version())')"
else
    skip "the Python package has it" "no python3 here"
fi

done_testing
