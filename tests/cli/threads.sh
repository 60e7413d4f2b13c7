#!/bin/sh
# More threads than the system gives, and more than any has: fewer are used, or a sentence says why not.
. "$top_srcdir/tests/cli/setup.sh"

[ -z "$EMULATOR" ] || skip_all "an emulator has threads and memory of its own"
text_model=$top_srcdir/golden/checkpoints/llama-2

answer() {
    $MMNEURON ask "$text_model" -n 3 hi "$@"
}

answer -q --threads 1 >"$work/right" || exit 1

counts_are_bounded() {
    OMP_NUM_THREADS=100000
    export OMP_NUM_THREADS
    exits 0 $MMNEURON info "$text_model" &&
        [ "$(sed -n 's/^kernels .* \([0-9]*\) threads\{0,1\}$/\1/p' "$work/out")" -le 4096 ]
}

# Exit 0 with the right answer, or 3 with a sentence; sets $used where fewer threads were.
answers_within() {
    (ulimit -v "$1" && answer --threads 64) >"$work/out" 2>"$work/errors"
    code=$?
    case $code in
    0) cmp "$work/out" "$work/right" || return 1 ;;
    3) grep -q '^mmneuron: ' "$work/errors" || return 1 ;;
    *)
        echo "exit code $code within $1 KiB"
        cat "$work/errors"
        return 1
        ;;
    esac
    ! grep -q 'does not give 64 threads' "$work/errors" || used=fewer
}

# With MPI's libraries the program itself has no room in the least of these.
little_memory() {
    used=all
    for limit in 40000 60000 100000 200000 400000; do
        (ulimit -v $limit && $MMNEURON --version) >/dev/null 2>&1 || continue
        answers_within $limit || return 1
    done
    [ $used = fewer ]
}

check "OMP_NUM_THREADS has a limit" counts_are_bounded
if $MMNEURON info "$text_model" --threads 2 | grep -q '^kernels .* 1 thread$'; then
    skip "fewer threads where there is no room for more" "this build has no OpenMP"
elif (ulimit -v 400000 && answer -q --threads 1) >/dev/null 2>&1; then
    check "fewer threads where there is no room for more" little_memory
else
    skip "fewer threads where there is no room for more" "this build needs too much room itself"
fi

done_testing
