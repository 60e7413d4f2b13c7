#!/bin/sh
# Help, version, wrong usage and outputs that cannot be written.
. "$top_srcdir/tests/cli/setup.sh"

commands="info ask count merge rank eval perturb lens contrib judge detect locate hallucinations bias encode report dump verify digest"

lists_commands() {
    exits 0 $MMNEURON "$@" || return 1
    for command in $commands; do
        grep -q "^  $command " "$work/out" || return 1
    done
}

helps() {
    exits 0 $MMNEURON "$1" --help && grep -q "^Usage: mmneuron $1 " "$work/out" &&
        cp "$work/out" "$work/help" && exits 0 $MMNEURON help "$1" &&
        cmp "$work/out" "$work/help" && ! grep -q '.\{81\}' "$work/help"
}

prints_version() {
    exits 0 $MMNEURON "$@" && grep -q '^mmneuron [0-9]*\.[0-9]*\.[0-9]*$' "$work/out"
}

# waits ROUNDS SETTING...: OpenMP itself says how many rounds its threads spin while they wait. (The policy that
# it says is passive where there is none, too.)
waits() {
    expected=$1
    shift
    env "$@" OMP_DISPLAY_ENV=verbose $MMNEURON --version >"$work/out" 2>&1
    cat "$work/out"
    grep -q "GOMP_SPINCOUNT *= *'$expected'" "$work/out"
}

to_full_disk() {
    $MMNEURON "$@" >/dev/full 2>"$work/errors"
    code=$?
    cat "$work/errors"
    [ $code -eq 3 ] && [ "$(wc -l <"$work/errors")" -eq 1 ]
}

to_closed_output() {
    $MMNEURON "$@" >&- 2>"$work/errors"
    code=$?
    cat "$work/errors"
    [ $code -eq 3 ] && [ "$(wc -l <"$work/errors")" -eq 1 ]
}

for way in help --help -h; do
    check "mmneuron $way lists the commands" lists_commands $way
done
for command in $commands; do
    check "mmneuron $command --help, in at most 80 columns" helps $command
done
check "mmneuron --version" prints_version --version
if OMP_DISPLAY_ENV=verbose $MMNEURON --version 2>&1 | grep -q GOMP_SPINCOUNT; then
    check "threads that wait sleep" waits 0 -u OMP_WAIT_POLICY -u GOMP_SPINCOUNT
    check "threads that wait spin if they are told to" waits 30000000000 -u GOMP_SPINCOUNT OMP_WAIT_POLICY=active
    check "threads that wait spin as long as they are told to" waits 77 -u OMP_WAIT_POLICY GOMP_SPINCOUNT=77
else
    skip "how threads wait" "this OpenMP does not say it"
fi
check "mmneuron rank --version" prints_version rank --version

check "no command" is_wrong_usage "command is missing"
check "an unknown command far from all" is_wrong_usage 'no command "frobnicate"$' frobnicate
check "a mistyped command" is_wrong_usage 'did you mean "count"' cuont
check "help of an unknown command" is_wrong_usage 'did you mean "verify"' help verfy
check "a mistyped option" is_wrong_usage 'did you mean --samples' count --smaples 3 "$model" list
check "an unknown letter" is_wrong_usage 'no option -z' info -qz "$model"
check "the beginning of several options" is_wrong_usage 'several options' count --s 3
check "a value that is missing" is_wrong_usage '--samples needs a value' count --samples
check "a value that is not wanted" is_wrong_usage '--quiet takes no value' info --quiet=yes
check "too few arguments" is_wrong_usage 'too few' verify one
check "too many arguments" is_wrong_usage 'too many' info one two
for number in -1 0 4097 x 1x '' ' 1' 99999999999999999999; do
    check "--threads \"$number\"" is_wrong_usage 'from 1 to 4096' info --threads "$number" "$model"
done
for shard in 0/3 4/3 1 1/ /2 1/2/3 -1/2 1/99999999999; do
    check "--shard \"$shard\"" is_wrong_usage 'takes I/N' count --shard "$shard" "$model" list
done
for share in 0 1.5 nan inf -0.1 x '' 0.5x; do
    check "--rate \"$share\"" is_wrong_usage 'up to 1' rank --rate "$share" counts
done
for number in 0x10 1e400 nan inf 1,5 2x ' 1' ''; do
    check "--temperature \"$number\"" is_wrong_usage 'from 0 to 1000' \
        ask "$model" --temperature "$number" question
done
check "a question that begins with a dash" is_wrong_usage 'come after "--"' ask "$model" "-1 is what?"
check "the same after --" exits 0 $MMNEURON ask "$model" -q -n 1 -- "-1 is what?"
make_list 3 "$work/list.jsonl"
for name in vicuan ''; do
    check "eval with the template \"$name\"" exits 2 $MMNEURON eval "$model" "$work/list.jsonl" \
        --template "$name"
done
check "a stop string that is not UTF-8" exits 2 $MMNEURON ask "$model" question \
    --stop "$(printf '\377')"
check "dump of a misspelt stage" exits 2 $MMNEURON dump "$model" --prompt x -o "$work/d" \
    --stages "language.norm,langauge.norm"
printf 'Who is it?\n\nWho \303\050 it?\n' >"$work/questions"
check "questions that are not UTF-8" fails_with "questions: line 3: .*UTF-8" \
    $MMNEURON ask "$model" --questions "$work/questions"
check "--modules of an unknown name" is_wrong_usage 'vision, projector' count --modules lang,x a b
check "--positions-module of two" is_wrong_usage 'one module' \
    count --positions-module lang,encoder -o c "$model" list
check "count without -o" is_wrong_usage '-o is missing' count "$model" list
check "merge without -o" is_wrong_usage '-o is missing' merge one two
check "report without -o" is_wrong_usage '-o is missing' report one
check "report in an unknown format" is_wrong_usage 'html, md, svg, csv, png or pdf' report one -o x --format ps
check "dump without -o" is_wrong_usage '-o is missing' dump "$model" --prompt x
check "dump of nothing" is_wrong_usage '--prompt, --inputs or --ids' dump "$model" -o d
check "dump of two things" is_wrong_usage 'give one of them' dump "$model" -o d --prompt x --inputs y
check "ask nothing" is_wrong_usage 'question or --prompt' ask "$model"
check "ask two things" is_wrong_usage 'one or the other' ask "$model" --prompt x question
check "ask two lists of questions" is_wrong_usage "one or the other" ask "$model" --questions x question
check "an unknown order" is_wrong_usage 'horizontal-first' ask "$model" --resize-order x question
check "unknown kernels" exits 2 $MMNEURON info --simd nonsense "$model"
check "unknown kernels by the environment" exits 2 env MMNEURON_SIMD=nonsense $MMNEURON info "$model"
check "an unknown template" exits 2 $MMNEURON ask "$model" --template x question

if [ -c /dev/full ]; then
    check "info to a full disk" to_full_disk info "$model"
    check "help to a full disk" to_full_disk help
    check "JSON to a full disk" to_full_disk info --json "$model"
else
    skip "writing to a full disk" "there is no /dev/full here"
fi
check "info to a closed output" to_closed_output info "$model"

done_testing
