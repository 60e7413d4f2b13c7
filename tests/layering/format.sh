#!/bin/sh
# Checks that the sources are laid out as .clang-format says. Versions of clang-format differ in details; what
# Debian 12 has decides. Kernels are laid out by hand, since it does not know their macros for statements.
. "$top_srcdir/tests/tools/tap.sh"
cd "$top_srcdir" || exit 1

format=$(command -v clang-format-14 || command -v clang-format)

laid_out() {
    "$format" --dry-run --Werror "$1"/*.[ch]
}

if [ -n "$format" ] && "$format" --version | grep -q 'version 14\.'; then
    for folder in src/* tests/*; do
        if ls "$folder"/*.[ch] >/dev/null 2>&1; then
            check "$folder is laid out as .clang-format says" laid_out "$folder"
        fi
    done
else
    skip "the sources are laid out as .clang-format says" "no clang-format 14 here"
fi

done_testing
