#!/bin/sh
# Encoding with a model, end to end: its features are made, kept, interrupted, divided and regressed, with
# the same bytes; and what is refused.
. "$top_srcdir/tests/cli/setup.sh"

events=$top_srcdir/tests/study/data/features/events.jsonl
responses=$top_srcdir/tests/study/data/features/responses.safetensors
words="encode $model $events $responses --pool mean --draws 3"

prints_a_table() {
    exits 0 $MMNEURON $words && grep -q "^words: 40 events, 3 sites of 2 bins" "$work/out" &&
        grep -q "^  model .*language.layers" "$work/out"
}

writes_what_it_prints() {
    exits 0 $MMNEURON $words --json || return 1
    cp "$work/out" "$work/printed"
    exits 0 $MMNEURON $words -q -o "$work/whole.json" && cmp "$work/printed" "$work/whole.json" &&
        ! [ -e "$work/whole.json.state" ]
}

computes_the_same() {
    exits 0 $MMNEURON $words "$@" -o "$work/other.json" && cmp "$work/whole.json" "$work/other.json"
}

is_divided() {
    for part in 1 2 3; do
        exits 0 $MMNEURON $words --shard $part/3 -q -o "$work/part$part" || return 1
    done
    exits 0 $MMNEURON merge "$work/part3" "$work/part1" "$work/part2" -q -o "$work/merged.json" &&
        cmp "$work/whole.json" "$work/merged.json"
}

# A run that was killed behind some events: its file of rows ends there.
goes_on() {
    exits 0 $MMNEURON $words -q --rows "$work/rows" -o "$work/other.json" || return 1
    head -n 8 "$work/rows" >"$work/torn"
    head -c 100 "$work/part1" >>"$work/torn"
    exits 0 $MMNEURON $words -q --rows "$work/torn" -o "$work/resumed.json" &&
        cmp "$work/whole.json" "$work/resumed.json"
}

regresses_saved_features() {
    exits 0 $MMNEURON encode "$model" "$events" --pool mean --save-features "$work/saved" -o "$work/saved.json" &&
        grep -q "^words: 40 events" "$work/out" && grep -q '"pool": "mean"' "$work/saved.json" || return 1
    exits 0 $MMNEURON encode "$responses" --features "model=$work/saved" --draws 3 -q -o "$work/again.json" &&
        grep -v '"file":' "$work/whole.json" >"$work/a" && grep -v '"file":' "$work/again.json" >"$work/b" &&
        cmp "$work/a" "$work/b" || return 1
    exits 0 $MMNEURON $words --features "other=$work/saved" --compare other:model --save-features "$work/twice" -q &&
        cmp "$work/saved" "$work/twice" && grep -q "other predicts better than model: 0 of 0 sites" "$work/out" &&
        grep -q "no site is compared, which takes 10 bins .*: other predicts fewer at 3 sites" "$work/out" &&
        grep -q "^ *model at 3$" "$work/out"
}

# By the configuration alone, beside the trained model's.
runs_random_weights() {
    mkdir "$work/bare"
    for file in "$model"/*; do
        case $file in *.safetensors) ;; *) ln -s "$file" "$work/bare" ;; esac
    done
    exits 0 $MMNEURON encode "$work/bare" "$events" "$responses" --pool mean --draws 3 --random-init 7 \
        --features "model=$work/saved" --compare model:random -q -o "$work/random.json" &&
        grep -q '"model": "random", .*"random_init": "7"' "$work/random.json" &&
        grep -q "model predicts better than random: 0 of" "$work/out" || return 1
    exits 0 $MMNEURON $words --random-init 8 --features "seven=$work/saved" -o "$work/other.json" &&
        grep -q "the weights are random, drawn with seed 8" "$work/errors"
}

says_its_cost() {
    exits 0 $MMNEURON $words --plan -o "$work/plan.json" && grep -q "40" "$work/out" &&
        ! [ -e "$work/plan.json" ]
}

# The list with its pictures where they lie for any folder: sed COMMAND... of it.
list_by() {
    sed -e "s,\"[^\"]*/images,\"$images," "$@" "$events"
}

mixes_kinds() {
    list_by -n -e 1p >"$work/mixed"
    echo '{"domain": "words", "prompt": "The layer"}' >>"$work/mixed"
    fails_with "mixed: line 2: has not the stages" \
        $MMNEURON encode "$model" "$work/mixed" --save-features "$work/x" -q
}

has_too_few_events() {
    list_by -e 20q >"$work/few"
    fails_with 'few: has 20 events of the domain "words"; expected 40' \
        $MMNEURON encode "$model" "$work/few" "$responses" -q
}

has_events_of_nothing() {
    { list_by && echo '{"domain": "scenes", "prompt": "The layer"}'; } >"$work/more"
    fails_with 'more: has events of the domain "scenes", to which there are no responses' \
        $MMNEURON encode "$model" "$work/more" "$responses" -q
}

leaves_nothing_behind() {
    mkdir "$work/temporary"
    exits 0 env TMPDIR="$work/temporary" $MMNEURON $words -q &&
        exits 3 env TMPDIR="$work/temporary" $MMNEURON encode "$model" "$work/few" "$responses" -q &&
        [ -z "$(ls "$work/temporary")" ]
}

# Of a model, too: beside the rows of events.
regressions_go_on() {
    exits 0 $MMNEURON $words -q --rows "$work/both" -o "$work/other.json" && [ -s "$work/both.regressions" ] ||
        return 1
    cp "$work/both.regressions" "$work/kept"
    head -c -200 "$work/kept" >"$work/both.regressions"
    exits 0 $MMNEURON $words -q --rows "$work/both" -o "$work/other.json" &&
        cmp "$work/whole.json" "$work/other.json" && cmp "$work/kept" "$work/both.regressions"
}

leaves_no_regressions() {
    exits 0 $MMNEURON $words -q -o "$work/alone.json" && cmp "$work/whole.json" "$work/alone.json" &&
        [ "$(ls "$work" | grep -c alone.json)" -eq 1 ]
}

recordings=$top_srcdir/tests/study/data/encode
given="encode $recordings/responses.safetensors --features both=$recordings/both.safetensors
    --features vision=$recordings/vision.safetensors --compare both:vision --draws 1000 --threads 2"

# regression_stopped_by SIGNAL CODE: stops regressions of which some are done; the same command goes on.
regression_stopped_by() {
    rm -f "$work/stopped"*
    start_caught $MMNEURON $given -q -o "$work/stopped" || return 1
    waited=0
    until [ -s "$work/stopped.state" ] || [ $waited -gt 1000 ]; do
        sleep 0.01
        waited=$((waited + 1))
    done
    kill -"$1" $process
    wait $process
    code=$?
    cat "$work/errors"
    [ $code -eq "$2" ] && ! [ -e "$work/stopped" ] && [ "$(wc -l <"$work/stopped.state")" -ge 2 ] &&
        exits 0 $MMNEURON $given -q -o "$work/stopped" && cmp "$work/given.json" "$work/stopped" &&
        ! [ -e "$work/stopped.state" ]
}

# regressions_are_divided OPTION...
regressions_are_divided() {
    rm -f "$work/draws"*
    for part in 1 2 3; do
        exits 0 $MMNEURON $given --shard $part/3 -q -o "$work/draws$part" "$@" || return 1
    done
    exits 0 $MMNEURON merge "$work/draws2" "$work/draws3" "$work/draws1" -q -o "$work/merged.json" &&
        cmp "$work/given.json" "$work/merged.json"
}

check "encode with a model prints a table" prints_a_table
check "encode writes what it prints" writes_what_it_prints
check "encode with one thread" computes_the_same --threads 1
check "encode with the reference kernels" computes_the_same --simd reference
check "encode in shards" is_divided
check "encode after a killed run" goes_on
check "encode whose regressions were torn" regressions_go_on
check "encode leaves no state" leaves_no_regressions
check "encode with saved features" regresses_saved_features
check "encode with random weights" runs_random_weights
check "encode says what it costs" says_its_cost
check "encode of events of two kinds" mixes_kinds
check "encode of too few events" has_too_few_events
check "encode of events without responses" has_events_of_nothing
check "encode leaves no temporary files" leaves_nothing_behind
check "encode without responses" is_wrong_usage 'RESPONSES.safetensors is missing' encode "$model" "$events"
check "encode without features" is_wrong_usage 'features NAME=FILE is missing' encode "$responses"
check "encode pooled in no way" exits 2 $MMNEURON $words --pool most
check "encode of a misspelt stage" exits 2 $MMNEURON $words --stages 'langauge.*'
check "encode that saves over its list" exits 2 $MMNEURON $words --save-features "$events"
check "encode of given features with --pool" is_wrong_usage 'are for a model' \
    encode "$responses" --features "a=$work/saved" --pool last

check "encode of given features" exits 0 $MMNEURON $given -q -o "$work/given.json"
if can_signal; then
    check "Ctrl-C keeps the regressions that are done" regression_stopped_by INT 130
    check "and so does kill -9" regression_stopped_by KILL 137
else
    skip "signals" "an emulator catches them first, or env has no --default-signal here"
fi
check "regressions in shards of draws" regressions_are_divided
check "regressions in shards of sites" regressions_are_divided --site-parts 3
check "merge of regressions that lie elsewhere" is_wrong_usage 'lie where the parts found them' \
    merge "$work/draws1" "$work/draws2" "$work/draws3" --list "$events" -o "$work/x"
check "columns that would go over features" exits 2 $MMNEURON $given --columns "$recordings/both.safetensors" -q
check "columns without responses" is_wrong_usage '--columns are for responses' \
    encode "$model" "$events" --save-features "$work/x" --columns "$work/y"
check "columns in a file of their own" exits 0 $MMNEURON $given --draws 2 --columns "$work/columns" --json
check "of which the result has means" grep -q '"means"' "$work/out"
check "encode in more parts than sites" exits 2 $MMNEURON $given --site-parts 4 -q

done_testing
