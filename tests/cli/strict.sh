#!/bin/sh
# What would silently change an experiment is refused, and done when it is asked for.
. "$top_srcdir/tests/cli/setup.sh"

cp "$images/wide.jpg" "$images/tall.jpg" "$work" || exit 1
cd "$work" || exit 1

# Writes its arguments as the lines of list.jsonl.
write_list() {
    printf '%s\n' "$@" >list.jsonl
}

count() {
    $MMNEURON count "$model" list.jsonl -q -o counts --modules projector "$@"
}

# ---- Keys that no sample has ----------------------------------------------------------------------

write_list '{"domain": "a", "image": "wide.jpg", "question": "What?", "answers": ["x"]}' \
    '{"domain": "b", "image": "tall.jpg", "images": ["tall.jpg"], "question": "What?", "answers": ["x"]}'
key='list.jsonl: line 2, images: .*did you mean "image"?'
check "count names an unknown key, its line and the nearest" fails_with "$key" count
check "a list of questions is evaluated with known keys only" fails_with "$key" \
    $MMNEURON eval "$model" list.jsonl -q -n 1
check "and read by the lens" fails_with "$key" $MMNEURON lens "$model" list.jsonl -q
check "unknown keys are passed over if one says so" \
    exits 0 count --allow-unknown-keys
$MMNEURON rank counts -q -o neurons.json >/dev/null || exit 1
check "hidden states are compared with known keys only" fails_with "$key" \
    $MMNEURON perturb "$model" list.jsonl -q --neurons neurons.json
for command in "eval -n 1" "lens" "perturb --neurons neurons.json --seeds 1 --settings projector"; do
    check "${command%% *} passes over them too" exits 0 $MMNEURON ${command%% *} "$model" list.jsonl \
        -q --allow-unknown-keys ${command#"${command%% *}"}
done

write_list '{"domain": "Eye", "question": "What?"}' '{"domain": "eye", "question": "What?"}'
check "domains that differ in case alone are refused" \
    fails_with 'list.jsonl: line 2, domain: "eye" differs from the domain "Eye"' count

# ---- Copies of one list ---------------------------------------------------------------------------

# merges COPY: a shard counted from the copy is merged with one of the list, as one run counts them.
merges() {
    rm -f one two both
    $MMNEURON count "$model" list.jsonl -q -o one --modules projector --shard 1/2 &&
        $MMNEURON count "$model" "$1" -q -o two --modules projector --shard 2/2 &&
        $MMNEURON merge one two -q -o both && cmp both counts
}

write_list '{"domain": "b", "image": "wide.jpg", "question": "Q1?"}' \
    '{"domain": "a", "image": "tall.jpg", "question": "Q2?"}' \
    '{"domain": "b", "image": "tall.jpg", "question": "Q3?"}'
count >/dev/null || exit 1
sed 's/$/\r/' list.jsonl >crlf.jsonl
check "shards of copies with other line ends are merged" merges crlf.jsonl
printf '\357\273\277%s' "$(sed 's/, "/,"/g; s/: /:/g' list.jsonl)" >dense.jsonl
check "and of copies with other spaces, and no last line end" merges dense.jsonl
sed 's/Q3/Q4/' list.jsonl >other.jsonl
not_merged() {
    ! merges other.jsonl && exits 3 $MMNEURON merge one two -q -o both
}
check "but not of another list" not_merged

done_testing
