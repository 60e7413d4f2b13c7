#!/bin/sh
# Checks the symbols: everything global begins with mmn_, and the library exports what its public
# header declares, nothing less and nothing more.
. "$top_srcdir/tests/tools/tap.sh"
cd "$top_builddir" || exit 1

shared=.libs/libmmneuron.so

# defined_symbols OPTION FILE...: the global symbols that nm with the option finds defined, without
# those that OpenMP and sanitizers add.
defined_symbols() {
    $NM -g "$@" | sed -n 's/^[0-9a-f]* *[A-TV-Z] \([^@]*\).*/\1/p' |
        grep -v '^\.gomp_\|^__[au]san\|^__odr_asan\|^MMNEURON_[0-9]*$' | LC_ALL=C sort -u
}

only_our_prefix() {
    strangers=$(defined_symbols -p .libs/libmmneuron_common.a .libs/libmmneuron_kernels.a |
        grep -v '^mmn_')
    echo "$strangers"
    test -z "$strangers"
}

# What the compiler sees declared with default visibility in mmneuron.h.
declared_functions() {
    $CC -E -P "$top_srcdir/src/mmneuron.h" | tr '\n;' ' \n' |
        sed -n 's/.*visibility("default"))) [^(]*[ *]\(mmn_[a-z0-9_]*\)(.*/\1/p' | LC_ALL=C sort
}

exports_the_header() {
    declared=$(declared_functions)
    exported=$(defined_symbols -D $shared)
    echo "declared: "$declared
    echo "exported: "$exported
    test "$declared" = "$exported"
}

# Each function has a version beside its name, where the linker has such.
functions_have_a_version() {
    bare=$($NM -gD $shared | sed -n 's/^[0-9a-f]* *T \(mmn_[^@]*\)$/\1/p')
    echo "without a version:" $bare
    test -z "$bare"
}

check "every global symbol begins with mmn_" only_our_prefix
if [ -f $shared ]; then
    check "the library exports what mmneuron.h declares" exports_the_header
    if [ -f libmmneuron.map ]; then
        check "every function has a version" functions_have_a_version
    else
        skip "every function has a version" "the linker has none"
    fi
else
    skip "the library exports what mmneuron.h declares" "no shared library in this build"
fi

done_testing
