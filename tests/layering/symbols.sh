#!/bin/sh
# Checks the symbols: everything global begins with mmn_, and the two libraries export what the public
# header declares, and the one what the other uses of it: nothing less and nothing more.
. "$top_srcdir/tests/tools/tap.sh"
cd "$top_builddir" || exit 1

shared=.libs/libmmneuron.so
page=.libs/libmmneuron_page.so

# defined_symbols OPTION FILE...: the global symbols that nm with the option finds defined, without
# those that OpenMP and sanitizers add.
defined_symbols() {
    $NM -g "$@" | sed -n 's/^[0-9a-f]* *[A-TV-Z] \([^@]*\).*/\1/p' |
        grep -v '^\.gomp_\|^__[au]san\|^__odr_asan\|^MMNEURON_[A-Z0-9_.]*$' | LC_ALL=C sort -u
}

only_our_prefix() {
    strangers=$(defined_symbols -p .libs/libmmneuron_common.a .libs/libmmneuron_kernels.a \
        .libs/libmmneuron_page_objects.a | grep -v '^mmn_')
    echo "$strangers"
    test -z "$strangers"
}

# What the compiler sees declared with default visibility in mmneuron.h.
declared_functions() {
    $CC -E -P -I"$top_srcdir/src" "$top_srcdir/src/mmneuron.h" | tr '\n;' ' \n' |
        sed -n 's/.*visibility("default"))) [^(]*[ *]\(mmn_[a-z0-9_]*\)(.*/\1/p' | LC_ALL=C sort
}

# The libraries' functions that the header declares, and no other but those that the page's objects use.
exports_the_header() {
    private=$(defined_symbols -D $shared | LC_ALL=C comm -12 - libmmneuron.private)
    declared=$(declared_functions)
    exported=$(defined_symbols -D $shared $page)
    expected=$(printf '%s\n' $declared $private | LC_ALL=C sort -u)
    echo "declared: "$declared
    echo "private: "$private
    echo "exported: "$exported
    test "$expected" = "$exported" && test "$private" = "$(cat libmmneuron.private)"
}

# What makes pages is in the library of pages alone.
pages_are_apart() {
    together=$(defined_symbols -p .libs/libmmneuron_common.a | grep '_report_\|_svg_\|_style_')
    exported=$(defined_symbols -D $page | grep -v '^mmn_report_')
    echo "in libmmneuron: "$together
    echo "in libmmneuron_page: "$exported
    test -z "$together$exported"
}

# Each function has a version beside its name, where the linker has such.
functions_have_a_version() {
    bare=$($NM -gD $shared $page | sed -n 's/^[0-9a-f]* *T \(mmn_[^@]*\)$/\1/p')
    echo "without a version:" $bare
    test -z "$bare"
}

# package_has_them NAME OF-PACKAGE: the package's list has the same functions, each with the version that first had
# it (a new one is to be added with the version to come).
package_has_them() {
    sed -n 's/^ \(mmn_[a-z0-9_]*\)@MMNEURON_[0-9]* [0-9.]*$/\1/p' "$top_srcdir/debian/$2.symbols" |
        LC_ALL=C sort >listed.symbols
    LC_ALL=C sort "$1.symbols" | diff listed.symbols -
    code=$?
    rm -f listed.symbols
    return $code
}

check "every global symbol begins with mmn_" only_our_prefix
if [ -f $shared ]; then
    check "the libraries export what mmneuron.h declares" exports_the_header
    check "the library of pages has what makes them" pages_are_apart
    if [ -f libmmneuron.map ]; then
        check "every function has a version" functions_have_a_version
    else
        skip "every function has a version" "the linker has none"
    fi
else
    skip "the libraries export what mmneuron.h declares" "no shared library in this build"
fi
check "Debian's list has the library's functions" package_has_them libmmneuron libmmneuron0
check "so has that of the library of pages" package_has_them libmmneuron_page libmmneuron-page0

done_testing
