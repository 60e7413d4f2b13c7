#!/bin/sh
# mmneuron hallucinations, end to end, on the bundled joint model of drawn things: its table and its file, the same in
# shards, on all threads and kernels; what is refused.
. "$top_srcdir/tests/cli/setup.sh"

bundle=$top_srcdir/models/joint
can_read "$bundle/detector" || skip_all "this build leaves out what the detector's tokenizer needs"
list=$bundle/images/objects.jsonl
ask() {
    exits 0 $MMNEURON hallucinations "$bundle/detector" "$bundle/model" "$list" --align "$bundle/alignment.safetensors" -q "$@"
}

# Most of what was drawn is answered yes, most of what was not no.
knows_what_is_drawn() {
    ask -o "$work/whole.json" && grep -q '^144 questions about 12 pictures$' "$work/out" && awk '
        $1 == "present" && $2 == "yes" { seen = $4 }
        $1 == "absent" && $2 == "no" { unseen = $4 }
        END { exit !(seen > 0.8 && unseen > 0.8) }' "$work/out" &&
        grep -q '"format": "mmneuron-hallucinations-1"' "$work/whole.json"
}

# As many are told as the summary counts.
tells_all_hallucinations() {
    counted=$(sed -n 's/.*"present": false, "answer": "yes", "count": \([0-9]*\),.*/\1/p' "$work/whole.json")
    [ "$(grep -c '^    {"id": .*"class": ' "$work/whole.json")" -eq "$counted" ]
}

# What is asked of a picture before changes no answer; and the prompt is the published one.
answers_alone_as_among_others() {
    ask --classes person -o "$work/some.json" --prompt "<image>
USER: Is there a {class} in the image? Only answer with 'yes' or 'no'.
ASSISTANT:" || return 1
    for file in whole some; do
        grep '"class": "person"' "$work/$file.json" | sed 's/[],]*$//' >"$work/$file"
    done
    [ -s "$work/some" ] && cmp "$work/whole" "$work/some"
}

# Boxes are those that the detector alone finds, asked for the class.
has_the_detectors_boxes() {
    set -- $(sed -n 's/^    {"id": "\([^"]*\)".*"class": "\([^"]*\)".*"confidence": \([0-9.e-]*\),$/\1 \2 \3/p' \
        "$work/whole.json")
    [ $# -ge 3 ] || return 1
    score=$(sed -n 's/.*"score": \([0-9.e-]*\), "left".*/\1/p' "$work/whole.json" | head -n 1)
    exits 0 $MMNEURON detect "$bundle/detector" --image "$bundle/images/$1.jpg" --query "$2" --threshold 0 -q --json &&
        found=$(sed -n 's/.*"score": \([0-9.e-]*\), "left".*/\1/p' "$work/out" | head -n 1) &&
        [ "$found" = "$3" ] && [ "$score" = "$3" ]
}

# writes_the_same OPTION...
writes_the_same() {
    ask "$@" -o "$work/other.json" && cmp "$work/whole.json" "$work/other.json"
}

is_merged_of_shards() {
    for shard in 1 2 3; do
        ask --shard $shard/3 -o "$work/part-$shard" || return 1
    done
    exits 0 $MMNEURON merge "$work/part-2" "$work/part-1" "$work/part-3" -o "$work/merged.json" -q &&
        cmp "$work/whole.json" "$work/merged.json"
}

# Where models, list and alignment lie elsewhere by then; the list's name is the result's.
is_merged_elsewhere() {
    mkdir -p "$work/away" && ln -s "$bundle/detector" "$bundle/model" "$bundle/alignment.safetensors" "$work/away/" &&
        ln -s "$bundle/images" "$work/away/images" || return 1
    sed "s|\"list\": \"[^\"]*\"|\"list\": \"$work/away/images/objects.jsonl\"|; s|$bundle/images|$work/away/images|" \
        "$work/whole.json" >"$work/expected.json"
    exits 0 $MMNEURON merge "$work/part-2" "$work/part-1" "$work/part-3" -o "$work/merged.json" -q --model "$work/away/model" \
        --detector "$work/away/detector" --list "$work/away/images/objects.jsonl" --align "$work/away/alignment.safetensors" &&
        cmp "$work/expected.json" "$work/merged.json"
}

# goes_on: takes over a run's rows, however far it came.
goes_on() {
    ask --rows "$work/rows.jsonl" --json && head -n 6 "$work/rows.jsonl" >"$work/torn.jsonl" &&
        printf '{"line": 6' >>"$work/torn.jsonl" && ask --rows "$work/torn.jsonl" -o "$work/other.json" &&
        cmp "$work/whole.json" "$work/other.json" && sed 1d "$work/rows.jsonl" >"$work/rows" &&
        sed 1d "$work/torn.jsonl" | cmp - "$work/rows"
}

refuses_other_rows() {
    fails_with "settings.classes" $MMNEURON hallucinations "$bundle/detector" "$bundle/model" "$list" -q \
        --align "$bundle/alignment.safetensors" --rows "$work/rows.jsonl" --classes dog
}

check "what is drawn" knows_what_is_drawn
check "all hallucinations" tells_all_hallucinations
check "one class alone" answers_alone_as_among_others
check "the detector's boxes" has_the_detectors_boxes
check "one thread, the reference's kernels" writes_the_same --threads 1 --simd reference
check "shards" is_merged_of_shards
check "shards that were moved" is_merged_elsewhere
check "rows of a run that ended" goes_on
check "rows of other classes" refuses_other_rows
check "no alignment" is_wrong_usage "network between" hallucinations "$bundle/detector" "$bundle/model" "$list"
check "no list" exits 2 $MMNEURON hallucinations "$bundle/detector" "$bundle/model" --align "$bundle/alignment.safetensors"
cp "$bundle/alignment.safetensors" "$work/align.safetensors"
check "no output over the alignment" exits 2 $MMNEURON hallucinations "$bundle/detector" "$bundle/model" "$list" -q \
    --align "$work/align.safetensors" -o "$work/align.safetensors"

done_testing
