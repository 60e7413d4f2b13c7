#!/bin/sh
# What the studies of texts, of words and of recordings find, and the ways to select neurons: the digests are those
# published in golden/demo/study-digests. Every kind of build runs this, with one thread and with two.
#
# To publish digests that are meant to have changed, with the variables as make check sets them:
#     tests/cross/studies.sh --print >golden/demo/study-digests
. "$top_srcdir/tests/cross/results.sh"

published=$top_srcdir/golden/demo/study-digests
model=$top_srcdir/golden/checkpoints/llama-3
list=$work/texts.jsonl
needs_model
needs_pictures

printf '%s\n' '{"domain": "de", "text": "Jedes Neuron einer Schicht liest dieselben Zahlen."}' \
    '{"domain": "en", "text": "Every neuron of a layer reads the same numbers."}' >"$list"
printf '%s\n' '{"id": "1", "domain": "de", "prompt": "Die Katze schläft.", "metric": "language", "answers": ["x"]}' \
    '{"id": "1", "domain": "en", "prompt": "The cat sleeps.", "metric": "language", "answers": ["x"]}' \
    '{"id": "2", "domain": "de", "prompt": "Es regnet.", "metric": "language", "answers": ["x"]}' \
    '{"id": "2", "domain": "en", "prompt": "It rains.", "metric": "language", "answers": ["x"]}' >"$work/sentences.jsonl"

# selections_digests OPTION...: of the neurons that each way to select them gives.
selections_digests() {
    count_to "$work/counts" --window 9 --magnitudes "$@" >&2 || return 1
    for way in probability value-entropy random; do
        ranking_digest "$way" "$work/counts" --by $way --seed 3 --rate 0.1 --bar 0.5 || return 1
    done
}

sweep_digest() {
    result_digest sweep sweep --neurons "$work/counts" --settings all@0.1/0.5,all@0.3/0.5 --window 9 --seeds 1 "$@"
}

# of_sentences NAME COMMAND OPTION...: as result_digest, of the sentences.
of_sentences() {
    (
        list=$work/sentences.jsonl
        result_digest "$@"
    )
}

nearest_digest() {
    $MMNEURON lens "$top_srcdir/golden/demo/model" "$top_srcdir/golden/demo/DATA.jsonl" --samples 1 --examples 2 \
        --nearest 3 --quiet --json "$@" >"$work/result.json" &&
        sed -n '/"nearest"/,$p' "$work/result.json" | sed -e '/"images*"/d' | sha256sum |
        sed "s/^\\(.\\{32\\}\\).*/\\1  nearest/"
}

encode_digest() {
    recordings=$top_srcdir/tests/study/data/encode
    $MMNEURON encode "$recordings/responses.safetensors" --features "both=$recordings/both.safetensors" \
        --features "vision=$recordings/vision.safetensors" --compare both:vision --draws 20 --quiet --json "$@" \
        >"$work/result.json" &&
        sed -e '/"version"/d' -e '/"features"/d' -e '/"responses"/d' -e '/"file"/d' "$work/result.json" | sha256sum |
        sed "s/^\\(.\\{32\\}\\).*/\\1  encode/"
}

# edit_digest METHOD OPTION...
edit_digest() {
    method=$1
    shift
    $MMNEURON edit "$top_srcdir/golden/checkpoints/llava-1.5" "What is this?" --image "$top_srcdir/golden/images/wide.jpg" \
        -n 6 --from shal --to in -o "$work/delta.safetensors" --method "$method" --quiet --json "$@" >"$work/result.json" &&
        sed -e '/"version"/d' -e '/"delta"/d' -e '/"images"/d' "$work/result.json" | sha256sum |
        sed "s/^\\(.\\{32\\}\\).*/\\1  $method edit/"
}

encode_model_digest() {
    made=$top_srcdir/tests/study/data/features
    $MMNEURON encode "$top_srcdir/golden/checkpoints/llava-1.5" "$made/events.jsonl" "$made/responses.safetensors" \
        --pool mean --draws 5 --quiet --json "$@" >"$work/result.json" &&
        sed -e '/"version"/d' -e '/"responses"/d' -e 's/"digest": "[^"]*"//' "$work/result.json" | sha256sum |
        sed "s/^\(.\{32\}\).*/\1  encode of a model/"
}

# joint_digest COMMAND ARGUMENT...: of what is read through a detector.
detector=$top_srcdir/golden/checkpoints/owlvit-bf16
joint_digest() {
    command=$1
    shift
    $MMNEURON "$command" "$@" --quiet --json >"$work/result.json" &&
        sed -e '/"version"/d' -e '/"image"/d' -e '/"list"/d' "$work/result.json" | sha256sum |
        sed "s/^\(.\{32\}\).*/\1  $command/"
}

# locate_digest OPTION...: of a word's boxes and of a perturbation.
locate_digest() {
    joint_digest locate "$detector" "$top_srcdir/golden/checkpoints/llava-1.5" \
        --align "$top_srcdir/golden/joint/relu.safetensors" --image "$top_srcdir/golden/images/wide.jpg" \
        --prompt "<image> There is a" -n 4 --word cat --from cat --to dog "$@"
}

# drawn_digest COMMAND OPTION...: of pictures of drawn things.
drawn_digest() {
    drawn=$top_srcdir/models/joint
    command=$1
    shift
    joint_digest "$command" "$drawn/detector" "$drawn/model" "$drawn/images/objects.jsonl" \
        --align "$drawn/alignment.safetensors" --samples 2 "$@"
}

bias_digest() {
    drawn_digest bias --from cat --to dog --property cook -n 4 "$@"
}

# all_digests THREADS
all_digests() {
    selections_digests --threads "$1" && sweep_digest --threads "$1" &&
        of_sentences similarity similarity --seeds 0 --threads "$1" &&
        of_sentences languages eval --languages "$list" --measures answers -n 8 --threads "$1" &&
        nearest_digest --threads "$1" && encode_digest --threads "$1" &&
        edit_digest direct --threads "$1" && edit_digest optimised --threads "$1" &&
        encode_model_digest --threads "$1"
}

if [ "$1" = --print ]; then
    all_digests 1 && locate_digest && drawn_digest hallucinations && bias_digest
    exit
fi

are_published() {
    all_digests "$1" >"$work/found" && grep -v '  \(locate\|hallucinations\|bias\)$' "$published" | diff - "$work/found"
}

check "what studies find is the published on 1 thread" are_published 1
check "what studies find is the published on 2 threads" are_published 2
for threads in 1 2; do
    if $MMNEURON info "$detector" 2>&1 | grep -q "which this build leaves out"; then
        skip "the same is located on $threads threads" "this build leaves out what the detector's tokenizer needs"
    else
        check "the same is located on $threads threads" is_published locate locate_digest --threads $threads
        check "the same is hallucinated on $threads threads" is_published hallucinations drawn_digest hallucinations \
            --threads $threads
        check "scores move the same on $threads threads" is_published bias bias_digest --threads $threads
    fi
done
done_testing
