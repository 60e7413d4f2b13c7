#!/bin/sh
# Counts, ranks and dumps the demo's samples: with any number of threads, in one run, in shards, or
# killed and resumed, the digests are those in golden/demo/digests. Every kind of build runs
# this, so that all of them are compared with each other too.
. "$top_srcdir/tests/tools/tap.sh"

demo=$top_srcdir/golden/demo
model=$demo/model
list=$demo/DATA.jsonl
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# The published digest called NAME.
published() {
    sed -n "s/^\([0-9a-f]\{32\}\)  $1\$/\1/p" "$demo/digests"
}

# count_to FILE OPTION...: counts the demo's samples.
count_to() {
    file=$1
    shift
    $MMNEURON count "$model" "$list" -o "$file" --quiet "$@"
}

ranking_digest() {
    $MMNEURON rank "$1" -o "$work/neurons.json" --quiet >/dev/null &&
        sed -n 's/.*"digest": *"\([0-9a-f]*\)".*/\1/p' "$work/neurons.json"
}

ranks_as_published() {
    found=$(ranking_digest "$1")
    echo "found $found, published $(published ranking)"
    test -n "$found" && test "$found" = "$(published ranking)"
}

counts_on_threads() {
    count_to "$work/$1.counts" --threads "$1" && ranks_as_published "$work/$1.counts" &&
        cmp "$work/1.counts" "$work/$1.counts"
}

counts_in_shards() {
    for shard in 1 2 3; do
        count_to "$work/shard-$shard" --shard $shard/3 || return 1
    done
    $MMNEURON merge "$work/shard-2" "$work/shard-3" "$work/shard-1" -o "$work/merged" --quiet &&
        cmp "$work/1.counts" "$work/merged"
}

dumps_as_published() {
    $MMNEURON dump "$model" --image "$demo/image.jpg" --prompt "$(cat "$demo/prompt.txt")" \
        -o "$work/dump" --generate 4 --quiet --threads "$1" &&
        $MMNEURON digest "$work/dump" >"$work/digests" && diff "$work/digests" "$demo/dump-digests"
}

for threads in 1 2 7; do
    check "the ranking's digest is the published one on $threads threads" \
        counts_on_threads $threads
    check "every stage's digest is the published one on $threads threads" \
        dumps_as_published $threads
done
check "three shards merged are one run" counts_in_shards

done_testing
