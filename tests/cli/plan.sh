#!/bin/sh
# What a study or a count says beforehand of its cost: the passes and positions of its rows, and nothing is written.
. "$top_srcdir/tests/cli/setup.sh"

make_list 4 "$work/list.jsonl"
for domain in everyday medical; do
    echo "{\"domain\": \"$domain\", \"text\": \"The page was $domain, and so was the one after it.\"}"
done >"$work/texts.jsonl"
sed 's/^{/{"id": 1, /; s/"text"/"prompt"/' "$work/texts.jsonl" >"$work/sentences.jsonl"
exits 0 $MMNEURON count "$model" "$work/list.jsonl" -q -o "$work/counts" &&
    exits 0 $MMNEURON rank "$work/counts" --rate 0.05 -o "$work/neurons.json" || exit 1

# The sum of a number over the lines of a file.
sum_of() {
    sed -n "s/.*\"$1\": \([0-9]*\).*/\1/p" "$2" | awk '{ sum += $1 } END { print sum + 0 }'
}

# says_what_runs WORDS...: plans, runs, and compares.
says_what_runs() {
    rm -f "$work/rows.jsonl" "$work/output"
    exits 0 $MMNEURON "$@" -q --plan --json -o "$work/output" || return 1
    cp "$work/out" "$work/plan.json"
    [ -e "$work/output" ] && return 1
    exits 0 $MMNEURON "$@" -q --rows "$work/rows.jsonl" || return 1
    grep '"domain": ' "$work/rows.jsonl" >"$work/rows"
    cat "$work/plan.json"
    [ "$(sum_of passes "$work/plan.json")" -eq "$(wc -l <"$work/rows")" ] &&
        grep -q "\"text\": $(sum_of text "$work/rows"), \"image\": $(sum_of image "$work/rows")}" "$work/plan.json"
}

for_people() {
    exits 0 $MMNEURON eval "$model" "$work/list.jsonl" -n 3 --plan || return 1
    grep -q "^4 samples, 4 passes" "$work/out" && grep -q "^about .* hours on this machine" "$work/out" &&
        grep -q "^memory: .* side by side" "$work/out"
}

of_a_shard() {
    exits 0 $MMNEURON eval "$model" "$work/list.jsonl" -n 3 --plan --shard 1/2 || return 1
    grep -q "^2 samples, 2 passes" "$work/out"
}

# Of counting: all samples, or those that have so many positions.
of_a_count() {
    exits 0 $MMNEURON count "$model" "$work/list.jsonl" --plan --json || return 1
    cp "$work/out" "$work/plan.json"
    exits 0 $MMNEURON count "$model" "$work/list.jsonl" -q --json -o "$work/all" &&
        [ "$(sum_of passes "$work/plan.json")" -eq "$(sum_of samples "$work/out")" ] || return 1
    positions=$(sum_of positions "$work/out")
    planned=$(sed -n 's/.*"positions": {"text": \([0-9]*\), "image": \([0-9]*\)}.*/\1 \2/p' "$work/plan.json")
    [ $((${planned% *} + ${planned#* })) -eq "$positions" ]
}

of_a_limited_count() {
    exits 0 $MMNEURON count "$model" "$work/list.jsonl" --positions 1 --plan || return 1
    grep -q "^2 samples, 2 passes" "$work/out" && ! [ -s "$work/errors" ] &&
        exits 2 $MMNEURON count "$model" "$work/list.jsonl" && grep -q "is missing" "$work/errors"
}

neurons="--neurons $work/neurons.json"
check "eval" says_what_runs eval "$model" "$work/list.jsonl" -n 2 --seeds 2 --cross all $neurons
check "eval of texts" says_what_runs eval "$model" "$work/texts.jsonl" --window 8 --seeds 1 $neurons
check "agree" says_what_runs agree "$model" "$work/list.jsonl" --seeds 1 $neurons
check "sweep" says_what_runs sweep "$model" "$work/texts.jsonl" --window 8 --seeds 1 $neurons --settings all
check "similarity" says_what_runs similarity "$model" "$work/sentences.jsonl" --seeds 1 $neurons
check "similarity without neurons" says_what_runs similarity "$model" "$work/sentences.jsonl"
check "perturb" says_what_runs perturb "$model" "$work/list.jsonl" --seeds 1 $neurons
check "lens" says_what_runs lens "$model" "$work/list.jsonl"
check "people read it" for_people
check "a shard is planned" of_a_shard
check "a count is planned" of_a_count
check "a count up to some positions" of_a_limited_count

done_testing
