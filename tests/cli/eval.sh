#!/bin/sh
# Evaluating with neurons off, end to end: count, rank, eval.
. "$top_srcdir/tests/cli/setup.sh"

list=$work/list.jsonl
neurons=$work/neurons.json
make_list 3 "$list"

evaluate() {
    exits 0 $MMNEURON eval "$model" "$list" --neurons "$neurons" --settings language,all \
        --cross language --seeds 2 -n 3 "$@"
}

same_on_threads() {
    evaluate --threads 1 -o "$work/1.json" "$@" && evaluate --threads 3 -o "$work/3.json" "$@" &&
        cmp "$work/1.json" "$work/3.json" &&
        $EMULATOR "$top_builddir/tests/cli/json_has" cross <"$work/1.json"
}

prints_tables() {
    evaluate || return 1
    for title in "all neurons on" "^language:.*off" "^all:.*off" "row's neurons off"; do
        grep -q "$title" "$work/out" || return 1
    done
}

check "count" exits 0 $MMNEURON count "$model" "$list" -o "$work/counts"
check "rank" exits 0 $MMNEURON rank "$work/counts" --rate 0.1 -o "$neurons"
check "eval prints tables" prints_tables
check "eval says nothing on standard error" test ! -s "$work/errors"
check "eval writes the same bytes on 1 and 3 threads" same_on_threads
check "eval samples the same on 1 and 3 threads" same_on_threads --temperature 1 --top-p 0.9
# Without answers there is no accuracy, and nothing to say about how they are found.
only_likelihood() {
    exits 0 $MMNEURON eval "$model" "$list" --neurons "$neurons" --settings language \
        --cross language --seeds 2 --measures likelihood -o "$work/likelihood.json" || return 1
    cp "$work/out" "$work/people"
    grep -q "^language: ln p per token less that with nothing off" "$work/out" &&
        ! grep -q accuracy "$work/out"
}
# A report has the figures of it, and the words that people were told.
report_says_the_same() {
    exits 0 $MMNEURON report "$work/likelihood.json" -o "$work/likelihood.html" || return 1
    grep -q "likelihood.html: 3 figures$" "$work/out" || return 1
    sed -n 's/^  \([a-z]*: [a-z].*\)/\1/p' "$work/people" >"$work/said"
    [ -s "$work/said" ] && while read -r line; do
        grep -qF "$line" "$work/likelihood.html" || return 1
    done <"$work/said"
}
check "eval measures likelihood alone" only_likelihood
check "report shows it in the same words" report_says_the_same
# Three samples are too few to know anything of ln p; accuracy within 10 is known after the first.
ends_early() {
    exits 0 $MMNEURON eval "$model" "$list" --neurons "$neurons" --settings language --seeds 1 \
        --measures "$1" --until 20 -o "$work/early.json" || return 1
    grep -q "$2" "$work/out" && grep -q "^looking after each sample is allowed for: .* (arXiv" "$work/out"
}
check "eval ends where enough is known" ends_early answers "1 of 1, to within"
check "report shows what has ended early" exits 0 $MMNEURON report "$work/early.json" -o "$work/early.html"
check "eval says where the list ended before" ends_early likelihood "2 of 2: the list ended before"
check "eval --until has no shards" exits 2 $MMNEURON eval "$model" "$list" --neurons "$neurons" \
    --until 0.1 --shard 1/2 -o "$work/early"
check "eval --until needs neurons" exits 2 $MMNEURON eval "$model" "$list" --until 0.1
check "eval refuses options of answers then" exits 2 \
    $MMNEURON eval "$model" "$list" --measures likelihood -n 2
check "eval refuses an unknown measure" exits 2 $MMNEURON eval "$model" "$list" --measures speed

# Cases are made of rows: other ones of the same rows, and of the rows of shards.
tells_cases() {
    evaluate --cases 1 --rows "$work/rows" -o "$work/one.json" || return 1
    grep -q "answers that change while neurons are off$" "$work/out" &&
        evaluate --cases 2 -o "$work/two.json" && ! cmp -s "$work/one.json" "$work/two.json" &&
        evaluate --cases 2 --rows "$work/rows" -o "$work/again.json" &&
        cmp "$work/two.json" "$work/again.json" || return 1
    for shard in 1 2; do
        evaluate --cases 2 --shard "$shard/2" -o "$work/part.$shard" || return 1
    done
    exits 0 $MMNEURON merge "$work/part.2" "$work/part.1" -o "$work/merged.json" &&
        cmp "$work/two.json" "$work/merged.json"
}
shows_cases() {
    exits 0 $MMNEURON report "$work/two.json" --images "$images" -o "$work/cases.html" &&
        grep -q 'id="case-1"' "$work/cases.html" && grep -q ">all neurons on</text>" "$work/cases.html" &&
        grep -q "href=\"data:image" "$work/cases.html"
}
check "eval tells cases, resumed and in shards too" tells_cases
check "report shows cases" shows_cases
check "cases are of answers" exits 2 $MMNEURON eval "$model" "$list" --measures likelihood --cases 1

check "eval --json" prints_json runs $MMNEURON eval "$model" "$list" -n 2 --json
check "ask with neurons off" exits 0 $MMNEURON ask "$model" -n 2 --mask "$neurons" "What?"
check "eval refuses a file that is no ranking" fails_with "list.jsonl" \
    $MMNEURON eval "$model" "$list" --neurons "$list" -o "$work/no"
check "eval leaves nothing behind then" test ! -e "$work/no"

done_testing
