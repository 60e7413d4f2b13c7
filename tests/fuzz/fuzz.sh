#!/bin/sh
# Fuzzes one format with clang's libFuzzer: fuzz.sh FORMAT [libFuzzer's options], run by hand.
# The target is built in the current folder, where new inputs are kept in found-FORMAT.
set -e
root=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)
format=$1
test -f "$root/tests/fuzz/fuzz_$format.c" || {
    echo "usage: fuzz.sh FORMAT [libFuzzer's options]; formats:" \
        "$(cd "$root/tests/fuzz" && ls fuzz_*.c | sed 's/fuzz_\(.*\)\.c/\1/' | tr '\n' ' ')" >&2
    exit 2
}
shift
libraries="jansson libxxhash libjpeg libpng libutf8proc libpcre2-8"
printf '#define %s 1\n' HAVE_LIBPNG HAVE_UTF8PROC HAVE_PCRE2 >config.h
printf '#define PACKAGE_VERSION "fuzz"\n' >>config.h
clang -std=c11 -D_GNU_SOURCE -O1 -g -ffp-contract=off -DMMN_LIBFUZZER \
    -DHAVE_CONFIG_H -DMMN_SOURCE_DIR="\"$root\"" \
    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
    -I. -I"$root/src" -I"$root/reference" $(pkg-config --cflags $libraries) \
    -o "fuzz_$format" "$root/tests/fuzz/fuzz_$format.c" \
    "$root"/src/base/*.c "$root"/src/format/*.c "$root"/src/image/*.c "$root"/src/text/*.c \
    "$root"/src/model/*.c "$root"/simd/dispatch.c "$root"/reference/*.c \
    $(pkg-config --libs $libraries) -lm
mkdir -p "found-$format"
exec "./fuzz_$format" -max_len=65536 -rss_limit_mb=2048 "$@" "found-$format" \
    "$root/tests/fuzz/corpus/$format"
