#!/bin/sh
# What would silently change an experiment is refused, and done when it is asked for.
. "$top_srcdir/tests/cli/setup.sh"

cp "$images/wide.jpg" "$images/tall.jpg" "$work" || exit 1
cd "$work" || exit 1

# Writes its arguments as the lines of list.jsonl.
write_list() {
    printf '%s\n' "$@" >list.jsonl
}

count() {
    $MMNEURON count "$model" list.jsonl -q -o counts --modules projector "$@"
}

# ---- Keys that no sample has ----------------------------------------------------------------------

write_list '{"domain": "a", "image": "wide.jpg", "question": "What?", "answers": ["x"]}' \
    '{"domain": "b", "image": "tall.jpg", "images": ["tall.jpg"], "question": "What?", "answers": ["x"]}'
key='list.jsonl: line 2, images: .*did you mean "image"?'
check "count names an unknown key, its line and the nearest" fails_with "$key" count
check "a list of questions is evaluated with known keys only" fails_with "$key" \
    $MMNEURON eval "$model" list.jsonl -q -n 1
check "and read by the lens" fails_with "$key" $MMNEURON lens "$model" list.jsonl -q
check "unknown keys are passed over if one says so" \
    exits 0 count --allow-unknown-keys
$MMNEURON rank counts -q -o neurons.json >/dev/null || exit 1
check "hidden states are compared with known keys only" fails_with "$key" \
    $MMNEURON perturb "$model" list.jsonl -q --neurons neurons.json
for command in "eval -n 1" "lens" "perturb --neurons neurons.json --seeds 1 --settings projector"; do
    check "${command%% *} passes over them too" exits 0 $MMNEURON ${command%% *} "$model" list.jsonl \
        -q --allow-unknown-keys ${command#"${command%% *}"}
done

write_list '{"domain": "Eye", "question": "What?"}' '{"domain": "eye", "question": "What?"}'
check "domains that differ in case alone are refused" \
    fails_with 'list.jsonl: line 2, domain: "eye" differs from the domain "Eye"' count

# ---- Copies of one list ---------------------------------------------------------------------------

# merges COPY: a shard counted from the copy is merged with one of the list, as one run counts them.
merges() {
    rm -f one two both
    $MMNEURON count "$model" list.jsonl -q -o one --modules projector --shard 1/2 &&
        $MMNEURON count "$model" "$1" -q -o two --modules projector --shard 2/2 &&
        $MMNEURON merge one two -q -o both && cmp both counts
}

write_list '{"domain": "b", "image": "wide.jpg", "question": "Q1?"}' \
    '{"domain": "a", "image": "tall.jpg", "question": "Q2?"}' \
    '{"domain": "b", "image": "tall.jpg", "question": "Q3?"}'
count >/dev/null || exit 1
sed 's/$/\r/' list.jsonl >crlf.jsonl
check "shards of copies with other line ends are merged" merges crlf.jsonl
printf '\357\273\277%s' "$(sed 's/, "/,"/g; s/: /:/g' list.jsonl)" >dense.jsonl
check "and of copies with other spaces, and no last line end" merges dense.jsonl
sed 's/Q3/Q4/' list.jsonl >other.jsonl
not_merged() {
    ! merges other.jsonl && exits 3 $MMNEURON merge one two -q -o both
}
check "but not of another list" not_merged

# ---- "<image>" in a question ----------------------------------------------------------------------

# shown LINE: the digest of what the model is shown of a list of this line.
shown() {
    write_list "$1"
    rm -f counts
    $MMNEURON count "${2:-$model}" list.jsonl -q -o counts --modules language >out || return 1
    grep -ao '"inputs":"[0-9a-f]*"' counts
}

# shows_the_same LINE LINE [MODEL]
shows_the_same() {
    first=$(shown "$1" "$3") && second=$(shown "$2" "$3") && echo "$first $second" &&
        [ -n "$first" ] && [ "$first" = "$second" ]
}

# answers_alike MODEL OPTION...: to a question that begins with <image> and to the one without.
answers_alike() {
    asked=$1
    shift
    exits 0 $MMNEURON ask "$asked" -q -n 4 -i wide.jpg --json "$@" "What?" || return 1
    grep -v '"prompt"' out >without
    exits 0 $MMNEURON ask "$asked" -q -n 4 -i wide.jpg --json "$@" "<image>
What?" || return 1
    cat out && grep -v '"prompt"' out | cmp - without
}

a='"domain": "a"'
one='"image": "wide.jpg"'
two='"image": ["wide.jpg", "tall.jpg"]'
check "a question that begins with <image> is the one without" shows_the_same \
    "{$a, $one, \"question\": \"<image>\nWhat?\"}" "{$a, $one, \"question\": \"What?\"}"
check "<image> at its end is where the image goes" shows_the_same \
    "{$a, $one, \"question\": \"What?\n<image>\"}" "{$a, $one, \"prompt\": \"What?\n<image>\"}"
check "two of them are for two images" shows_the_same \
    "{$a, $two, \"question\": \"<image> or <image>?\"}" "{$a, $two, \"prompt\": \"<image> or <image>?\"}"
check "one is for two images that are joined" shows_the_same \
    "{$a, $two, \"question\": \"<image>\nWhat?\"}" "{$a, $two, \"question\": \"What?\"}"
blip=$top_srcdir/golden/checkpoints/instructblip
if can_read "$blip"; then
    check "InstructBLIP's image may begin the question too" shows_the_same \
        "{$a, $one, \"question\": \"<image>\nWhat?\"}" "{$a, $one, \"question\": \"What?\"}" "$blip"
    check "whatever the template" answers_alike "$blip" --template instructblip-short-answer
fi

wants_images() {
    write_list "{$a, $one, \"question\": \"<image> or <image>?\", \"answers\": [\"x\"]}"
    fails_with 'list.jsonl: line 1: .*2 "<image>" and there are 1 images' $MMNEURON "$@" -q
}
for command in "count $model list.jsonl -o counts" "eval $model list.jsonl" "lens $model list.jsonl" \
    "perturb $model list.jsonl --neurons neurons.json"; do
    check "${command%% *} wants as many images as the question has <image>" wants_images $command
done
check "so does ask" fails_with '1 "<image>" and there are 0 images' \
    $MMNEURON ask "$model" -q '<image> What?'

check "ask takes the question with <image> as the one without" answers_alike "$model"
llama=$top_srcdir/golden/checkpoints/llama-2
! can_read "$llama" || check "a model of texts reads <image> as text" \
    exits 0 $MMNEURON ask "$llama" -q -n 1 '<image> What?'

# ---- Questions without right answers --------------------------------------------------------------

# cannot_be_right PATTERN MEMBERS: eval refuses the second line of a list, which has these members.
cannot_be_right() {
    write_list '{"domain": "a", "question": "What?", "answers": ["x"]}' \
        "{\"domain\": \"a\", \"question\": \"What?\"$2}"
    fails_with "list.jsonl: line 2, $1" $MMNEURON eval "$model" list.jsonl -q -n 1
}
choice='"metric": "choice", "choices": ["red", "green"]'
check "eval wants answers" cannot_be_right "answers: are missing" ''
check "at least one" cannot_be_right "answers: are missing" ', "answers": []'
check "none of which is empty" cannot_be_right "answers: must not be empty" ', "answers": ["x", " "]'
check "in an array" cannot_be_right "answers: must be an array" ', "answers": "x"'
check "multiple choice wants options" cannot_be_right "choices: must be 2 to 26" \
    ', "answers": ["A"], "metric": "choice"'
check "two at least" cannot_be_right "choices: must be 2 to 26" \
    ', "answers": ["A"], "metric": "choice", "choices": ["red"]'
check "of which the answer is one" cannot_be_right "answers: must be the text or the letter" \
    ", \"answers\": [\"blue\"], $choice"
check "its letter too" cannot_be_right "answers: must be the text or the letter" \
    ", \"answers\": [\"C\"], $choice"
check "and there is one answer" cannot_be_right "answers: must be one option" \
    ", \"answers\": [\"red\", \"green\"], $choice"
check "options want a metric" cannot_be_right "metric: is missing" \
    ', "answers": ["A"], "choices": ["red", "green"]'
has_right_answers() {
    write_list "{\"domain\": \"a\", \"question\": \"What?\", \"answers\": [\"green\"], $choice}" \
        "{\"domain\": \"a\", \"question\": \"What?\", \"answers\": [\"B\"], $choice}" \
        '{"domain": "a", "question": "What?", "answers": ["x", "x", "y"], "metric": "vqa"}'
    exits 0 $MMNEURON eval "$model" list.jsonl -q -n 1
}
check "these can be answered" has_right_answers

# ---- Samples that cannot be read ------------------------------------------------------------------

# leaves_nothing PATTERN OPTION...: the count is refused, and no file stays.
leaves_nothing() {
    pattern=$1
    shift
    rm -f counts counts.state
    fails_with "$pattern" count --skip-bad "$@" && ! [ -e counts ] && ! [ -e counts.state ]
}

write_list '{"domain": "a", "image": "absent.jpg", "question": "What?"}' \
    '{"domain": "b", "image": "list.jsonl", "question": "What?"}'
check "when all samples are skipped, nothing is left" \
    leaves_nothing 'list.jsonl: nothing is left: all of its 2 samples'
write_list '{"domain": "a", "image": "wide.jpg", "question": "What?"}' \
    '{"domain": "b", "image": "absent.jpg", "question": "What?"}'
check "nor of a domain" leaves_nothing 'list.jsonl: nothing is left of the domain "b"'
write_list '{"domain": "a"}' 'x'
check "nor of a list of bad lines" leaves_nothing 'list.jsonl: the list has no samples that can be read'
write_list '{"domain": "a", "image": "wide.jpg", "question": "What?"}' \
    '{"domain": "b", "image": "absent.jpg", "question": "What?"}'
shards_leave_nothing() {
    rm -f one two both
    exits 0 $MMNEURON count "$model" list.jsonl -q -o one --skip-bad --shard 1/2 &&
        exits 0 $MMNEURON count "$model" list.jsonl -q -o two --skip-bad --shard 2/2 &&
        fails_with 'nothing is left of the domain "b"' $MMNEURON merge one two -q -o both &&
        ! [ -e both ]
}
check "nor of shards together" shards_leave_nothing

# ---- Long prompts ---------------------------------------------------------------------------------

# A model of the same shape with another epsilon, made for fewer positions.
mkdir short && ln -s "$model"/* short && rm short/config.json &&
    sed 's/"max_position_embeddings": 4096/"max_position_embeddings": 24/
        s/"rms_norm_eps": 1e-05/"rms_norm_eps": 2e-05/' "$model/config.json" >short/config.json ||
    exit 1
# prints_setting NAME COMMAND...: a JSON result whose settings have this name.
prints_setting() {
    setting=$1
    shift
    exits 0 "$@" && sed -n '/"settings"/,/}/p' out | grep -q "\"$setting\": "
}

prompt="one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
write_list "{\"domain\": \"a\", \"prompt\": \"$prompt\", \"answers\": [\"x\"]}"

count_short() {
    rm -f counts
    $MMNEURON count short list.jsonl -q -o counts "$@"
}

long='takes [0-9]* positions, more than the 24 that'
check "count refuses a long prompt" fails_with "list.jsonl: line 1: the prompt $long" count_short
check "and takes it when it may" exits 0 count_short --allow-long-prompts

# A dump of more positions than the model was made for says so; one of fewer does not.
dump_says_long() {
    exits 0 $MMNEURON dump short --prompt "$1" --stages language.norm -o dump \
        --allow-long-prompts && head -c 400 dump | grep -q '"allow_long_prompts":"true"'
}

not_long() {
    dump_says_long "Who?"
    [ $? -ne 0 ] && [ -s dump ]
}
check "a dump of a long prompt says so" dump_says_long "$(printf '%0300d' 0)"
check "and one of a short prompt does not" not_long
check "which the counts say" grep -aq 'allow_long_prompts' counts
cp counts of-short
$MMNEURON rank counts -q -o short.json >/dev/null || exit 1
for command in "eval short list.jsonl -n 1" "lens short list.jsonl" \
    "perturb short list.jsonl --neurons short.json --seeds 1 --settings language"; do
    check "${command%% *} refuses a long prompt" fails_with "list.jsonl: line 1: the prompt $long" \
        $MMNEURON $command -q
    check "and takes it when it may" exits 0 $MMNEURON $command -q --allow-long-prompts
    check "as its table says" grep -q '^remark: prompts longer' out
    check "and its JSON" prints_setting allow_long_prompts \
        $MMNEURON $command -q --allow-long-prompts --json
done
for command in "ask short -n 1" "contrib short -n 1 --all-words --seeds 0" "dump short -o dump"; do
    check "${command%% *} refuses a long prompt" fails_with "the prompt $long" \
        $MMNEURON $command -q --prompt "$prompt"
done
check "ask takes it when it may" prints_json allow_long_prompts \
    $MMNEURON ask short -q -n 1 --prompt "$prompt" --allow-long-prompts --json
check "dump too" exits 0 $MMNEURON dump short -q -o dump --prompt "$prompt" --allow-long-prompts

# ---- Neurons of another model ---------------------------------------------------------------------

write_list '{"domain": "a", "question": "What?", "answers": ["x"]}'
sed '/"model"/d' short.json >unknown.json
eval="eval $model list.jsonl -n 1 --settings language --seeds 0 --neurons"
lens="lens $model list.jsonl --mask"
perturb="perturb $model list.jsonl --seeds 1 --settings language --neurons"
for command in "$eval" "$lens" "$perturb"; do
    name=${command%% *}
    check "$name refuses neurons of another model" fails_with 'short.json: is of another model' \
        $MMNEURON $command short.json -q
    check "and takes them when it may" exits 0 $MMNEURON $command short.json -q --other-model
    check "as its table says" grep -q '^remark: the neurons are of another model, [0-9a-f]*$' out
    check "and its JSON" prints_setting neurons_model \
        $MMNEURON $command short.json -q --other-model --json
    cp out "$name.json"
    check "it says when a file does not say" exits 0 $MMNEURON $command unknown.json -q
    check "in its table" grep -q "^remark: the neurons' file does not say" out
done
reports() {
    exits 0 $MMNEURON report eval.json lens.json -q -o report.html &&
        grep -q 'In the result of eval the neurons are of another model' report.html &&
        grep -q 'In the result of lens the neurons are of another model' report.html
}
check "a report says so" reports
for options in "--mask short.json" "--neurons short.json --off a"; do
    check "ask ${options%% *} refuses neurons of another model" \
        fails_with 'short.json: is of another model' $MMNEURON ask "$model" -q -n 1 $options "What?"
    check "and takes them when it may" prints_json neurons_model \
        $MMNEURON ask "$model" -q -n 1 $options "What?" --other-model --json
done
check "ask refuses counts of another model" fails_with 'of-short: is of another model' \
    $MMNEURON ask "$model" -q -n 1 --neurons unknown.json --on a --counts of-short "What?"
check "and takes them when it may" exits 0 $MMNEURON ask "$model" -q -n 1 --other-model \
    --neurons unknown.json --on a --counts of-short "What?"
check "a model's own neurons are taken" exits 0 $MMNEURON ask short -q -n 1 --json \
    --mask short.json "What?"
check "without a word" eval '! grep -q neurons_model out'

# ---- Words that are no questions ------------------------------------------------------------------

check "a question without quotation marks is refused" is_wrong_usage 'quotation marks' \
    ask "$model" -i wide.jpg What is this
check "also the end of one" is_wrong_usage 'quotation marks' ask "$model" "What is" this?
check "contrib says how many it takes" is_wrong_usage 'too many arguments' \
    contrib "$model" -i wide.jpg What is this

# ---- Files of another kind ------------------------------------------------------------------------

write_list '{"domain": "a", "image": "wide.jpg", "question": "What?", "answers": ["x"]}' \
    '{"domain": "b", "image": "tall.jpg", "question": "Why?", "answers": ["x"]}'
rm -f counts && count >/dev/null && $MMNEURON rank counts -q -o neurons.json >/dev/null &&
    $MMNEURON dump "$model" -q --prompt hello --stages language.norm -o dump >/dev/null || exit 1
$MMNEURON count "$model" list.jsonl -q -o other --stop-after 1 >/dev/null 2>&1
mv other.state state || exit 1
tr '\n' ' ' <neurons.json >one-line.json
echo '{"format": "mmneuron-detect-1", "domain": "none"}' >detect.json
printf '[\n%s,\n%s]\n' '{"domain": "a", "question": "x"}' '{"domain": "a", "question": "y"}' >array.json
printf '<!DOCTYPE html>\n<html><body>Sign in</body></html>\n' >page
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 13\n' >pointer
echo "It is nothing." >notes.txt

# takes_no KIND FILE COMMAND...: the command, which ends where the file stands, says what that is.
takes_no() {
    kind=$1
    file=$2
    shift 2
    fails_with "$file: this is $kind.*; expected " $MMNEURON "$@" -q
}

shard=$(cd "$model" && ls *.safetensors | head -n 1)

for case in "counts|a counts file" "neurons.json|a file of neurons" "one-line.json|a file of neurons" \
    "dump|a dump" "eval.json|a result of \"mmneuron eval\"" "wide.jpg|a picture" "page|an HTML page" \
    "array.json|a JSON array" "$model|a model's folder" "pointer|a Git LFS pointer" \
    "ranking.tsv|the table that"; do
    file=${case%%|*}
    kind=${case#*|}
    [ -e "$file" ] || file=neurons-ranking.tsv
    check "count takes no list that is $kind" takes_no "$kind" "$file" \
        count "$model" "$file" -o new
done
for command in "eval $model" "lens $model" "perturb $model --neurons neurons.json"; do
    check "${command%% *} takes no list that is a counts file" takes_no "a counts file" counts \
        $command counts
done
for case in "list.jsonl|a list of samples" "neurons.json|a file of neurons" "dump|a dump" \
    "$model/$shard|a file of a model's weights" "wide.jpg|a picture" "page|an HTML page" \
    "notes.txt|a text file" "$model|a model's folder"; do
    file=${case%%|*}
    kind=${case#*|}
    check "rank takes no $kind" takes_no "$kind" "$file" rank "$file"
    check "nor does merge" takes_no "$kind" "$file" merge "$file" -o new
    check "nor ask --counts" takes_no "$kind" "$file" \
        ask "$model" "What?" --neurons neurons.json --on a --counts "$file"
done
check "rank takes no state" fails_with "state of an unfinished run" $MMNEURON rank state
for case in "list.jsonl|a list of samples" "counts|a counts file" "dump|a dump" "wide.jpg|a picture" \
    "eval.json|a result of" "detect.json|a result of another command" "page|an HTML page" \
    "$model|a model's folder" "state|the state of a count"; do
    file=${case%%|*}
    kind=${case#*|}
    check "eval takes no neurons that are $kind" takes_no "$kind" "$file" \
        eval "$model" list.jsonl --neurons "$file"
done
for command in "lens $model list.jsonl --mask" "perturb $model list.jsonl --neurons" \
    "ask $model What? --mask" "ask $model What? --off a --neurons"; do
    check "${command%% *} takes no neurons that are a counts file" takes_no "a counts file" counts \
        $command counts
done
for case in "list.jsonl|a list of samples" "counts|a counts file" "wide.jpg|a picture" \
    "$model/$shard|a file of a model's weights" "$model/config.json|the configuration"; do
    file=${case%%|*}
    kind=${case#*|}
    check "$kind is no model" takes_no "$kind" "$file" info "$file"
    [ "$kind" = "a picture" ] ||
        check "nor a picture" takes_no "$kind" "$file" ask "$model" "What?" -i "$file"
done
for command in "verify counts dump" "verify dump counts" "digest counts" \
    "dump $model --inputs counts -o new"; do
    check "${command%% *} takes no counts" takes_no "a counts file" counts $command
done
check "report takes no list" takes_no "a list of samples" list.jsonl report list.jsonl -o new
check "nor a dump" takes_no "a dump" dump report dump -o new

# A pointer that git left in a model's folder, and a page that a proxy sent.
mkdir pointers && ln -s "$model"/* pointers && rm "pointers/$shard" &&
    cp pointer "pointers/$shard"
check "weights that Git LFS has to fetch are named" takes_no "a Git LFS pointer" \
    "$shard" info pointers
rm pointers/config.json && cp page pointers/config.json
check "so is a page instead of a configuration" takes_no "an HTML page" config.json info pointers

# What a folder that is none holds instead, and what to do about a list that is nearly one.
mkdir -p above/inner/model other/snapshots/1f gguf weights
ln -s "$model"/* above/inner/model
ln -s "$model"/* other/snapshots/1f
: >gguf/small.gguf
: >weights/model.safetensors
check "a folder above a model's says where that is" fails_with "give above/inner/model$" $MMNEURON info above
check "so does the hub's cache" fails_with "give other/snapshots/1f$" $MMNEURON info other
check "a folder of a GGUF file" fails_with "small.gguf is a model for llama.cpp" $MMNEURON info gguf
check "a folder of weights alone" fails_with "hf download" $MMNEURON info weights
mkdir empty
check "an empty folder" fails_with "save_pretrained" $MMNEURON info empty
check "a file in a model's folder" fails_with "expected the folder that it lies in" \
    $MMNEURON info "$model/config.json"
check "an array comes with the command that makes a list of it" fails_with 'jq -c "\.\[\]"' \
    $MMNEURON count "$model" array.json -o new

# newcomer PATTERN LINE: what eval says of a list of this line.
newcomer() {
    printf '%s\n' "$2" >newcomer.jsonl
    fails_with "$1" $MMNEURON eval "$model" newcomer.jsonl -o new
}
check "an object on several lines" newcomer "a sample is one line" '{"domain": "a",
"question": "x"}'
check "no domain" newcomer 'domain: is missing.*"domain": "medical"' '{"question": "x"}'
check "no answers" newcomer 'answers: are missing.*"answers": \["house"\]' \
    '{"domain": "a", "question": "x"}'
check "a picture that is not beside the list" newcomer "absent.jpg.*relative to the list's folder" \
    '{"domain": "a", "question": "x", "image": "absent.jpg", "answers": ["y"]}'

command="hf download llava-hf/llava-1.5-7b-hf --local-dir llava-1.5-7b-hf"
for name in llava-hf/llava-1.5-7b-hf https://huggingface.co/llava-hf/llava-1.5-7b-hf \
    https://huggingface.co/llava-hf/llava-1.5-7b-hf/tree/main hf.co/llava-hf/llava-1.5-7b-hf; do
    check "$name comes with the command that downloads it" fails_with "$command" $MMNEURON info "$name"
done
no_command() {
    fails_with "is not a folder; expected" $MMNEURON info "$1" && ! grep -q 'hf download' errors
}
check "a folder that is not there does not" no_command short/absent
check "nor one below this one" no_command ./a/b
check "nor an absolute one" no_command /a/b

done_testing
