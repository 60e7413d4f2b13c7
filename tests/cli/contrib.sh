#!/bin/sh
# mmneuron contrib end to end: what it prints and writes, and what it refuses.
. "$top_srcdir/tests/cli/setup.sh"

prompt="USER: <image>
What is this? ASSISTANT:"

# contributions OPTION...: of a short answer to one picture.
contributions() {
    $MMNEURON contrib "$model" --image "$images/wide.jpg" --prompt "$prompt" --generate 6 --quiet "$@"
}

prints_a_table() {
    exits 0 contributions --seeds 2 && grep -q '^answer: ".*shal' "$work/out" &&
        grep -q '^shal: token "▁sh.*, ln p = -' "$work/out" &&
        grep -q '^  *[0-2]  *[0-9]*  *[0-9.]*  *[-0-9.]*  *[-0-9.]*  "' "$work/out" &&
        grep -q 'off:   random neurons .* of 2$' "$work/out"
}

writes_what_it_prints() {
    exits 0 contributions --seeds 1 --json -o "$work/contrib.json" &&
        cmp "$work/out" "$work/contrib.json" &&
        grep -q '"format": "mmneuron-contrib-1"' "$work/contrib.json"
}

# With a question as with the prompt that the template makes of it.
takes_a_question() {
    exits 0 $MMNEURON contrib "$model" "What is this?" --image "$images/wide.jpg" --generate 6 \
        --template raw --all-words --seeds 0 --quiet && ! grep -q disturbed "$work/out"
}

takes_no_picture() {
    exits 0 $MMNEURON contrib "$model" --prompt "Which is it?" --generate 8 --all-words --seeds 0 \
        --json --quiet && grep -q '"grid": null' "$work/out" && ! grep -q activations "$work/out"
}

# The bar of a map that is enlarged first is another; nothing else changes but the setting that says so.
enlarges_maps() {
    exits 0 contributions --seeds 0 --json && cp "$work/out" "$work/patches" &&
        exits 0 contributions --seeds 0 --json --mask patches && cmp "$work/out" "$work/patches" &&
        exits 0 contributions --seeds 0 --json --mask enlarged && ! cmp -s "$work/out" "$work/patches" &&
        grep -q '"mask": "enlarged"' "$work/out" || return 1
    sed 's/, "mask": "enlarged"//; s/"bar": [^,]*,//' "$work/out" >"$work/without"
    sed 's/"bar": [^,]*,//' "$work/patches" | cmp - "$work/without"
}

adds_noise_to_weights() {
    exits 0 contributions --seeds 2 --weight-noise 0.5 && grep -q 'weights: these neurons .* of 2$' "$work/out" &&
        grep -q 'weights: random neurons .* of 2$' "$work/out"
}

# A line for each neuron of each word, and the same names as in the result; no list is overwritten.
writes_names() {
    make_list 3 "$work/list.jsonl"
    exits 0 $MMNEURON contrib "$model" "$work/list.jsonl" -n 4 --all-words --seeds 1 --top 3 --names 2 -q \
        --name-rows "$work/names.jsonl" -o "$work/list.json" &&
        [ "$(wc -l <"$work/names.jsonl")" -eq "$(grep -c '"layer": .*"score"' "$work/list.json")" ] &&
        grep -o '"word": "[^"]*", "value"' "$work/list.json" | sed 's/"word": //; s/, "value"//' >"$work/expected" &&
        sed 's/.*"names": \[//; s/\]}$//; s/, "/\n"/g' "$work/names.jsonl" | cmp - "$work/expected" &&
        [ -s "$work/expected" ] &&
        exits 2 $MMNEURON contrib "$model" "$work/list.jsonl" -n 4 -q --name-rows "$work/list.jsonl"
}

# A list's result, what is printed, and its rows, whatever is named in the sample.
looks_through_a_list() {
    make_list 3 "$work/list.jsonl"
    exits 0 $MMNEURON contrib "$model" "$work/list.jsonl" -n 4 --all-words --seeds 1 --weight-noise 0.1 -q \
        --rows "$work/rows.jsonl" -o "$work/list.json" &&
        grep -q '^by contribution$' "$work/out" && grep -q '^by activation$' "$work/out" &&
        grep -q '"format": "mmneuron-contrib-list-1"' "$work/list.json" &&
        [ "$(grep -c '"active_names": \[' "$work/rows.jsonl")" -eq "$(wc -l <"$work/list.jsonl")" ] &&
        sed 's/}$/, "words": ["nobody"]}/' "$work/list.jsonl" >"$work/named.jsonl" &&
        exits 0 $MMNEURON contrib "$model" "$work/named.jsonl" -n 4 -q --json && ! grep -q '"spoken": \[$' "$work/out"
}

# By gradients: another order of neurons, shards of it, and samples without a picture refused by their line.
chooses_by_gradients() {
    make_list 2 "$work/pictured.jsonl"
    exits 0 contributions --by gradient --seeds 0 && grep -q '^  layer  neuron  attribution' "$work/out" || return 1
    for shard in 1/2 2/2; do
        exits 0 $MMNEURON contrib "$model" "$work/pictured.jsonl" -n 2 --all-words --seeds 0 --by gradient -q \
            --rows "$work/rows-${shard%/2}" --shard $shard || return 1
    done
    exits 0 $MMNEURON merge "$work/rows-1" "$work/rows-2" -o "$work/merged.json" -q &&
        exits 0 $MMNEURON contrib "$model" "$work/pictured.jsonl" -n 2 --all-words --seeds 0 --by gradient -q \
            -o "$work/whole.json" && cmp "$work/whole.json" "$work/merged.json" &&
        grep -q '^by gradient$' "$work/out" && exits 0 $MMNEURON report "$work/whole.json" -o "$work/page.html" -q
}

refuses_gradients_without_a_picture() {
    printf '{"domain": "a", "prompt": "Who?"}\n' >"$work/plain.jsonl"
    fails_with "there is no image" $MMNEURON contrib "$model" "$work/plain.jsonl" --all-words -n 2 --by gradient -q
}

names_the_word_that_is_not_there() {
    contributions --word elephant >"$work/out" 2>"$work/errors"
    [ $? -eq 2 ] && [ ! -s "$work/out" ] && grep -q 'has no word "elephant"' "$work/errors"
}

check "a table" prints_a_table
check "a file with what --json prints" writes_what_it_prints
check "a question" takes_a_question
check "no picture" takes_no_picture
check "one word" exits 0 contributions --word SHAL --seeds 0 --top 1 --names 1
check "maps that are enlarged" enlarges_maps
check "noise in weights" adds_noise_to_weights
check "a list" looks_through_a_list
check "names for other programs" writes_names
check "neurons by gradients" chooses_by_gradients
check "no gradients without a picture" refuses_gradients_without_a_picture
check "another order" is_wrong_usage "contribution or gradient" contrib "$model" a --by name
check "no names of a shard" is_wrong_usage "a shard has rows" contrib "$model" a.jsonl --name-rows n --shard 1/2 -o x
check "no list's options without a list" is_wrong_usage "are for a list" contrib "$model" a --shuffles 1
check "no shards without a list" is_wrong_usage "are for a list" contrib "$model" a --shard 1/2 -o x
check "no prompt beside a list" is_wrong_usage "have theirs" contrib "$model" a.jsonl --prompt b
check "no maps of a list" is_wrong_usage "no maps" contrib "$model" a.jsonl --mask enlarged
check "another mask" is_wrong_usage "patches or enlarged" contrib "$model" a --mask blue
check "a list that is not there" fails_with "none.jsonl" $MMNEURON contrib "$model" "$work/none.jsonl" -q
check "a word that is not in the answer" names_the_word_that_is_not_there
check "no question" is_wrong_usage "question or --prompt" contrib "$model"
check "question and prompt" is_wrong_usage "one or the other" contrib "$model" a --prompt b
check "another activation" is_wrong_usage "gate or product" contrib "$model" a --activation up
check "a word and all words" is_wrong_usage "exclude each other" \
    contrib "$model" a --word b --all-words
check "a picture that is not there" fails_with "none.jpg" \
    $MMNEURON contrib "$model" --image "$work/none.jpg" --prompt "$prompt" --quiet

done_testing
