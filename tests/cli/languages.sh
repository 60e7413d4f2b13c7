#!/bin/sh
# eval --languages and --steer: shares of answers in a language are those of the answers' languages, a steered answer is
# that of ask, and shards make what one run makes.
. "$top_srcdir/tests/cli/setup.sh"

bundle=$top_srcdir/models/five-languages
model=$bundle/model
can_read "$model" || skip_all "this build leaves out what the model's tokenizer needs"
python=${PYTHON:-python3}
"$python" -c pass 2>/dev/null || skip_all "Python is not there"
cd "$work" || exit 1
grep -E '"id": "(de|en|ja)-0[012]"' "$bundle/prompts.jsonl" >list.jsonl
$MMNEURON count "$model" "$bundle/count.jsonl" --samples 6 -o counts -q >/dev/null &&
    $MMNEURON rank counts --rate 0.05 -o neurons.json -q >/dev/null || exit 1

evaluate() {
    $MMNEURON eval "$model" list.jsonl --neurons neurons.json --languages "$bundle/count.jsonl" --settings all \
        --cross all --steer counts --measures answers -n 12 --repetition-penalty 1.1 --stop "
Q:" --stop "
A:" --seeds 1 -q "$@"
}

shares_are_of_answers() {
    exits 0 evaluate -o eval.json && grep -q "language, %, to a column" "$work/out" && "$python" - <<'E'
import json
result = json.load(open("eval.json"))
share = {}
for run in result["runs"]:
    found = [prediction["language"] for prediction in run["predictions"]]
    wanted = run["neurons_of"] if run["off"] == "steered" else run["domain"]
    assert run["metric"] == "language" and run["samples"] == 3
    assert abs(run["accuracy"] - found.count(wanted) / 3) < 1e-12, run
    share[run["off"], run["neurons_of"], run["domain"]] = found
domains, (table,) = result["domains"], result["steered"]
assert domains == ["de", "en", "ja"] == [row["on"] for row in table["rows"]]
for row in table["rows"]:
    for cell in row["cells"]:
        before = share["nothing", None, cell["domain"]]
        after = before if cell["domain"] == row["on"] else share["steered", row["on"], cell["domain"]]
        for name, answers in ("before", before), ("after", after):
            assert abs(cell[name] - answers.count(row["on"]) / 3) < 1e-12, cell
        assert abs(cell["change"] - (cell["after"] - cell["before"])) < 1e-12
assert "ja" in share["nothing", None, "ja"] and "ja" not in share["nothing", None, "de"]
E
}
steers_as_ask_does() {
    "$python" - <<'E' || return 1
import json
run, = (run for run in json.load(open("eval.json"))["runs"]
        if (run["off"], run["neurons_of"], run["domain"]) == ("steered", "de", "en"))
open("expected", "w").write(run["predictions"][1]["answer"].strip() + "\n")
line = next(json.loads(line) for line in open("list.jsonl") if '"en-01"' in line)
open("prompt", "w").write(line["prompt"])
E
    $MMNEURON ask "$model" --prompt "$(cat prompt)" --neurons neurons.json --off en --on de --counts counts \
        -n 12 --repetition-penalty 1.1 --stop "
Q:" --stop "
A:" -q >answer && [ -s answer ] && sed 's/^ *//; s/ *$//' answer | cmp - expected
}
is_the_same_in_shards() {
    for shard in 1/2 2/2; do
        exits 0 evaluate --shard $shard -o "part-${shard%/2}" || return 1
    done
    exits 0 $MMNEURON merge part-1 part-2 -o merged.json -q && cmp merged.json eval.json
}
is_drawn() {
    exits 0 $MMNEURON report eval.json --format csv -o csv -q &&
        [ "$(wc -l <csv/steered.csv)" -eq 10 ] && exits 0 $MMNEURON report eval.json --format svg -o svg -q &&
        grep -q "steered to" svg/steered.svg
}
# refuses WORDS OPTION...: of the list's samples, with exit code 3.
refuses() {
    words=$1
    shift
    $MMNEURON eval "$model" list.jsonl -q "$@" >"$work/out" 2>errors
    code=$?
    cat errors
    [ $code -eq 3 ] && grep -q "$words" errors
}
refuses_use() {
    words=$1
    shift
    $MMNEURON eval "$model" list.jsonl -q "$@" >"$work/out" 2>errors
    [ $? -eq 2 ] && grep -q "$words" errors
}
needs_texts() {
    refuses "needed (--languages)" --measures answers &&
        refuses "answers: are missing\|answers.*missing" --languages "$bundle/count.jsonl" &&
        refuses "no list of texts" --languages list.jsonl --measures answers &&
        grep de "$bundle/count.jsonl" | sed "s|text/|$bundle/text/|" >one.jsonl &&
        refuses "fewer than two" --languages one.jsonl --measures answers &&
        grep -v ja "$bundle/count.jsonl" | sed "s|text/|$bundle/text/|" >four.jsonl &&
        refuses 'no texts of "ja"' --languages four.jsonl --measures answers
}
check "shares of answers" shares_are_of_answers
check "an answer that ask gives" steers_as_ask_does
check "shards" is_the_same_in_shards
check "figures" is_drawn
check "texts are needed" needs_texts
check "no steering without languages" refuses_use "steering is to languages" --steer counts --measures likelihood \
    --neurons neurons.json
check "no languages without answers" refuses_use "not measured" --languages "$bundle/count.jsonl" --measures likelihood
check "no languages of texts" is_wrong_usage "are for questions" \
    eval "$model" "$bundle/test.jsonl" --languages "$bundle/count.jsonl"
done_testing
