#!/bin/sh
# Judging answers, end to end: of a file, of an evaluation's rows, and while it goes.
. "$top_srcdir/tests/cli/setup.sh"

judge=$top_srcdir/golden/checkpoints/deberta-v3
can_read "$judge" || skip_all "this build leaves out what the judge's tokenizer needs"
answers=$work/answers.jsonl
list=$work/list.jsonl
neurons=$work/neurons.json

cat >"$answers" <<'END'
{"id": "a", "domain": "driving", "question": "Is it red?", "answers": ["Yes.", "it is"], "prediction": " YES "}

{"domain": "driving", "question": "Is it red?", "answers": ["No."], "prediction": "yes"}
{"question": "Why?", "answers": ["it rains"], "prediction": ""}
END
make_list 5 "$work/plain.jsonl"
sed 's/"answers"/"metric": "lingo", "answers"/' "$work/plain.jsonl" >"$list"

is_described() {
    exits 0 $MMNEURON info "$judge" && ! grep -q '^template\|^generation\|^language' "$work/out" &&
        grep -q '^judge  *deberta-v2: 2 layers' "$work/out" && grep -q '^judges  *texts, with 1 number each$' "$work/out" &&
        ! prints_json detector_boxes $MMNEURON info --json "$judge"
}

prints_a_table() {
    exits 0 $MMNEURON judge "$judge" "$answers" && grep -q "form of its text: benchmark" "$work/out" &&
        grep -q "^  driving  *2 " "$work/out" && grep -q "^  all  *1 " "$work/out"
}

writes_what_it_prints() {
    exits 0 $MMNEURON judge "$judge" "$answers" --json || return 1
    cp "$work/out" "$work/printed"
    exits 0 $MMNEURON judge "$judge" "$answers" -o "$work/judged.json" &&
        cmp "$work/printed" "$work/judged.json"
}

# Whatever computes: the same bytes.
computes_the_same() {
    exits 0 $MMNEURON judge "$judge" "$answers" "$@" -o "$work/other.json" &&
        cmp "$work/judged.json" "$work/other.json"
}

forms_differ() {
    exits 0 $MMNEURON judge "$judge" "$answers" --judge-form demo -o "$work/demo.json" &&
        grep -q '"form": "demo"' "$work/demo.json" && ! cmp -s "$work/judged.json" "$work/demo.json"
}

evaluate() {
    exits 0 $MMNEURON eval "$model" "$list" --judge "$judge" --neurons "$neurons" --settings language \
        --seeds 2 -n 3 --measures answers "$@"
}

# shares KEY FILE: all numbers under a key, in order.
shares() {
    grep -o "\"$1\": [0-9.e-]*" "$2" | cut -d' ' -f2 | sort
}

# What eval finds with a judge is what the judge says of eval's rows.
rows_are_judged_alike() {
    evaluate -o "$work/eval.json" --rows "$work/rows.jsonl" || return 1
    exits 0 $MMNEURON judge "$judge" "$work/rows.jsonl" --list "$list" -o "$work/of_rows.json" &&
        grep -q 'language, off: random' "$work/out" || return 1
    shares lingo "$work/eval.json" >"$work/one"
    shares accuracy "$work/of_rows.json" >"$work/two"
    [ -s "$work/one" ] && diff "$work/one" "$work/two"
}

shards_are_judged_alike() {
    evaluate --shard 1/2 -o "$work/1" && evaluate --shard 2/2 -o "$work/2" &&
        exits 0 $MMNEURON merge "$work/1" "$work/2" -o "$work/merged.json" &&
        cmp "$work/eval.json" "$work/merged.json"
}

goes_on_with_the_same_judge_only() {
    fails_with "judge" $MMNEURON eval "$model" "$list" --judge "$judge" --judge-form demo --neurons "$neurons" \
        --settings language --seeds 2 -n 3 --measures answers --rows "$work/rows.jsonl" -q
}

list_has_changed() {
    sed 's/yes/no/' "$list" >"$work/changed.jsonl"
    fails_with "of another list" $MMNEURON judge "$judge" "$work/rows.jsonl" --list "$work/changed.jsonl" -q
}

rows_are_damaged() {
    sed '3s/answer/answes/' "$work/rows.jsonl" >"$work/damaged.jsonl"
    fails_with "line 3" $MMNEURON judge "$judge" "$work/damaged.jsonl" --list "$list" -q
}

check "a description" is_described
check "a table" prints_a_table
check "a file with what --json prints" writes_what_it_prints
check "one thread" computes_the_same --threads 1
check "reference kernels" computes_the_same --simd reference
check "portable kernels" computes_the_same --simd portable
check "the demo's form" forms_differ
check "neurons" sh -c "$MMNEURON count '$model' '$work/plain.jsonl' -o '$work/counts' -q &&
    $MMNEURON rank '$work/counts' --rate 0.1 -o '$neurons' -q"
check "an evaluation and its rows" rows_are_judged_alike
check "shards" shards_are_judged_alike
check "another form" goes_on_with_the_same_judge_only
check "rows of another list" list_has_changed
check "damaged rows" rows_are_damaged
check "rows without their list" fails_with "name it (--list)" $MMNEURON judge "$judge" "$work/rows.jsonl" -q
check "answers that are no rows" fails_with "answers.jsonl" \
    $MMNEURON judge "$judge" "$answers" --list "$list" -q
check "a model that is no judge" fails_with "is no judge" $MMNEURON judge "$model" "$answers" -q
check "a judge with other numbers" fails_with "gives 3 numbers" \
    $MMNEURON judge "$judge-few-buckets" "$answers" -q
check "no judge for a list that wants one" fails_with "line 1, metric.*--judge" $MMNEURON eval "$model" "$list" -q
check "a judge that is none" fails_with "is no judge" $MMNEURON eval "$model" "$list" --judge "$model" -q
check "another name of a form" is_wrong_usage "benchmark or demo" judge "$judge" "$answers" --judge-form x
check "a form without a judge" is_wrong_usage "for a judge" eval "$model" "$list" --judge-form demo
check "a judge does not answer" fails_with "no language model" $MMNEURON ask "$judge" Why -q
check "a judge's neurons are not counted" fails_with "no language model" \
    $MMNEURON count "$judge" "$work/plain.jsonl" -o "$work/none" -q
check "a judge's stages are dumped" exits 0 $MMNEURON dump "$judge" --prompt "Why?" -o "$work/dump" -q
check "and verified" exits 0 $MMNEURON verify "$work/dump" "$work/dump"

done_testing
