#!/bin/sh
# Counting that is interrupted and resumed, or done in shards, gives the bytes of one run.
. "$top_srcdir/tests/cli/setup.sh"

samples=24
list=$work/list.jsonl
make_list $samples "$list"

count_to() {
    file=$1
    shift
    $MMNEURON count "$model" "$list" -o "$file" --quiet "$@"
}

# start_counting FILE: goes on with a run of which a few samples are done, in the background, with
# signals as a terminal's foreground has them; waits until it catches them. Sets $process.
start_counting() {
    rm -f "$1" "$1.state"
    exits 130 count_to "$1" --stop-after 3 || return 1
    start_caught $MMNEURON count "$model" "$list" -o "$1" --quiet
}

# Where the machine has no time for this shell, a run may be done before the signal comes: then once more.
stopped_by() {
    signal=$1
    wanted=$2
    tried=0
    code=0
    until [ $code -ne 0 ]; do
        [ $tried -lt 20 ] && start_counting "$work/stopped" || return 1
        kill -"$signal" $process
        wait $process
        code=$?
        tried=$((tried + 1))
    done
    cat "$work/errors"
    [ $code -eq "$wanted" ] && ! [ -e "$work/stopped" ] && [ -e "$work/stopped.state" ]
}

resumes() {
    exits 0 count_to "$work/stopped" && cmp "$work/whole" "$work/stopped" &&
        ! [ -e "$work/stopped.state" ]
}

# Kills without warning, at moments that differ, and counts a few samples in between.
survives_kills() {
    runs=0
    until [ -e "$work/killed" ]; do
        $MMNEURON count "$model" "$list" -o "$work/killed" --quiet &
        process=$!
        sleep 0.$((runs * 37 % 10))
        kill -KILL $process 2>/dev/null
        wait $process 2>/dev/null
        [ -e "$work/killed" ] || count_to "$work/killed" --stop-after 4
        runs=$((runs + 1))
        [ $runs -lt 20 ] || return 1
    done
    echo "$runs runs"
    # Killed between the counts' place and the state's removal it is tidied by the next run.
    ! [ -e "$work/killed.state" ] || count_to "$work/killed" || return 1
    cmp "$work/whole" "$work/killed" && ! [ -e "$work/killed.state" ]
}

stops_after() {
    exits 130 count_to "$work/stepped" --stop-after 5
}

finishes_in_steps() {
    steps=0
    until count_to "$work/stepped" --stop-after 5; do
        steps=$((steps + 1))
        [ $steps -lt 10 ] || return 1
    done
    cmp "$work/whole" "$work/stepped"
}

says_how_to_resume() {
    exits 130 $MMNEURON count "$model" "$list" -o "$work/said" --stop-after 3 &&
        grep -q "$work/said.state" "$work/errors"
}

# Another run's state is not taken over.
refuses_another_state() {
    exits 130 $MMNEURON count "$model" "$list" -o "$work/mine" --stop-after 3 || return 1
    exits 3 $MMNEURON count "$model" "$list" -o "$work/mine" --modules language &&
        [ "$(wc -l <"$work/errors")" -eq 1 ] && ! [ -e "$work/mine" ]
}

shards_merge() {
    files=
    for shard in $(seq "$1"); do
        count_to "$work/shard-$shard" --shard "$shard/$1" --threads $((shard % 3 + 1)) || return 1
        files="$work/shard-$shard $files"
    done
    $MMNEURON merge $files -o "$work/merged" --quiet && cmp "$work/whole" "$work/merged"
}

bad_list_stops() {
    rm -f "$work/bad" "$work/bad.state"
    fails_with "bad.jsonl.*$1" $MMNEURON count "$model" "$work/bad.jsonl" -o "$work/bad" &&
        ! [ -e "$work/bad" ]
}

bad_list_is_skipped() {
    rm -f "$work/bad" "$work/bad.state"
    exits 0 $MMNEURON count "$model" "$work/bad.jsonl" -o "$work/bad" --skip-bad || return 1
    cat "$work/errors"
    [ "$(grep -c "^mmneuron: skipped: .*$1" "$work/errors")" -eq 1 ] &&
        [ "$(grep -c skipped "$work/errors")" -eq 1 ]
}

check "one run over $samples samples" exits 0 count_to "$work/whole"
if ! can_signal; then
    skip "signals" "an emulator catches them first, or env has no --default-signal here"
else
    check "Ctrl-C stops it with code 130 and keeps the state" stopped_by INT 130
    check "and the run resumes to the same bytes" resumes
    check "SIGTERM stops it with code 143" stopped_by TERM 143
    check "and the run resumes to the same bytes" resumes
    check "kill -9 stops it" stopped_by KILL 137
    check "and the run resumes to the same bytes" resumes
fi
check "killed again and again it ends with the same bytes" survives_kills
check "--stop-after stops with code 130" stops_after
check "and ends in steps with the same bytes" finishes_in_steps
check "an interrupted run says how to resume" says_how_to_resume
check "a state of another run is refused" refuses_another_state
check "2 shards merge to the same bytes" shards_merge 2
check "5 shards merge to the same bytes" shards_merge 5

{
    head -n 3 "$list"
    echo '{"id": "broken", "domain": '
    sed -n 4,6p "$list"
} >"$work/bad.jsonl"
check "a broken line stops the run and is named" bad_list_stops 4
check "with --skip-bad it is skipped and listed" bad_list_is_skipped 4
{
    head -n 2 "$list"
    echo '{"id": "blind", "domain": "medical", "image": "absent.jpg", "question": "What?"}'
    sed -n 4,6p "$list"
} >"$work/bad.jsonl"
check "an image that is not there stops the run and is named" bad_list_stops 3
check "with --skip-bad it is skipped and listed" bad_list_is_skipped absent.jpg

done_testing
