#!/bin/sh
# Detection, end to end: what is found in a picture, printed and written; what is refused.
. "$top_srcdir/tests/cli/setup.sh"

detector=$top_srcdir/golden/checkpoints/owlvit
can_read "$detector" || skip_all "this build leaves out what the detector's tokenizer needs"
detect() {
    exits 0 $MMNEURON detect "$detector" --image "$images/wide.jpg" --query "a photo of a red ball" "$@"
}

prints_a_table() {
    detect && [ "$(grep -c "^  a photo of a red ball  *0\.[0-9]" "$work/out")" = 21 ] &&
        detect --threshold 0.99 && grep -q "nothing has a score above 0.99" "$work/out"
}

writes_what_it_prints() {
    detect --query "a cup" --json || return 1
    cp "$work/out" "$work/printed"
    detect --query "a cup" -o "$work/found.json" && cmp "$work/printed" "$work/found.json" &&
        grep -q '"format": "mmneuron-detect-1"' "$work/found.json"
}

# writes_the_same OPTION...
writes_the_same() {
    detect --query "a cup" "$@" -o "$work/other.json" && cmp "$work/found.json" "$work/other.json"
}

shows_boxes() {
    exits 0 $MMNEURON report "$work/found.json" --images "$images" -o "$work/page.html" &&
        grep -q '<image.*href="data:image/jpeg' "$work/page.html" && grep -q '>1: 0\.[0-9]*<' "$work/page.html"
}

# The same graphic as report makes of the file, and the same file.
draws_them() {
    detect --query "a cup" --picture "$work/found.svg" -o "$work/other.json" && cmp "$work/found.json" "$work/other.json" &&
        exits 0 $MMNEURON report "$work/found.json" --images "$images" --format svg --figure detections \
            -o "$work/reported.svg" && cmp "$work/found.svg" "$work/reported.svg" &&
        grep -q '<image.*href="data:image/jpeg' "$work/found.svg"
}

draws_the_picture_alone() {
    detect --threshold 0.99 --picture "$work/none.svg" && grep -q '<image' "$work/none.svg" &&
        grep -q "Nothing has a score above" "$work/none.svg" && ! grep -q '<path class="line' "$work/none.svg"
}

# With librsvg, which is not everywhere; else that is said before the work.
draws_pixels_or_says_so() {
    if ! grep -q '^#define HAVE_LIBRSVG' "$top_builddir/config.h"; then
        exits 2 $MMNEURON detect "$detector" --image "$work/none.jpg" --query "a cup" --picture "$work/found.png" -q &&
            grep -q "built without librsvg" "$work/errors"
        return
    fi
    detect --picture "$work/found.png" && head -c 4 "$work/found.png" | grep -q PNG
}

# Where the picture cannot be drawn that is said before the work, and nothing is overwritten or left.
keeps_what_is_there() {
    cp "$images/wide.jpg" "$work/own.svg"
    exits 2 $MMNEURON detect "$detector" --image "$work/own.svg" --query "a cup" --picture "$work/own.svg" -q &&
        cmp "$images/wide.jpg" "$work/own.svg" &&
        fails_with "no-folder" $MMNEURON detect "$detector" --image "$work/none.jpg" --query "a cup" \
            --picture "$work/no-folder/found.svg" -q &&
        [ -z "$(find "$work" -name '*lock*')" ]
}

# What a detector is: two towers and boxes, and nothing of prompts and answers. Its sizes are those that
# golden/make_owlvit.py gave it.
is_described() {
    exits 0 $MMNEURON info "$detector" && ! grep -q '^template\|^generation\|^language' "$work/out" &&
        grep -q '^vision  *owlvit: 2 layers of width 36, 3 heads; images of 80 x 80 in patches of 16$' "$work/out" &&
        grep -q '^queries  *owlvit_text_model: 2 layers of width 32, 4 heads; vocabulary of 608$' "$work/out" &&
        grep -q '^context  *16 positions$' "$work/out" && grep -q '^detects .* in 25 boxes' "$work/out" &&
        prints_json detector_boxes $MMNEURON info --json "$detector"
}

check "a description" is_described
check "a table" prints_a_table
check "a file" writes_what_it_prints
check "a figure of it" shows_boxes
check "a picture of it" draws_them
check "a picture in which nothing is found" draws_the_picture_alone
check "a picture in PNG" draws_pixels_or_says_so
check "a picture that cannot be drawn" keeps_what_is_there
check "a picture of another kind" is_wrong_usage "ends in .svg, .png or .pdf" detect "$detector" \
    --image "$images/wide.jpg" --query "a cup" --picture "$work/found.jpeg"
check "a picture in the file's place" is_wrong_usage "two files" detect "$detector" \
    --image "$images/wide.jpg" --query "a cup" --picture "$work/x.svg" -o "$work/x.svg"
check "one thread" writes_the_same --threads 1
check "three threads" writes_the_same --threads 3
check "the reference's kernels" writes_the_same --simd reference
check "no query" is_wrong_usage "query TEXT is missing" detect "$detector" --image "$images/wide.jpg"
check "no picture" is_wrong_usage "picture" detect "$detector" --query "a cup"
check "a threshold above 1" is_wrong_usage "threshold" \
    detect "$detector" --image "$images/wide.jpg" --query "a cup" --threshold 1.5
check "a long query" fails_with "query 2.*17 tokens.*at most 16" $MMNEURON detect "$detector" \
    --image "$images/wide.jpg" --query "a cup" --query "1 2 3 4 5 6 7 8 9 1 2 3 4 5 6" -q
check "a model that is no detector" fails_with "is no detector" \
    $MMNEURON detect "$model" --image "$images/wide.jpg" --query "a cup" -q
check "a picture that is not there" fails_with "none.jpg" \
    $MMNEURON detect "$detector" --image "$work/none.jpg" --query "a cup" -q
check "a detector does not answer" fails_with "no language model" $MMNEURON ask "$detector" Why -q
check "a detector's stages are dumped" exits 0 $MMNEURON dump "$detector" --image "$images/wide.jpg" \
    --prompt "a cup" -o "$work/dump" -q

done_testing
