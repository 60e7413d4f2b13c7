# What the tests of digests share: results of the program as lines "DIGEST  NAME". Sourced; then the
# test sets model, list, training and rate where it counts, and published, the file of the digests that
# every machine gives.
. "$top_srcdir/tests/tools/tap.sh"

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# needs_model: ends the test where the model is not there, or this build cannot read it.
needs_model() {
    [ -f "$model/config.json" ] || skip_all "${model#"$top_srcdir"/} is not there"
    ! $MMNEURON info "$model" 2>&1 | grep -q "which this build leaves out" ||
        skip_all "this build leaves out what the model's tokenizer needs"
}

# needs_pictures: ends the test where the list's pictures cannot be read.
needs_pictures() {
    grep -q '^#define HAVE_LIBPNG' "$top_builddir/config.h" ||
        skip_all "some of the pictures are PNG, which this build does without"
}

# count_to FILE OPTION...: counts the list's samples.
count_to() {
    file=$1
    shift
    $MMNEURON count "$model" "$list" -o "$file" --quiet "$@"
}

# ranking_digest NAME COUNTS OPTION...: of the neurons that a counts file gives.
ranking_digest() {
    name=$1
    shift
    $MMNEURON rank "$@" -o "$work/neurons.json" --quiet >/dev/null &&
        sed -n "s/.*\"digest\": *\"\\([0-9a-f]*\\)\".*/\\1  $name/p" "$work/neurons.json"
}

# counted_digest NAME OPTION...: of the neurons found in the list $training, at $rate.
counted_digest() {
    (
        name=$1
        shift
        list=$training
        count_to "$work/counts" "$@" >&2 && ranking_digest "$name" "$work/counts" --rate "$rate"
    )
}

# result_digest NAME COMMAND OPTION...: of what eval, perturb or lens make of the list, without the
# version and the list's path.
result_digest() {
    name=$1 command=$2
    shift 2
    $MMNEURON "$command" "$model" "$list" --quiet --json "$@" >"$work/result.json" &&
        sed -e '/"version"/d' -e '/"list"/d' "$work/result.json" | sha256sum |
        sed "s/^\\(.\\{32\\}\\).*/\\1  $name/"
}

# is_published NAME COMMAND...: whether the command prints what the file has under this name.
is_published() {
    wanted=$1
    shift
    "$@" >"$work/found" && grep "  $wanted\$" "$published" | diff - "$work/found"
}
