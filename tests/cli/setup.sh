# For the tests of the program: a scratch folder, a model, a list of samples. Sourced.
. "$top_srcdir/tests/tools/tap.sh"

model=$top_srcdir/golden/checkpoints/llava-1.5
images=$top_srcdir/golden/images
[ -f "$model/config.json" ] || skip_all "$model is not there"

# On disk rather than in memory: count syncs its state to it.
work=$(mktemp -d "${TMPDIR:-/tmp}/mmneuron-cli.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# exits CODE COMMAND...: the command ends with this code; its output is in $work/out and
# $work/errors.
exits() {
    expected=$1
    shift
    "$@" >"$work/out" 2>"$work/errors"
    code=$?
    [ $code -eq "$expected" ] && return 0
    echo "exit code $code instead of $expected: $*"
    cat "$work/out" "$work/errors"
    return 1
}

# can_read MODEL: whether this build has the libraries that the model's tokenizer needs.
can_read() {
    ! $MMNEURON info "$1" 2>&1 | grep -q "which this build leaves out"
}

# fails_with PATTERN COMMAND...: exit code 3, nothing on standard output, and one line on standard
# error that holds the pattern.
fails_with() {
    pattern=$1
    shift
    exits 3 "$@" || return 1
    if [ -s "$work/out" ] || [ "$(wc -l <"$work/errors")" -ne 1 ] ||
        ! grep -q "^mmneuron: .*$pattern" "$work/errors"; then
        echo "not one line with \"$pattern\":"
        cat "$work/out" "$work/errors"
        return 1
    fi
}

# is_wrong_usage PATTERN ARGUMENT...: exit code 2, and a message that holds the pattern.
is_wrong_usage() {
    pattern=$1
    shift
    exits 2 $MMNEURON "$@" || return 1
    if [ -s "$work/out" ] || ! head -n 1 "$work/errors" | grep -q -e "$pattern" ||
        ! sed -n 2p "$work/errors" | grep -q '^Try "mmneuron'; then
        echo "not \"$pattern\" and a hint:"
        cat "$work/out" "$work/errors"
        return 1
    fi
}

# prints_json KEY COMMAND...: exit code 0 and a JSON object that has this key.
prints_json() {
    key=$1
    shift
    exits 0 "$@" || return 1
    $EMULATOR "$top_builddir/tests/cli/json_has" "$key" <"$work/out"
}

# Writes a list of $1 samples in two domains to $2.
make_list() {
    set -- "$1" "$2" "$images/tall.jpg" "$images/wide.jpg" "$images/grey.jpg"
    sample=0
    while [ $sample -lt "$1" ]; do
        case $((sample % 3)) in
        0) line="\"everyday\", \"image\": \"$3\", \"question\": \"What is number $sample?\"" ;;
        1) line="\"medical\", \"image\": \"$4\", \"question\": \"Which organ, $sample?\"" ;;
        2) line="\"medical\", \"image\": \"$5\", \"question\": \"Is $sample well?\"" ;;
        esac
        echo "{\"id\": \"$sample\", \"domain\": $line, \"answers\": [\"yes\"]}"
        sample=$((sample + 1))
    done >"$2"
}

# make_edit_list FILE "DOMAIN PICTURE WORD"...: a list of edits of such words of answers, to be "in" instead.
make_edit_list() {
    edits=$1
    shift
    for edit in "$@"; do
        set -- $edit
        printf '{"domain": "%s", "image": "%s", "prompt": "USER: <image>\\nWhat is this? ASSISTANT:", "from": "%s", "to": "in", ' \
            $1 "$images/$2.jpg" $3
        printf '"general": [{}], "local": [{"image": "%s"}]}\n' "$images/tall.jpg"
    done >"$edits"
}

# Makes what studies need: a list of questions, one of texts, one of sentences, and neurons of the first one's domains, in
# $work.
make_study_files() {
    make_list 9 "$work/list.jsonl"
    for letter in a b c d e f g h i; do
        for domain in everyday medical; do
            echo "{\"id\": \"$letter\", \"domain\": \"$domain\", \"prompt\": \"The $letter was $letter and $domain.\"}"
        done
    done >"$work/sentences.jsonl"
    sed 's/"id": "[a-i]", //; s/"prompt"/"text"/' "$work/sentences.jsonl" >"$work/texts.jsonl"
    exits 0 $MMNEURON count "$model" "$work/list.jsonl" -q -o "$work/counts" &&
        exits 0 $MMNEURON rank "$work/counts" --rate 0.05 -o "$work/neurons.json"
}

# start_caught COMMAND...: starts it in the background, with signals as a terminal's foreground has them, and
# waits until it catches them or has ended. Sets $process; its messages are in $work/errors.
start_caught() {
    env --default-signal=INT,TERM "$@" >/dev/null 2>"$work/errors" &
    process=$!
    waited=0
    until grep -q '^SigCgt:.*[2367abef]$' /proc/$process/status 2>/dev/null; do
        sleep 0.01
        waited=$((waited + 1))
        [ $waited -lt 1000 ] || return 1
        kill -0 $process 2>/dev/null || return 0
    done
}

# Whether signals reach the program as they would from a terminal.
can_signal() {
    [ -z "$EMULATOR" ] && env --default-signal=INT true 2>/dev/null
}
