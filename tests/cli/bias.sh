#!/bin/sh
# mmneuron bias, end to end: its table and its file, the same in shards, on all threads and kernels; answers that are no
# scores are counted and said; what is refused.
. "$top_srcdir/tests/cli/setup.sh"

detector=$top_srcdir/golden/checkpoints/owlvit-bf16
can_read "$detector" || skip_all "this build leaves out what the detector's tokenizer needs"
align=$top_srcdir/golden/joint/relu.safetensors
for image in cat wide tall; do
    echo "{\"id\": \"$image\", \"domain\": \"a\", \"image\": \"$images/$image.jpg\"}"
done >"$work/list.jsonl"
sed -i 's/"cat".*/&\n{"domain": "b", "image": "cat.jpg", "property": "cook"}/' "$work/list.jsonl"
cp "$images/cat.jpg" "$work/cat.jpg"
# of_list COMMAND...: the command, of the list, with the step.
of_list() {
    "$@" "$detector" "$model" "$work/list.jsonl" --align "$align" --from cat --to dog
}
# bias OPTION...
bias() {
    of_list exits 0 $MMNEURON bias -n 4 --property dog -q "$@"
}

# The tiny model answers no numbers.
counts_what_is_no_score() {
    bias -o "$work/whole.json" &&
        grep -q '^from "cat" to "dog" by 1: ' "$work/out" && grep -q '^  a  *3  *0$' "$work/out" &&
        grep -q '^  all  *4  *0$' "$work/out" && grep -q '"format": "mmneuron-bias-1"' "$work/whole.json" &&
        [ "$(grep -c '"answer_before": ' "$work/whole.json")" -eq 4 ] && grep -q '"property": "cook"' "$work/whole.json"
}

# writes_the_same OPTION...
writes_the_same() {
    bias -o "$work/other.json" "$@" && cmp "$work/whole.json" "$work/other.json"
}

is_merged_of_shards() {
    for shard in 1 2; do
        bias --shard $shard/2 -o "$work/part-$shard" || return 1
    done
    exits 0 $MMNEURON merge "$work/part-1" "$work/part-2" -o "$work/merged.json" -q && cmp "$work/whole.json" "$work/merged.json"
}

goes_on() {
    bias --rows "$work/rows.jsonl" --json &&
        head -n 3 "$work/rows.jsonl" >"$work/torn.jsonl" &&
        bias --rows "$work/torn.jsonl" -o "$work/other.json" &&
        cmp "$work/whole.json" "$work/other.json"
}

check "answers that are no scores" counts_what_is_no_score
check "one thread, the reference's kernels" writes_the_same --threads 1 --simd reference
check "shards" is_merged_of_shards
check "rows of a run that ended" goes_on
check "rows of another step" of_list fails_with "settings.epsilon" $MMNEURON bias -n 4 --property dog -q --epsilon 2 \
    --rows "$work/rows.jsonl"
check "no property" of_list fails_with "line 1, property" $MMNEURON bias -q
check "no step" is_wrong_usage "what the detector sees" bias "$detector" "$model" "$work/list.jsonl" --align "$align"
check "no alignment" is_wrong_usage "network between" bias "$detector" "$model" "$work/list.jsonl" --from cat --to dog

done_testing
