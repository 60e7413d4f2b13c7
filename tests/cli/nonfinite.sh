#!/bin/sh
# Numbers that are none: a model with NaN among its weights ends every command that runs it with code 3 and
# a sentence; with --allow-nonfinite results are made, and marked.
. "$top_srcdir/tests/cli/setup.sh"

damage="$EMULATOR $top_builddir"/tests/cli/damage
photo=$images/wide.jpg
next=$top_srcdir/golden/checkpoints/llava-v1.6-mistral
neurons=$work/neurons.json

make_list 3 "$work/list.jsonl"
echo '{"domain": "en", "text": "The cat sat on the mat."}' >"$work/texts.jsonl"

# Every tensor of the golden model has a number at one of these places that is none.
mkdir "$work/bad" || exit 1
for file in "$next"/*; do
    ln -s "$file" "$work/bad/"
done
rm "$work/bad/model.safetensors"
cp "$next/model.safetensors" "$work/bad/model.safetensors"
chmod u+w "$work/bad/model.safetensors"
place=10
while [ $place -lt 100 ]; do
    $damage ones "$work/bad/model.safetensors" "$work/spoilt" $place 100 || exit 1
    mv "$work/spoilt" "$work/bad/model.safetensors"
    place=$((place + 1))
done
can_read "$next" || skip_all "this build cannot read the model's tokenizer"

# names_it COMMAND...: code 3, and a sentence with stage, position and tensor; no output is left.
names_it() {
    fails_with 'model.safetensors: [a-z]*\.[a-z0-9.]*: is [a-zN ]* at [a-z]* [0-9]*.*: tensor [a-z_]*\.' \
        $MMNEURON "$@" && ! [ -e "$work/new" ]
}

check "ask" names_it ask "$work/bad" -i "$photo" "What?"
check "count" names_it count "$work/bad" "$work/list.jsonl" -o "$work/new" -q
check "count, which does not skip such samples" names_it \
    count "$work/bad" "$work/list.jsonl" -o "$work/new" -q --skip-bad
check "eval" names_it eval "$work/bad" "$work/list.jsonl" -o "$work/new" -q
check "eval of texts" names_it eval "$work/bad" "$work/texts.jsonl" -o "$work/new" -q
check "lens" names_it lens "$work/bad" "$work/list.jsonl" -o "$work/new" -q
check "contrib" names_it contrib "$work/bad" -i "$photo" "What?" -o "$work/new" -q

# marked COMMAND...: code 0 and JSON that has the mark.
marked() {
    exits 0 $MMNEURON "$@" && grep -q '"nonfinite": *\(true\|[1-9]\)' "$work/out"
}

dumps_all_the_same() {
    exits 0 $MMNEURON dump "$work/bad" --ids 1,5,9 -o "$work/dump" && [ -s "$work/dump" ] &&
        grep -q "is written all the same" "$work/errors" && grep -q '"nonfinite"' "$work/dump"
}

check "dump writes what it was, and says so" dumps_all_the_same
check "ask goes on and marks the answer" marked ask "$work/bad" -n 2 --json --allow-nonfinite \
    -i "$photo" "What?"
check "count goes on and says so" marked count "$work/bad" "$work/list.jsonl" -o "$work/marked" \
    --json --allow-nonfinite
check "a count's samples do not depend on the batch" exits 0 $MMNEURON count "$work/bad" \
    "$work/list.jsonl" -o "$work/alone" --batch 1 --allow-nonfinite -q
check "nor its bytes" cmp "$work/marked" "$work/alone"
check "rank refuses such counts" fails_with "nonfinite: in 3 of the 3 samples" \
    $MMNEURON rank "$work/marked"
check "rank ranks them if told to, and marks the ranking" marked rank "$work/marked" --json \
    --allow-nonfinite
$MMNEURON rank "$work/marked" -o "$neurons" --allow-nonfinite >/dev/null
check "perturb" names_it perturb "$work/bad" "$work/list.jsonl" --neurons "$neurons" \
    -o "$work/new" -q
check "eval goes on and marks the result" marked eval "$work/bad" "$work/list.jsonl" \
    --json --allow-nonfinite -q
# The mark is kept with the rows that it is of.
rows_are_marked() {
    for file in "$work/first" "$work/second"; do
        exits 0 $MMNEURON eval "$work/bad" "$work/list.jsonl" --allow-nonfinite -q --rows "$work/rows" \
            -o "$file" || return 1
    done
    grep -q '"nonfinite": true' "$work/first" && cmp "$work/first" "$work/second"
}
check "so does one of rows that are there already" rows_are_marked
check "perturb has no distance to give" fails_with "is not finite" $MMNEURON perturb "$work/bad" \
    "$work/list.jsonl" --neurons "$neurons" --json --allow-nonfinite -q

report_says_it() {
    exits 0 $MMNEURON report "$work/marked" -o "$work/report.html" &&
        grep -q "infinite or NaN on the way" "$work/report.html"
}
check "a report says it" report_says_it

done_testing
