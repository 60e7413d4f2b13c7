#!/bin/sh
# mmneuron edit end to end: what it writes does what it says, in every command that takes it.
. "$top_srcdir/tests/cli/setup.sh"

prompt="USER: <image>
What is this? ASSISTANT:"

# edit OPTION...: a word of a short answer to one picture.
edit() {
    $MMNEURON edit "$model" --image "$images/wide.jpg" --prompt "$prompt" --max-tokens 6 --from shal --quiet "$@"
}

# answer OPTION...: that answer.
answer() {
    $MMNEURON ask "$model" --image "$images/wide.jpg" --prompt "$prompt" --max-tokens 6 --quiet "$@"
}

writes_what_makes_it_so() {
    exits 0 edit --to in -o "$work/in.safetensors" && grep -q '^after: .* in' "$work/out" &&
        grep -q '^from:  *"▁sh' "$work/out" || return 1
    sed -n 's/^after: *"\(.*\)"$/\1/p' "$work/out" >"$work/after"
    exits 0 answer --delta "$work/in.safetensors" && grep -qF "$(cat "$work/after")" "$work/out" &&
        exits 0 answer && ! grep -qF "$(cat "$work/after")" "$work/out"
}

prints_json() {
    exits 0 edit --to in -o "$work/again.safetensors" --json && cmp "$work/in.safetensors" "$work/again.safetensors" &&
        grep -q '"format": "mmneuron-edit-1"' "$work/out" && grep -q '"method": "direct"' "$work/out"
}

# The same bytes with another table of kernels and one thread.
is_the_same_everywhere() {
    exits 0 edit --to in -o "$work/again.safetensors" --simd reference --threads 1 &&
        cmp "$work/in.safetensors" "$work/again.safetensors"
}

takes_random_neurons() {
    exits 0 edit --to in --random 3 --top 40 -o "$work/random.safetensors" --json &&
        grep -q '"chosen": "random", "seed": 3' "$work/out" && ! cmp -s "$work/in.safetensors" "$work/random.safetensors"
}

# Results say what they were made with, and are of another model.
is_said_in_results() {
    exits 0 answer --json --delta "$work/in.safetensors" && grep -q '"deltas"' "$work/out" &&
        exits 0 answer --json && ! grep -q deltas "$work/out" &&
        exits 0 $MMNEURON contrib "$model" --prompt "$prompt" --image "$images/wide.jpg" -n 6 --all-words --seeds 0 --json \
            --delta "$work/in.safetensors" --quiet &&
        grep -q "^  \"deltas\": \[\"[0-9a-f]*\"\]" "$work/out" &&
        exits 0 $MMNEURON dump "$model" --prompt "$prompt" --image "$images/wide.jpg" --stages "language.norm" \
            --delta "$work/in.safetensors" -o "$work/dump.safetensors" && grep -q '"deltas"' "$work/dump.safetensors"
}

# What is found with a delta is added to it: both together do what the second says.
builds_upon_another() {
    exits 0 $MMNEURON contrib "$model" --image "$images/wide.jpg" --prompt "$prompt" -n 6 --seeds 0 --all-words --quiet \
        --delta "$work/in.safetensors" || return 1
    said=$(sed -n 's/^\(.*\): token "▁in".*/\1/p' "$work/out")
    exits 0 $MMNEURON edit "$model" --image "$images/wide.jpg" --prompt "$prompt" -n 6 --quiet \
        --delta "$work/in.safetensors" --from "$said" --to shal -o "$work/back.safetensors" || return 1
    sed -n 's/^after: *"\(.*\)"$/\1/p' "$work/out" >"$work/after"
    exits 0 answer --delta "$work/in.safetensors" --delta "$work/back.safetensors" &&
        grep -qF "$(cat "$work/after")" "$work/out"
}

# The edits of a list: in one run, in two shards and their merging the same; the word that is not there counts apart.
measures_a_list() {
    make_edit_list "$work/edits.jsonl" "a wide shal" "a wide elephant"
    for shard in 1 2; do
        exits 0 $MMNEURON edits "$model" "$work/edits.jsonl" -n 6 -q --shard $shard/2 -o "$work/part-$shard" || return 1
    done
    exits 0 $MMNEURON merge "$work/part-1" "$work/part-2" -o "$work/merged.json" -q &&
        exits 0 $MMNEURON edits "$model" "$work/edits.jsonl" -n 6 -q -o "$work/edits.json" --threads 1 --simd reference &&
        cmp "$work/edits.json" "$work/merged.json" && grep -q '^1 of 2 edits' "$work/out" &&
        grep -q '^  optimised  layer .* reliability ' "$work/out" && grep -q '"format": "mmneuron-edits-1"' "$work/edits.json"
}

# A row of the page's table for each of the result's, and the same number in it.
draws_edits() {
    exits 0 $MMNEURON report "$work/edits.json" --format csv --figure edits -o "$work/page.csv" -q &&
        [ "$(grep -c '^a,' "$work/page.csv")" -eq "$(grep -c '"chosen": .*"measure"' "$work/edits.json")" ] &&
        fall=$(sed -n 's/.*"direct", "chosen": "top", "measure": "fall", "count": 1, "mean": \([-0-9.e]*\),.*/\1/p' \
            "$work/edits.json") && [ -n "$fall" ] && grep -q "^a,direct,top,fall,1,$fall," "$work/page.csv" &&
        exits 0 $MMNEURON report "$work/edits.json" -o "$work/page.html" -q && grep -q 'What edits do' "$work/page.html"
}

refuses_a_list_without_edits() {
    make_list 2 "$work/plain.jsonl"
    fails_with "line 1: has no edit" $MMNEURON edits "$model" "$work/plain.jsonl" -q
}

writes_to_standard_output() {
    edit --to in -o - >"$work/piped" && cmp "$work/piped" "$work/in.safetensors"
}

check "a delta that does what it says" writes_what_makes_it_so
check "JSON" prints_json
check "the same bytes" is_the_same_everywhere
check "random neurons" takes_random_neurons
check "deltas in results" is_said_in_results
check "a delta upon another" builds_upon_another
check "standard output" writes_to_standard_output
check "the edits of a list" measures_a_list
check "a figure of edits" draws_edits
check "a list without edits" refuses_a_list_without_edits
check "another method of a list" exits 2 $MMNEURON edits "$model" "$work/edits.jsonl" --method other -q
check "no delta over a source" exits 2 edit --to in --delta "$work/in.safetensors" \
    -o "$work/in.safetensors"
check "no question" is_wrong_usage "question or --prompt" edit "$model" --from a --to b -o x
check "question and prompt" is_wrong_usage "one or the other" edit "$model" a --prompt b --from a --to b -o x
check "no output" is_wrong_usage "receives the additions" edit "$model" a --from a --to b
check "no words" is_wrong_usage "instead" edit "$model" a --from b -o x
check "the same word" exits 2 edit --to shal -o "$work/x"
check "an empty word" exits 2 edit --to "" -o "$work/x"
check "an empty word in dump" exits 2 $MMNEURON dump "$model" --prompt a --gradient-of "" -o "$work/x" -q
check "a word that is not in the answer" exits 2 $MMNEURON edit "$model" a --from elephant --to in -o "$work/x" -q
check "another method" exits 2 edit --to in --method other -o "$work/x"
check "what is no delta" fails_with "expected a delta" $MMNEURON ask "$model" --prompt a --delta "$images/wide.jpg" -q
check "what is not there" fails_with "none.safetensors" $MMNEURON ask "$model" --prompt a --delta none.safetensors -q

done_testing
