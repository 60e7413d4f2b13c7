#!/bin/sh
# Signals in every phase of the commands that write: the program ends within two seconds, leaves neither a
# lock nor a folder of its own, and says what is true of what was kept.
. "$top_srcdir/tests/cli/setup.sh"

mkdir "$work/place" "$work/temporary"
TMPDIR=$work/temporary
export TMPDIR
words=$(printf '%07000d' 0 | sed 's/0/ of a word/g')
long=$work/long.jsonl
for letter in a b; do
    echo "{\"domain\": \"$letter\", \"question\": \"Is it $letter$words?\", \"answers\": [\"$letter\"]}"
done >"$long"
make_list 4 "$work/list.jsonl"
sed 's/everyday/a/; s/medical/b/' "$work/list.jsonl" >"$work/short.jsonl"

# begin COMMAND...: starts it in the background, and waits until it has taken its place.
begin() {
    "$@" >"$work/out" 2>"$work/errors" &
    process=$!
    waited=0
    until [ -n "$(find "$work/place" -name '*mmneuron-lock' -size +0)$(ls "$TMPDIR")" ]; do
        sleep 0.01
        waited=$((waited + 1))
        [ $waited -lt 1000 ] && kill -0 $process || return 1
    done
}

# end CODE PATTERN: it ends with the code within three seconds (two, and what a busy machine adds), says
# one line, and leaves nothing.
end() {
    begun=$(date +%s%N)
    wait $process
    code=$?
    took=$((($(date +%s%N) - begun) / 1000000))
    echo "code $code after $took ms: $(cat "$work/errors")"
    [ $code -eq "$1" ] && [ $took -lt 3000 ] && is_clean &&
        grep -q -e "^mmneuron: $2" -e "^mmneuron: interrupted, in the middle .*nothing more was written" \
            "$work/errors" &&
        [ "$(grep -c '^mmneuron' "$work/errors")" -eq 1 ]
}

is_clean() {
    [ -z "$(ls -A "$work/place")$(ls -A "$TMPDIR")" ]
}

# What the long sample of each command is.
run_long() {
    case $1 in
    count | lens) $MMNEURON $1 "$model" "$long" -q -o "$2" --allow-long-prompts ;;
    eval | perturb)
        $MMNEURON $1 "$model" "$long" -q -o "$2" --allow-long-prompts --neurons "$work/neurons.json"
        ;;
    dump) $MMNEURON dump "$model" --prompt "$words" -o "$2" --allow-long-prompts --stages '*.out' ;;
    contrib) $MMNEURON contrib "$model" "$words" -q -o "$2" --allow-long-prompts ;;
    esac
}

# Who runs the tests by nohup has them ignore hang-ups, and so does the program then.
signals="TERM HUP"
[ -z "$(sh -c 'kill -HUP $$; echo ignored')" ] || signals=TERM

in_mid_sample() {
    case $1 in
    count) words_said="interrupted in the first of 2 samples; nothing was counted yet" ;;
    dump) words_said="interrupted" ;;
    *) words_said="interrupted; nothing was written" ;;
    esac
    for signal in $signals; do
        [ $signal = TERM ] && expected=143 || expected=129
        begin run_long_directly "$1" "$work/place/o" || return 1
        sleep 1
        kill -$signal $process
        end $expected "$words_said" || return 1
    done
}

# The process that the signal is for is the program, not a shell that waits for it.
run_long_directly() {
    MMNEURON="exec $MMNEURON"
    run_long "$@"
}

count_for_standard_output() {
    begin run_long_directly count - || return 1
    sleep 1
    kill -TERM $process
    end 143 "interrupted; of counts for standard output nothing is kept"
}

# The second signal does not wait for the layer's end.
second_signal() {
    begin run_long_directly "$1" "$2" || return 1
    sleep 1
    kill -TERM $process
    kill -HUP $process
    wait $process
    code=$?
    cat "$work/errors"
    { [ $code -eq 129 ] || [ $code -eq 143 ]; } && is_clean
}

# Blanks, which take their time to be read.
blanks() {
    head -c "$1" /dev/zero | tr '\0' ' '
}

while_reading() {
    begin exec_program "$@" || return 1
    kill -TERM $process
    end 143 "interrupted$"
}

exec_program() {
    exec $MMNEURON "$@"
}

exits 0 $MMNEURON count "$model" "$work/short.jsonl" -q -o "$work/counts" || exit 1
exits 0 $MMNEURON rank "$work/counts" --rate 0.05 -o "$work/neurons.json" || exit 1
for command in count eval perturb lens contrib dump; do
    check "$command ends in the middle of a long sample" in_mid_sample $command
done
check "count for standard output says that nothing is kept" count_for_standard_output
for command in count lens dump; do
    check "a second signal ends $command at once, and leaves no lock" \
        second_signal $command "$work/place/o"
done
check "nor does it leave a folder of what standard output was to have" second_signal dump -

mkdir "$work/model"
cp "$model"/* "$work/model"
{ blanks 9990000; cat "$model/config.json"; } >"$work/model/config.json"
{ blanks 80000000; cat "$work/neurons.json"; } >"$work/large.json"
check "report ends while it reads" while_reading report "$work/large.json" -o "$work/place/o"
check "report for standard output too" while_reading report "$work/large.json" -o -
for command in count lens; do
    check "$command ends while its model opens" while_reading $command "$work/model" "$long" \
        -o "$work/place/o"
done
check "dump ends while its model opens" while_reading dump "$work/model" --prompt a -o "$work/place/o"

done_testing
