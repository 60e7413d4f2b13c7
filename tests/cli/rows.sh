#!/bin/sh
# Studies that are interrupted, killed and resumed, or done in shards, give the bytes of one run; and what
# is said of their rows.
. "$top_srcdir/tests/cli/setup.sh"

make_study_files || exit 1

# Prints the words of the study's command.
words_of() {
    neurons="--neurons $work/neurons.json"
    case $1 in
    eval) echo eval "$model" "$work/list.jsonl" -n 6 --seeds 3 --cross all $neurons ;;
    perplexity) echo eval "$model" "$work/texts.jsonl" --window 8 --seeds 3 $neurons ;;
    agree) echo agree "$model" "$work/list.jsonl" --seeds 3 $neurons ;;
    sweep) echo sweep "$model" "$work/texts.jsonl" --window 8 --seeds 3 --neurons "$work/counts" \
        --settings all@0.1/0.5,language@0.2/0.5 ;;
    similarity) echo similarity "$model" "$work/sentences.jsonl" --seeds 3 $neurons ;;
    perturb) echo perturb "$model" "$work/list.jsonl" --seeds 3 $neurons ;;
    contrib) echo contrib "$model" "$work/list.jsonl" -n 4 --all-words --seeds 1 --at-least 2 ;;
    edits) echo edits "$model" "$work/edits.jsonl" -n 6 --method direct --seeds 2 ;;
    lens) echo lens "$model" "$work/list.jsonl" --examples 2 --nearest 2 --positions image:3,last --stages mid,out ;;
    esac
}

one_run() {
    begun=$(date +%s%N)
    exits 0 $MMNEURON $(words_of $1) -q -o "$work/whole.$1" || return 1
    echo $((($(date +%s%N) - begun) / 1000000)) >"$work/took.$1"
    [ -z "$(find "$work" -name 'whole.*.state')" ]
}

# stop_and_go SIGNAL CODE STUDY: sends the signal at moments that differ, later and later on the whole, as a run
# may take longer than before, until the run is done; and again, until 20 runs were stopped.
stop_and_go() {
    runs=0 stopped=0
    output=$work/stopped.$3
    took=$(cat "$work/took.$3")
    [ "$took" -lt 900 ] || took=900
    until [ $stopped -ge 20 ]; do
        until_done "$@" || return 1
        # A run may be killed between its result and the end of its state; the next takes that away.
        ! [ -e "$output.state" ] || exits 0 $MMNEURON $(words_of $3) -q -o "$output" || return 1
        cmp "$work/whole.$3" "$output" && ! [ -e "$output.state" ] && rm "$output" || return 1
    done
    echo "$runs runs"
}

until_done() {
    tried=0
    until [ -e "$output" ]; do
        start_caught $MMNEURON $(words_of $3) -q -o "$output" || return 1
        moment=$((5 + runs * 37 % 100 * took / 100 + tried * tried * took / 800))
        sleep $((moment / 1000)).$(printf '%03d' $((moment % 1000)))
        kill -"$1" $process 2>/dev/null
        wait $process
        code=$?
        [ $code -eq "$2" ] || [ $code -eq 0 ] || {
            echo "code $code: $(cat "$work/errors")"
            return 1
        }
        [ $code -eq 0 ] || stopped=$((stopped + 1))
        runs=$((runs + 1)) tried=$((tried + 1))
        [ $tried -lt 100 ] && [ $runs -lt 400 ] || return 1
    done
}

shards_merge() {
    rm -f "$work"/part.*
    for shard in 1 2 3; do
        exits 0 $MMNEURON $(words_of $1) -q -o "$work/part.$shard" --shard $shard/3 --threads $shard &&
            grep -q "part.$shard: the rows of shard $shard/3" "$work/out" || return 1
    done
    exits 0 $MMNEURON merge "$work/part.3" "$work/part.1" "$work/part.2" -o "$work/merged" &&
        cmp "$work/whole.$1" "$work/merged"
}

# Parts that were made where model, list and neurons had other names: the result is that of a run with the names that
# merge is given.
merges_elsewhere() {
    mkdir "$work/there" && ln -s "$model" "$work/there/model" && cp "$work/list.jsonl" "$work/neurons.json" "$work/there" &&
        for image in "$work"/*.png "$work"/*.jpg; do
            [ ! -e "$image" ] || cp "$image" "$work/there" || return 1
        done
    for shard in 1 2; do
        exits 0 $MMNEURON perturb "$work/there/model" "$work/there/list.jsonl" --seeds 3 \
            --neurons "$work/there/neurons.json" -q -o "$work/far.$shard" --shard $shard/2 || return 1
    done
    rm -r "$work/there"
    fails_with 'there' $MMNEURON merge "$work/far.2" "$work/far.1" -o "$work/merged-here" &&
        exits 0 $MMNEURON merge --model "$model" --list "$work/list.jsonl" --neurons "$work/neurons.json" \
            "$work/far.2" "$work/far.1" -o "$work/merged-here" &&
        cmp "$work/whole.perturb" "$work/merged-here"
}

# Whatever a shard has done already is not done again, and its JSON says what it is.
shard_goes_on() {
    head -n 2 "$work/part.1" >"$work/part.4"
    prints_json rows $MMNEURON $(words_of lens) -q --rows "$work/part.4" --shard 1/3 --json &&
        tail -n +2 "$work/part.4" | cmp - "$work/rows.1"
}

rows_stay() {
    exits 0 $MMNEURON $(words_of $1) -q --rows "$work/rows.jsonl" &&
        [ "$(wc -l <"$work/rows.jsonl")" -gt 10 ] &&
        exits 0 $MMNEURON $(words_of $1) -q --rows "$work/rows.jsonl" -o "$work/again" --threads 1 &&
        cmp "$work/whole.$1" "$work/again"
}

# Where the machine has no time for this shell, a run may be done before the signal comes: then once more.
says_what_is_kept() {
    tried=0
    code=0
    until [ $code -ne 0 ]; do
        rm -f "$work/said"
        [ $tried -lt 20 ] && start_caught $MMNEURON $(words_of perturb) -q -o "$work/said" || return 1
        waited=0
        until [ -e "$work/said.state" ] || [ -e "$work/said" ] || [ $waited -gt 1000 ]; do
            sleep 0.005
            waited=$((waited + 1))
        done
        kill -INT $process
        wait $process
        code=$?
        tried=$((tried + 1))
    done
    cat "$work/errors"
    [ $code -eq 130 ] && grep -q 'said.state: interrupted; .* goes on from there$' "$work/errors" &&
        fails_with 'said.state: settings.seeds: .*(3, now 2)' \
            $MMNEURON $(words_of perturb) --seeds 2 -q -o "$work/said"
}

two_at_once() {
    exits 0 $MMNEURON $(words_of perturb) -q --rows "$work/busy.jsonl" || return 1
    (
        flock 9
        fails_with 'busy.jsonl: another run is writing' \
            $MMNEURON $(words_of perturb) -q --rows "$work/busy.jsonl"
    ) 9<"$work/busy.jsonl"
}

# What rows say of their command is looked at first.
first_line_was_changed() {
    sed '1s/"arguments": \["lens"/"arguments": ["info"/' "$work/part.1" >"$work/forged"
    fails_with 'line 1, byte 0: .*check value' $MMNEURON merge "$work/forged" -o "$work/merged-2"
}

$MMNEURON count "$model" "$work/texts.jsonl" --window 8 -q -o "$work/counts" || exit 1
make_edit_list "$work/edits.jsonl" "a wide shal" "a wide elephant" "b tall ES" "b wide shal" "b grey shal"
for study in eval perplexity agree sweep similarity perturb contrib edits lens; do
    check "$study: one run" one_run $study
    if can_signal; then
        check "$study: Ctrl-C again and again" stop_and_go INT 130 $study
        check "$study: kill -9 again and again" stop_and_go KILL 137 $study
    else
        skip "$study: signals" "an emulator catches them first, or env has no --default-signal here"
    fi
    check "$study: 3 shards merge" shards_merge $study
done
tail -n +2 "$work/part.1" >"$work/rows.1"
check "a shard goes on" shard_goes_on
check "--rows keeps them" rows_stay perturb
can_signal && check "an interrupted study says what is kept, for no other run" says_what_is_kept
flock --version >/dev/null 2>&1 && check "rows are written by one run at a time" two_at_once
check "parts are merged where files have other names" merges_elsewhere
check "counts are merged without a model" is_wrong_usage "are for rows" merge --model "$model" "$work/counts" \
    -o "$work/merged-2"
check "rows whose first line was changed are not merged" first_line_was_changed
check "a missing shard is named" fails_with 'missing: 2$' $MMNEURON merge "$work/part.1" "$work/part.3" \
    -o "$work/merged-2"
check "a shard needs a file" is_wrong_usage "needs one file" $(words_of lens) --shard 1/2
check "a shard has one file" is_wrong_usage "needs one file" $(words_of lens) --shard 1/2 \
    -o "$work/x" --rows "$work/y"
check "a shard has no standard output" is_wrong_usage "not to standard output" \
    $(words_of lens) --shard 1/2 -o -
check "counts and rows are not merged" fails_with 'expected a file of a study' $MMNEURON merge \
    "$work/part.1" "$work/counts" -o "$work/merged-2"

done_testing
