#!/bin/sh
# Runs that mpirun divides among processes give the bytes of one process, killed and resumed too; and what
# is said where that cannot be.
. "$top_srcdir/tests/cli/setup.sh"

# A program without MPI stops where it was started several times over, whichever program did that.
stops_without_mpi() {
    for variable in OMPI_COMM_WORLD_SIZE PMI_SIZE SLURM_STEP_NUM_TASKS; do
        exits 2 env $variable=3 $MMNEURON info "$model" &&
            grep -q 'started as 3 processes, but mmneuron was built without MPI' "$work/errors" &&
            ! [ -s "$work/out" ] || return 1
    done
}

$MMNEURON --version | grep -q '^MPI: ' || {
    check "without MPI, several processes stop" stops_without_mpi
    skip "mpirun" "this build is without MPI (configure --with-mpi)"
    done_testing
    exit 0
}
together=$("$top_srcdir/tests/tools/mpirun_of" $MMNEURON) || skip_all "there is no mpirun here"

make_study_files || exit 1
recordings=$top_srcdir/tests/study/data/encode
bundle=$top_srcdir/models/joint

# Prints the words of a command.
words_of() {
    joint="$bundle/detector $bundle/model $bundle/images/objects.jsonl --align $bundle/alignment.safetensors"
    count="count $model $work/list.jsonl"
    neurons="--neurons $work/neurons.json"
    case $1 in
    eval) echo eval "$model" "$work/list.jsonl" -n 6 --seeds 3 $neurons ;;
    perplexity) echo eval "$model" "$work/texts.jsonl" --window 8 --seeds 3 $neurons ;;
    perturb) echo perturb "$model" "$work/list.jsonl" --seeds 3 $neurons ;;
    lens) echo lens "$model" "$work/list.jsonl" --examples 2 ;;
    edits) echo edits "$model" "$work/edits.jsonl" -n 6 --seeds 2 ;;
    hallucinations) echo hallucinations $joint --classes cat,dog ;;
    bias) echo bias $joint --from cat --to dog --property cook -n 3 --samples 6 ;;
    contrib) echo contrib "$model" "$work/list.jsonl" -n 4 --all-words --seeds 1 --at-least 2 ;;
    encode) echo encode "$recordings/responses.safetensors" --features "both=$recordings/both.safetensors" \
        --features "vision=$recordings/vision.safetensors" --join joined=both+vision --compare both:vision --draws 40 ;;
    count) echo $count ;;
    count-positions) echo $count --positions 100 ;;
    count-windows) echo count "$model" "$work/texts.jsonl" --window 8 ;;
    count-bad) echo count "$model" "$work/some-bad.jsonl" --skip-bad ;;
    esac
}

same_bytes() {
    exits 0 $MMNEURON $(words_of $1) -q -o "$work/one.$1" &&
        exits 0 $together -n 3 $MMNEURON $(words_of $1) -o "$work/three.$1" &&
        grep -q '^mmneuron: 3 processes, [0-9]* thread' "$work/errors" &&
        cmp "$work/one.$1" "$work/three.$1" && ! [ -e "$work/three.$1.state" ] || return 1
    cp "$work/out" "$work/table"
    exits 0 $MMNEURON $(words_of $1) -q -o "$work/three.$1" && cmp "$work/table" "$work/out"
}

# A picture that is none and a line that is none: the same counts, and each is named once.
skips_once() {
    echo 'no picture' >"$work/bad.jpg"
    sed '3s/"image": "[^"]*"/"image": "bad.jpg"/; 5s/.*/{"domain": 1}/' "$work/list.jsonl" \
        >"$work/some-bad.jsonl"
    same_bytes count-bad && exits 0 $together -n 3 $MMNEURON $(words_of count-bad) -o "$work/again" &&
        [ "$(grep -c 'skipped: .*line 3' "$work/errors")" = 1 ] &&
        [ "$(grep -c 'skipped: .*line 5' "$work/errors")" = 1 ]
}

# Kills one of the processes, later and later, and goes on with another number of them each time.
until_done() {
    output=$work/killed
    rm -f "$output" "$output.state"
    runs=0
    until [ -e "$output" ]; do
        $together -n $((2 + runs % 2)) $MMNEURON $(words_of perturb) -q -o "$output" >"$work/out" 2>&1 &
        process=$!
        moment=$((200 + runs % 7 * 100 + runs * runs)) # in ms
        sleep $((moment / 1000)).$(printf '%03d' $((moment % 1000)))
        one=$(ps -o pid= --ppid "$process" | head -n 1) # mpirun's helper, or a process
        other=$(ps -o pid= --ppid "${one:-$process}" | tail -n 1)
        kill -KILL ${other:-$one} 2>/dev/null
        wait $process
        runs=$((runs + 1))
        [ $runs -lt 100 ] || return 1
    done
    echo "$runs runs"
    cmp "$work/one.perturb" "$output"
}

fails_once() {
    echo '{"domain": "medical"}' >"$work/bad.jsonl"
    exits 3 $together -n 3 $MMNEURON lens "$model" "$work/bad.jsonl" -q -o "$work/bad" &&
        [ "$(grep -c '^mmneuron:' "$work/errors")" = 1 ] && grep -q 'bad.jsonl: line 1' "$work/errors"
}

is_refused() {
    pattern=$1
    shift
    exits 2 $together -n 2 $MMNEURON "$@" && grep -q "$pattern" "$work/errors"
}

make_edit_list "$work/edits.jsonl" "a wide shal" "a wide elephant" "b tall ES" "b wide shal" "b grey shal"
joint_studies=
can_read "$bundle/detector" && joint_studies="hallucinations bias"
for study in eval perplexity perturb lens contrib edits $joint_studies encode count count-positions count-windows; do
    check "$study: three processes make the bytes of one" same_bytes $study
done
if ps -o pid= --ppid 1 >/dev/null 2>&1; then
    check "killed again and again" until_done
else
    skip "killed again and again" "ps does not know --ppid here"
fi
check "count: bad samples are skipped once" skips_once
check "what is wrong is said once" fails_once
check "several processes need a file" is_refused 'in a file' $(words_of lens)
check "they are no shards" is_refused 'divide the samples' $(words_of lens) --shard 1/2 -o "$work/x"
check "other commands are not divided" is_refused 'not divided' info "$model"
check "one question is not divided" is_refused 'not divided' contrib "$model" "Who?"

done_testing
