#!/bin/sh
# Compiles each header alone: it must include what it needs.
. "$top_srcdir/tests/tools/tap.sh"

flags="-fsyntax-only -D_GNU_SOURCE -I$top_srcdir/src -I$top_srcdir/reference -I$top_srcdir/simd"

compiles_alone() {
    printf '#include "%s"\nextern int nothing;\n' "$2" | $1 $flags -x "$3" -
}

check "mmneuron.h in strict C11" compiles_alone "$CC -std=c11 -pedantic -Wall -Wextra -Werror" \
    mmneuron.h c
if g++ --version >/dev/null 2>&1; then
    check "mmneuron.h in C++" compiles_alone "g++ -Wall -Wextra -Werror" mmneuron.h c++
else
    skip "mmneuron.h in C++" "no g++ here"
fi
for header in "$top_srcdir"/src/*/*.h "$top_srcdir"/reference/*.h; do
    check "${header#"$top_srcdir"/} alone" compiles_alone "$CC -std=c11 -Wall -Wextra -Werror" \
        "$header" c
done

done_testing
