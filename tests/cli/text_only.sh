#!/bin/sh
# Language models alone, of every form: the commands work without a picture, and refuse one.
. "$top_srcdir/tests/cli/setup.sh"

checkpoints=$top_srcdir/golden/checkpoints
photo=$images/wide.jpg
[ -f "$checkpoints/llama-2/config.json" ] || skip_all "$checkpoints/llama-2 is not there"

printf '%s\n' '{"id":"1","domain":"short","question":"Where is the cat?"}' \
    '{"id":"2","domain":"long","prompt":"Every neuron of a layer reads the same numbers."}' \
    >"$work/list.jsonl"
printf '%s\n' '{"id":"1","domain":"seen","question":"What?","image":"wide.jpg"}' \
    >"$work/with-image.jsonl"
ln -s "$photo" "$work/wide.jpg"

has_no_vision() {
    exits 0 $MMNEURON info "$1" || return 1
    ! grep -q '^vision\|^projector' "$work/out" && grep -q '^language ' "$work/out"
}

# The same prompt, as it stands and from the dump's ids.
dumps_and_verifies() {
    exits 0 $MMNEURON dump "$1" -o "$work/dump" --prompt "Where is it?" --generate 2 &&
        exits 0 $MMNEURON dump "$1" -o "$work/again" --inputs "$work/dump" --generate 2 &&
        exits 0 $MMNEURON verify "$work/again" "$work/dump"
}

has_no_json() {
    ! prints_json "$@"
}

counts_and_ranks() {
    exits 0 $MMNEURON count "$1" "$work/list.jsonl" -o "$work/counts" &&
        exits 0 $MMNEURON rank "$work/counts" -o "$work/neurons.json" --rate 0.05 --bar 0.5 &&
        exits 0 $MMNEURON perturb "$1" "$work/list.jsonl" --neurons "$work/neurons.json" --seeds 1
}

for name in llama-2 llama-3 mistral bloom qwen2 opt phi; do
    only_text=$checkpoints/$name
    can_read "$only_text" || {
        skip "$name" "its tokenizer needs a library that this build leaves out"
        continue
    }
    check "$name is described without a vision tower" has_no_vision "$only_text"
    check "$name answers" exits 0 $MMNEURON ask "$only_text" -n 2 "Who are you?"
    check "$name is dumped, and verifies" dumps_and_verifies "$only_text"
    check "$name's neurons are counted and ranked" counts_and_ranks "$only_text"
    check "$name is read layer by layer" exits 0 $MMNEURON lens "$only_text" "$work/list.jsonl"
done

only_text=$checkpoints/llama-2
sees_from_layer_1() {
    exits 0 $MMNEURON info "$checkpoints/qwen2" && grep -q "the last 4 from layer 1 on" "$work/out"
}
! can_read "$checkpoints/qwen2" ||
    check "info tells which layers have a window" sees_from_layer_1
check "info --json" prints_json language $MMNEURON info --json "$only_text"
check "info --json has no vision" has_no_json vision $MMNEURON info --json "$only_text"
check "a question by a template for chats" exits 0 \
    $MMNEURON ask "$checkpoints/llama-2" -n 2 --template llama-2-chat "Who are you?"
check "a picture is refused" fails_with "reads no images" \
    $MMNEURON ask "$only_text" -n 2 --image "$photo" "What?"
check "a picture in a prompt is refused" fails_with "reads no images" \
    $MMNEURON dump "$only_text" -o "$work/refused" --image "$photo" --prompt "<image> What?"
check "a list with a picture is refused" fails_with "line 1: .*reads no images" \
    $MMNEURON count "$only_text" "$work/with-image.jsonl" -o "$work/refused"
$MMNEURON dump "$model" -o "$work/pixels" --image "$photo" --prompt "<image> What?" --quiet \
    --stages input_ids,pixel_values >/dev/null
check "pixels in a dump are refused" fails_with "reads no images" \
    $MMNEURON dump "$only_text" -o "$work/refused" --inputs "$work/pixels"

done_testing
