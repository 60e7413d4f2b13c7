#!/bin/sh
# Counting the texts of a list: interrupted, killed and in shards the bytes are those of one run, and
# what cannot be read is named.
. "$top_srcdir/tests/cli/setup.sh"

model=$top_srcdir/golden/checkpoints/qwen2
can_read "$model" || skip_all "this build leaves out what the model's tokenizer needs"
list=$work/list.jsonl
line=0
while [ $line -lt 40 ]; do
    echo "Line $line of a text that says how the weather was: $((line * 7 % 11)) degrees."
    line=$((line + 1))
done >"$work/en.txt"
sed 's/says how the weather was/sagt, wie das Wetter war/; s/degrees/Grad/' "$work/en.txt" >"$work/de.txt"
printf '%s\n' '{"domain": "en", "text_file": "en.txt"}' '{"domain": "de", "text_file": "de.txt"}' \
    '{"domain": "en", "text": "And a last line."}' >"$list"

count_to() {
    file=$1
    shift
    $MMNEURON count "$model" "$list" -o "$file" --window 20 --quiet "$@"
}

says_how_many() {
    exits 0 $MMNEURON count "$model" "$list" -o "$work/said" --window 20 &&
        grep -q ' windows of 20 positions counted' "$work/out" && cmp "$work/whole" "$work/said"
}

survives_kills() {
    runs=0
    until [ -e "$work/killed" ]; do
        $MMNEURON count "$model" "$list" -o "$work/killed" --window 20 --batch 1 --quiet &
        process=$!
        sleep 0.0$((runs * 37 % 10))
        kill -KILL $process 2>/dev/null
        wait $process 2>/dev/null
        [ -e "$work/killed" ] || count_to "$work/killed" --stop-after 20
        runs=$((runs + 1))
        [ $runs -lt 30 ] || return 1
    done
    # Killed between the counts' place and the state's removal it is tidied by the next run.
    ! [ -e "$work/killed.state" ] || count_to "$work/killed" || return 1
    cmp "$work/whole" "$work/killed" && ! [ -e "$work/killed.state" ]
}

shards_merge() {
    for shard in 1 2 3; do
        count_to "$work/shard-$shard" --shard $shard/3 --batch $shard || return 1
    done
    $MMNEURON merge "$work/shard-3" "$work/shard-1" "$work/shard-2" -o "$work/merged" --quiet &&
        cmp "$work/whole" "$work/merged"
}

counts_with_vision() {
    exits 0 $MMNEURON count "$top_srcdir/golden/checkpoints/llava-1.5" "$list" -o "$work/llava" \
        --window 20 --samples 1 &&
        exits 0 $MMNEURON rank "$work/llava" -o "$work/llava.json" --rate 0.05 --bar 0.5 &&
        prints_json modules cat "$work/llava.json" && ! grep -q vision "$work/llava.json"
}

echo '{"domain": "en", "question": "Who?"}' >"$work/questions.jsonl"

# Of a model without images, both of texts and of questions.
counts_positions() {
    exits 0 $MMNEURON count "$model" "$list" -o "$work/few" --window 20 --positions 20 --json &&
        grep -q '"positions": 40' "$work/out" &&
        exits 0 $MMNEURON count "$model" "$work/questions.jsonl" -o "$work/asked" --positions 1 &&
        grep -q ' 1 samples counted' "$work/out"
}

# refuses PATTERN LINE: a list with this line at its end.
refuses() {
    printf '%s\n' '{"domain": "en", "text_file": "en.txt"}' "$2" >"$work/bad.jsonl"
    fails_with "$1" $MMNEURON count "$model" "$work/bad.jsonl" -o "$work/bad" && ! [ -e "$work/bad" ]
}

shows_perplexity() {
    exits 0 $MMNEURON eval "$model" "$list" --window 20 --samples 2 --seeds 2 \
        --neurons "$work/neurons.json" && grep -q '^neurons of *de  *en$\|  neurons of  *de  *en$' \
        "$work/out" && [ "$(grep -c '^  de  ' "$work/out")" -eq 3 ]
}

reports_perplexity() {
    exits 0 $MMNEURON report "$work/eval.json" --format csv -o "$work/csv" &&
        [ "$(wc -l <"$work/csv/perplexity.csv")" -eq 3 ] &&
        [ "$(wc -l <"$work/csv/perplexity-cross.csv")" -eq 5 ]
}

former_names_mean_the_same() {
    exits 0 $MMNEURON ask "$model" -n 5 --neurons "$work/neurons.json" --off de "Who?" &&
        cp "$work/out" "$work/steered" &&
        exits 0 $MMNEURON ask "$model" -n 5 --mask "$work/neurons.json" --domain de "Who?" &&
        cmp "$work/steered" "$work/out"
}

check "texts are counted" count_to "$work/whole"
check "and it is said how" says_how_many
check "killed again and again it ends with the same bytes" survives_kills
check "3 shards merge to the same bytes" shards_merge
check "a model that reads images reads texts too" counts_with_vision
check "the neurons are ranked" exits 0 \
    $MMNEURON rank "$work/whole" -o "$work/neurons.json" --rate 0.05 --bar 0.5
check "perplexity is measured" prints_json cross $MMNEURON eval "$model" "$list" --window 20 \
    --samples 2 --seeds 2 --neurons "$work/neurons.json" -o "$work/eval.json" --json
check "and shown in tables" shows_perplexity
check "and in figures" reports_perplexity
check "what is for answers is refused" is_wrong_usage "for questions" \
    eval "$model" "$list" --tokens 3
check "windows of questions are refused" is_wrong_usage "for lists of texts" \
    eval "$model" "$work/questions.jsonl" --window 20
check "an answer is steered" exits 0 $MMNEURON ask "$model" -n 3 --neurons "$work/neurons.json" \
    --off en --on de --counts "$work/whole" "How is the weather?"
check "options under their former names mean the same" former_names_mean_the_same
check "means without counts are refused" is_wrong_usage "go together" \
    ask "$model" --neurons "$work/neurons.json" --on de "Who?"
check "domains without neurons are refused" is_wrong_usage "for --neurons" \
    ask "$model" --off de "Who?"
check "a file that has no counts is named" fails_with "list.jsonl" \
    $MMNEURON ask "$model" --neurons "$work/neurons.json" --on de --counts "$list" "Who?"
check "a module that reads no texts is refused" exits 2 $MMNEURON count \
    "$top_srcdir/golden/checkpoints/llava-1.5" "$list" -o "$work/bad" --modules vision
check "positions of a module that reads no texts are refused" exits 2 $MMNEURON count \
    "$top_srcdir/golden/checkpoints/llava-1.5" "$list" -o "$work/bad" --positions 9 \
    --positions-module vision
check "positions are the model's own" counts_positions
check "a window of nothing is refused" is_wrong_usage window \
    count "$model" "$list" -o "$work/bad" --window 0
check "a tokenizer without a first token is told" exits 2 \
    $MMNEURON count "$model" "$list" -o "$work/bad" --bos
printf 'a\377b' >"$work/latin.txt"
: >"$work/empty.txt"
check "a file that is not there is named" refuses 'line 2: .*absent.txt' \
    '{"domain": "de", "text_file": "absent.txt"}'
check "a file that is not UTF-8 is named" refuses 'line 2: .*latin.txt: byte 1: is not UTF-8' \
    '{"domain": "de", "text_file": "latin.txt"}'
check "an empty file is named" refuses 'line 2: .*empty.txt: is empty' \
    '{"domain": "de", "text_file": "empty.txt"}'
check "a folder is named" refuses 'line 2: ' '{"domain": "de", "text_file": "."}'
check "a question among texts is named" refuses 'line 2, text: .*texts or questions' \
    '{"domain": "de", "question": "Wer?"}'
check "texts are no questions to perturb" fails_with 'questions are wanted' \
    $MMNEURON perturb "$model" "$list" --neurons "$work/neurons.json"

done_testing
