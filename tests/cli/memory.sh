#!/bin/sh
# Lets one allocation of the process after the other fail, the libraries' own too: a command says that
# memory is short or gives the result it gives anyhow, and loses nothing.
#
# Every allocation takes its time: by default some of each command's are let fail.
# MMN_MEMORY_EVERY=1 lets every one (by hand, some hours), MMN_MEMORY_COMMANDS="count rank" these
# commands' only. What does not hold is listed.
. "$top_srcdir/tests/cli/setup.sh"

every=${MMN_MEMORY_EVERY:-997}
wanted=${MMN_MEMORY_COMMANDS:-}

[ -z "$EMULATOR" ] || skip_all "an emulator has allocations of its own"
case $(uname -s) in
Linux) ;;
*) skip_all "the allocations of glibc are counted" ;;
esac
# In a build that was not installed the program may be a script that libtool made.
program=${MMNEURON# } # no emulator stands before it
[ ! -f "$top_builddir/.libs/mmneuron" ] || program=$top_builddir/.libs/mmneuron
LD_LIBRARY_PATH=$top_builddir/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
! $NM "$program" 2>/dev/null | grep -q __asan_init || skip_all "AddressSanitizer has its own"
failing=$work/fail_allocation.so
$CC -O2 -shared -fPIC "$top_srcdir/tests/tools/fail_allocation.c" -o "$failing" 2>"$work/errors" ||
    skip_all "no shared object can be built: $(head -n 1 "$work/errors")"

# Threads would be a stream of allocations of their own, and waiting for them too.
OMP_WAIT_POLICY=passive
export OMP_WAIT_POLICY

list=$work/list.jsonl
make_list 6 "$list"
damaged=$work/damaged.jsonl
sed '2s/wide.jpg/none.jpg/' "$list" >"$damaged"
if can_read "$top_srcdir/golden/checkpoints/qwen2"; then
    patterns=$top_srcdir/golden/checkpoints/qwen2
else
    patterns=$top_srcdir/golden/checkpoints/llama-2
fi

# run COMMAND...: runs it in the folder $work/now with its output in $work/out and $work/errors.
run() {
    (cd "$work/now" && "$program" "$@" --threads 1) >"$work/out" 2>"$work/errors"
}

# start_over: the folder $work/now holds what stands before the command runs.
start_over() {
    rm -rf "$work/now"
    cp -r "$work/before" "$work/now"
}

# What is printed, but for how long it took.
printed() {
    sed '/"seconds":/d' "$1"
}

same_result() {
    [ "$(printed "$work/out")" = "$(printed "$work/right_out")" ] && diff -r "$work/now" "$work/right" >/dev/null
}

# tell NUMBER WHAT: a line for an allocation whose failure is not borne.
tell() {
    wrong=$((wrong + 1))
    [ $wrong -gt 20 ] || echo "allocation $1: $2: $(tail -n 1 "$work/errors")"
}

# try_allocation NUMBER COMMAND...
try_allocation() {
    number=$1
    shift
    start_over
    (
        cd "$work/now" || exit 99
        exec env MMN_FAIL_AT="$number" LD_PRELOAD="$failing" "$program" "$@" --threads 1
    ) >"$work/out" 2>"$work/errors"
    code=$?
    case $code in
    0) same_result || tell "$number" "exit 0 and another result" ;;
    3)
        if ! grep -qi 'memory\|allocate' "$work/errors"; then
            tell "$number" "another sentence"
        elif ! diff -r "$work/now" "$work/before" >/dev/null; then
            run "$@"
            diff -r "$work/now" "$work/right" >/dev/null ||
                tell "$number" "what was kept gives another result"
        fi
        ;;
    1)
        # Libraries that allocate before main, among the first, and end the program: libgomp, and libnuma behind MPI.
        [ "$number" -le 64 ] &&
            grep -q '^libgomp: Out of memory\|^Out of memory allocating bitmask' "$work/errors" ||
            tell "$number" "exit $code"
        ;;
    *) tell "$number" "exit $code" ;;
    esac
}

bears_failures() {
    wrong=0
    start_over
    run "$@" || { cat "$work/errors"; return 1; }
    rm -rf "$work/right"
    mv "$work/now" "$work/right"
    mv "$work/out" "$work/right_out"
    start_over
    (
        cd "$work/now" || exit 99
        exec env MMN_FAIL_COUNT="$work/number" LD_PRELOAD="$failing" "$program" "$@" --threads 1
    ) >/dev/null 2>&1
    allocations=$(cat "$work/number")
    number=$first
    tried=0
    while [ $number -le "$allocations" ]; do
        try_allocation $number "$@"
        tried=$((tried + 1))
        number=$((number + every))
    done
    echo "$wrong of $tried failures of $allocations allocations are not borne"
    [ $wrong -eq 0 ]
}

# bears NAME COMMAND...: with the files that $work/before has. Each starts at another allocation.
bears() {
    first=$(((${first:-0} * 7 + 1) % every + 1))
    name=$1
    shift
    case " $wanted " in
    "  " | *" $name "*) ;;
    *) return ;;
    esac
    check "$name says that memory is short" bears_failures "$@"
    [ -z "$MMN_MEMORY_EVERY" ] || printf '%s\n' "# $name: $tap_printed" | tail -n 1
}

# What the commands read, made by the program.
mkdir "$work/before"
made=$work/made
mkdir "$made"
{
    $MMNEURON count "$model" "$list" -o "$made/counts" -q &&
        $MMNEURON count "$model" "$list" -o "$made/one" -q --shard 1/2 &&
        $MMNEURON count "$model" "$list" -o "$made/two" -q --shard 2/2 &&
        $MMNEURON rank "$made/counts" -o "$made/neurons.json" -q --bar 0.5 --rate 0.1 &&
        $MMNEURON eval "$model" "$list" -o "$made/eval.json" -q -n 2 &&
        $MMNEURON dump "$model" --image "$images/grey.jpg" --prompt "a <image>" -q \
            --stages 'language.*' -o "$made/dump"
} >"$work/out" 2>&1 || {
    sed 's/^/# /' "$work/out"
    exit 1
}

bears info info "$patterns" --json
picture=$images/text.png
grep -q '^#define HAVE_LIBPNG 1' "$top_builddir/config.h" || picture=$images/wide.jpg
bears ask ask "$model" -q -n 2 --image "$picture" "What is it?"
bears ask_text ask "$patterns" -q -n 2 --json "What is it?"
bears count count "$model" "$list" -o counts -q
bears count_bad count "$model" "$damaged" -o counts -q --skip-bad --json
bears merge merge "$made/one" "$made/two" -o counts -q --json
bears rank rank "$made/counts" -o neurons.json -q --bar 0.5 --rate 0.1 --json
bears eval eval "$model" "$list" -o eval.json -q -n 2 --neurons "$made/neurons.json"
bears perturb perturb "$model" "$list" --neurons "$made/neurons.json" -o perturb.json -q --seeds 1
bears lens lens "$model" "$list" -o lens.json -q
bears contrib contrib "$model" --image "$images/grey.jpg" -o contrib.json -q -n 2 --all-words \
    "What is it?"
bears dump dump "$model" --image "$images/tall.jpg" --prompt "a <image>" -q -o dump
bears digest digest "$made/dump" --json
bears verify verify "$made/dump" "$made/dump" --json
bears report report "$made/counts" "$made/neurons.json" "$made/eval.json" -o report.html -q
$MMNEURON count "$model" "$list" -o "$work/before/counts" -q --stop-after 3 >/dev/null 2>&1
bears count_resumed count "$model" "$list" -o counts -q

done_testing
