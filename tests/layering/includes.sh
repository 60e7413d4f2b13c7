#!/bin/sh
# Checks by their #include lines that folders know only those below them.
. "$top_srcdir/tests/tools/tap.sh"
cd "$top_srcdir" || exit 1

# Prints "FILE HEADER" for every #include "HEADER" of a folder's files.
quoted_includes() {
    grep -Hn '^ *# *include *"' "$1"/*.[ch] 2>/dev/null |
        sed 's/^\([^:]*\):[0-9]*: *# *include *"\([^"]*\)".*/\1 \2/'
}

# only FOLDER HEADERS: every header that the folder's files include matches one of the patterns.
only() {
    folder=$1
    allowed=$2
    quoted_includes "$folder" | {
        strangers=0
        while read -r file header; do
            known=no
            set -f
            for pattern in $allowed; do
                case $header in
                $pattern) known=yes ;;
                esac
            done
            if [ $known = no ]; then
                echo "$file includes \"$header\"; $folder may include: $allowed"
                strangers=1
            fi
        done
        exit $strangers
    }
}

# only_in_folder FOLDER...: the first folder includes files of these folders only.
only_in_folder() {
    only "$1" "$(for each in "$@"; do (cd "$each" && echo *.h); done)"
}

c_library="assert ctype errno fenv float inttypes limits math stdbool stddef stdint stdio stdlib
    string stdalign stdatomic"
instructions="immintrin arm_neon cpuid sys/auxv asm/hwcap"

# c_library_only FOLDER [HEADER...]: angle brackets hold C library (or instruction set) headers only,
# or those named.
c_library_only() {
    strangers=0
    folder=$1
    shift
    for header in $(sed -n 's/^ *# *include *<\([^>]*\)\.h>.*/\1/p' "$folder"/*.[ch]); do
        case " $(echo $c_library $instructions "$@") " in
        *" $header "*) ;;
        *)
            echo "$folder includes <$header.h>, which is not the C library's"
            strangers=1
            ;;
        esac
    done
    return $strangers
}

# The system's, POSIX's and OpenMP's headers aside, which libraries a folder knows.
libraries_only() {
    strangers=$(grep -En '^ *# *include *<(jansson|jpeglib|jerror|png|utf8proc|pcre2|xxhash)' \
        "$1"/*.[ch] | grep -Ev "<($2)") || return 0
    echo "$strangers"
    return 1
}

base="mmneuron.h mmneuron/* number_bits.h base/*"
check "reference knows its own headers" only_in_folder reference
check "reference uses the C library only" c_library_only reference
if ls simd/*.c >/dev/null 2>&1; then
    check "simd knows the reference and its own headers" only simd \
        "$(for each in simd reference; do (cd $each && echo *.h); done) \
        attention.c matrix_product.c"
    # POSIX's sysconf knows the caches.
    check "simd uses the C library only" c_library_only simd unistd
fi
check "base knows nothing else of src" only src/base "$base"
check "format knows base" only src/format "$base format/*"
check "image knows base and the kernel table" only src/image "$base kernels.h image/*"
check "text knows base" only src/text "$base text/*"
check "model knows format, image, text and the kernel table" only src/model \
    "$base kernels.h format/* image/* text/* model/*"
check "pass knows model and what it knows" only src/pass \
    "$base kernels.h format/* image/* text/* model/* pass/*"
check "compare knows pass, model, format, result and the kernel table" only src/compare \
    "$base kernels.h format/* result/* model/* pass/* compare/*"
check "count knows pass, model and what it knows, result, and the functions in binary64" only src/count \
    "$base kernels.h functions.h format/* text/* model/* pass/* count/* result/*"
check "mask knows count and what it knows" only src/mask \
    "$base kernels.h functions.h format/* text/* model/* pass/* count/* mask/*"
check "study knows count, mask and what they know" only src/study \
    "$base kernels.h functions.h format/* text/* model/* pass/* count/* mask/* result/* study/*"
check "result knows base" only src/result "$base result/*"
check "page knows images' files, count, mask, result and the forms of results" \
    only src/page "$base format/image_file.h count/* mask/* study/result_forms.h result/* page/*"
check "cli knows the public header" only src/cli "config.h mmneuron.h cli/*"

check "base uses Jansson and xxHash" libraries_only src/base "jansson|xxhash"
check "format uses Jansson and the libraries of image formats" libraries_only src/format \
    "jansson|jpeglib|jerror|png|gif_lib|tiffio|webp/demux"
check "image uses Jansson" libraries_only src/image "jansson"
check "text uses Jansson, xxHash, utf8proc and PCRE2" libraries_only src/text \
    "jansson|xxhash|utf8proc|pcre2"
check "model uses Jansson" libraries_only src/model "jansson"
check "pass uses no other library" libraries_only src/pass "nothing"
check "compare uses Jansson" libraries_only src/compare "jansson"
check "count uses Jansson" libraries_only src/count "jansson"
check "mask uses Jansson" libraries_only src/mask "jansson"
check "result uses Jansson" libraries_only src/result "jansson"
# A study is a file and a line of the table: nothing else in src knows it, but for the page that draws its result.
studies_are_alone() {
    for study in $(sed -n 's/^ *X(\([a-z]*\)).*/\1/p' src/study/studies.h); do
        test -f "src/study/$study.c" || return 1
        grep -rlE "mmn_study_of_$study|\"$study\"|study/$study\.h" src --include=*.[ch] |
            grep -vE "^src/(study/$study\.c|page/.*)$" && return 1
    done
    return 0
}
check "nothing but the table and the page knows a study of it" studies_are_alone
check "study uses no library" libraries_only src/study "no library"
check "page uses Jansson" libraries_only src/page "jansson"
check "cli uses Jansson" libraries_only src/cli "jansson"

done_testing
