#!/bin/sh
# Compiles each header alone: it must include what it needs.
. "$top_srcdir/tests/tools/tap.sh"

flags="-fsyntax-only -D_GNU_SOURCE -I$top_srcdir/src -I$top_srcdir/reference -I$top_srcdir/simd"

compiles_alone() {
    printf '#include "%s"\nextern int nothing;\n' "$2" | $1 $flags -x "$3" -
}

public=$(cd "$top_srcdir/src" && ls mmneuron.h mmneuron/*.h)
for header in $public; do
    check "$header in strict C11" compiles_alone \
        "$CC -std=c11 -pedantic -Wall -Wextra -Werror" "$header" c
done
if g++ --version >/dev/null 2>&1; then
    for header in $public; do
        check "$header in C++" compiles_alone "g++ -Wall -Wextra -Werror" "$header" c++
    done
else
    skip "the public headers in C++" "no g++ here"
fi
for header in "$top_srcdir"/src/*/*.h "$top_srcdir"/reference/*.h; do
    check "${header#"$top_srcdir"/} alone" compiles_alone "$CC -std=c11 -Wall -Wextra -Werror" \
        "$header" c
done

done_testing
