#!/bin/sh
# The joint model, end to end: what is printed and written, the same on all threads and kernels; what is refused.
. "$top_srcdir/tests/cli/setup.sh"

detector=$top_srcdir/golden/checkpoints/owlvit-bf16
can_read "$detector" || skip_all "this build leaves out what the detector's tokenizer needs"
align=$top_srcdir/golden/joint/relu.safetensors
prompt="<image> There is a"
locate() {
    exits 0 $MMNEURON locate "$detector" "$model" --align "$align" --image "$images/cat.jpg" --prompt "$prompt" \
        -n 4 "$@"
}

answers() {
    locate && grep -q "^answer: ." "$work/out" && ! grep -q "^word:" "$work/out" &&
        locate --word cat && grep -q '^word:   "at", logit ' "$work/out" &&
        grep -q '^map:    largest around x [0-9.]*, y [0-9.]*$' "$work/out"
}

writes_what_it_prints() {
    locate --word cat --from cat --to "red ball" --json || return 1
    cp "$work/out" "$work/printed"
    locate --word cat --from cat --to "red ball" -o "$work/located.json" && cmp "$work/printed" "$work/located.json" &&
        grep -q '"format": "mmneuron-locate-1"' "$work/located.json"
}

# writes_the_same OPTION...
writes_the_same() {
    locate --word cat --from cat --to "red ball" "$@" -o "$work/other.json" && cmp "$work/located.json" "$work/other.json"
}

# The same graphic as report makes of the file.
draws_the_map() {
    locate --word cat --from cat --to "red ball" --picture "$work/located.svg" -o "$work/other.json" &&
        cmp "$work/located.json" "$work/other.json" &&
        exits 0 $MMNEURON report "$work/located.json" --images "$images" --format svg -o "$work/figures" &&
        cmp "$work/located.svg" "$work/figures/located.svg" && [ -s "$work/figures/perturbed.svg" ] &&
        [ "$(grep -c '<image.*href="data:image/jpeg' "$work/located.svg")" = 2 ]
}

answers_again() {
    locate --from cat --to dog --epsilon 0.5 && grep -q "^after:  ." "$work/out" &&
        grep -q '"cat" to "dog" by 0.5: logits differ by [-0-9.]* before, [-0-9.]* after$' "$work/out" &&
        ! grep -q "^map:" "$work/out"
}

check "an answer and a word" answers
check "an answer after a perturbation" answers_again
check "a file" writes_what_it_prints
check "a picture of it" draws_the_map
check "a picture of no word" is_wrong_usage "which --word names" locate "$detector" "$model" --align "$align" \
    --image "$images/cat.jpg" --prompt "$prompt" --picture "$work/x.svg"
check "one thread" writes_the_same --threads 1
check "three threads" writes_the_same --threads 3
check "the reference's kernels" writes_the_same --simd reference
check "no alignment" is_wrong_usage "network between" locate "$detector" "$model" --image "$images/cat.jpg" \
    --prompt "$prompt"
check "unknown weights" exits 2 $MMNEURON locate "$detector" "$model" --align "$align" --image "$images/cat.jpg" \
    --prompt "$prompt" --word cat --weights all -q
check "half a perturbation" is_wrong_usage "go together" locate "$detector" "$model" --align "$align" \
    --image "$images/cat.jpg" --prompt "$prompt" --to dog
check "no prompt" is_wrong_usage "MODEL reads" locate "$detector" "$model" --align "$align" --image "$images/cat.jpg"
check "a picture that is not there" fails_with "none.jpg" $MMNEURON locate "$detector" "$model" --align "$align" \
    --image "$work/none.jpg" --prompt "$prompt" -q
check "a model in the place of the alignment" fails_with "linear_1" $MMNEURON locate "$detector" "$model" \
    --align "$model/model-00001-of-00003.safetensors" --image "$images/cat.jpg" --prompt "$prompt" -q
check "a prompt without the picture" fails_with "<image>" $MMNEURON locate "$detector" "$model" --align "$align" \
    --image "$images/cat.jpg" --prompt "There is a" -q

done_testing
