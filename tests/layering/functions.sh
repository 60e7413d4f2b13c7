#!/bin/sh
# Checks that no function is longer than a page.
. "$top_srcdir/tests/tools/tap.sh"
cd "$top_srcdir" || exit 1

most=80

# Prints the functions of the files that have more lines, from their braces on.
long_functions() {
    awk -v most=$most '
        FNR == 1 { start = 0 }
        /^{/ { start = FNR; name = before }
        /^}/ && start { if (FNR - start + 1 > most) print FILENAME ": " name; start = 0 }
        { before = $0 }' "$@"
}

are_short() {
    found=$(find "$@" -name '*.[ch]' | sort | while read -r file; do long_functions "$file"; done)
    echo "$found"
    test -z "$found"
}

for folder in reference simd src; do
    check "no function of $folder has more than $most lines" are_short $folder
done

done_testing
