#!/bin/sh
# Checks by the symbols of the objects that no files need each other in a circle, and that folders use
# those below them only, by whatever header they came to know the name.
. "$top_srcdir/tests/tools/tap.sh"
cd "$top_builddir" || exit 1

# Prints "OBJECT FILE.c" for every source that this build compiled, the shared library's object first.
objects() {
    (cd "$top_srcdir" && ls src/*/*.c reference/*.c simd/*.c) | while read -r source; do
        folder=${source%/*}
        name=${source##*/}
        for object in "$folder/.libs/${name%.c}.o" "$folder/${name%.c}.o"; do
            if [ -f "$object" ]; then
                echo "$object $source"
                break
            fi
        done
    done
}

# Prints "USER OWNER SYMBOL" for every name that one source uses and another defines. Sanitizers and
# OpenMP add names of their own, which do not begin as ours do.
uses() {
    objects | while read -r object source; do
        $NM -g -P "$object" | sed -n "s|^_*\(mmn_[A-Za-z0-9_]*\) \([A-Z]\).*|$source \1 \2|p"
    done | awk '
        $3 == "U" { used[$1 " " $2] = 1; next }
        { owner[$2] = $1 }
        END {
            for (pair in used) {
                split(pair, part, " ")
                if (part[2] in owner && owner[part[2]] != part[1])
                    print part[1], owner[part[2]], part[2]
            }
        }' | LC_ALL=C sort
}

found=$(uses)

there_are_uses() {
    test "$(printf '%s\n' "$found" | wc -l)" -gt 500
}

# tsort(1) puts things in an order, and names those that stand in a circle.
no_circles() {
    printf '%s\n' "$found" | awk '{ print $1, $2 }' | tsort >/dev/null
}

# may_use FOLDER FOLDERS: what the first folder's objects use is defined in these, or declared in the
# public header if "public" is one of them.
may_use() {
    strangers=$({
        sed -n 's/^MMN_API [^(]*[ *]\(mmn_[a-z0-9_]*\)(.*/\1/p' "$top_srcdir"/src/mmneuron/*.h
        printf '%s\n' "$found"
    } | awk -v from="$1" -v allowed="$1 $2" '
        BEGIN { split(allowed, list, " "); for (i in list) may[list[i]] = 1 }
        function folder(file) { sub("/[^/]*$", "", file); sub("^src/", "", file); return file }
        NF == 1 { public[$1] = 1; next }
        "public" in may && $3 in public { next }
        folder($1) == from && !(folder($2) in may)')
    printf '%s\n' "$strangers"
    test -z "$strangers"
}

check "the objects and their symbols are found" there_are_uses
check "no files need each other in a circle" no_circles
check "reference uses itself" may_use reference ""
check "simd uses the reference" may_use simd "reference"
check "base uses itself" may_use base ""
check "format uses base" may_use format "base"
check "image uses base" may_use image "base"
check "text uses base" may_use text "base"
check "model uses format, image, text, and chooses the kernels" may_use model \
    "base format image text reference simd"
check "pass uses model and what it knows, and the functions in binary64" may_use pass \
    "base format image text model reference"
check "compare uses pass, model, format and result" may_use compare \
    "base format result model pass reference"
check "result uses base" may_use result "base"
check "count uses pass, model, result, and the functions in binary64" may_use count \
    "base format text model pass result reference"
check "mask uses count, pass, model and format" may_use mask "base format model pass count"
check "study uses count, mask, pass, model, result, and the functions in binary64" may_use study \
    "base format text model pass count mask result reference"
check "page uses format, count, mask, study, result and the public functions" \
    may_use page "base format count mask study result public"
check "cli uses the public functions" may_use cli "public"

done_testing
