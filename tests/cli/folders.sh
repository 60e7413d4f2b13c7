#!/bin/sh
# What lies in a model's folder and is not read, or is not needed: said, or done without.
. "$top_srcdir/tests/cli/setup.sh"

text_model=$top_srcdir/golden/checkpoints/qwen2

# copy_model NAME: a folder with the files of the text model.
copy_model() {
    mkdir "$work/$1"
    cp "$text_model"/* "$work/$1"
    chmod -R u+w "$work/$1"
}

# remarks PATTERN FOLDER: info has the remark on standard output, another command on standard error.
remarks() {
    exits 0 $MMNEURON info "$work/$2" && grep -q "^remark  *.*$1" "$work/out" &&
        [ ! -s "$work/errors" ] || return 1
    exits 0 $MMNEURON dump "$work/$2" --ids 1,2 --stages language.norm -o "$work/dump" &&
        grep -q "^mmneuron: .*$1" "$work/errors" || return 1
    exits 0 $MMNEURON dump -q "$work/$2" --ids 1,2 --stages language.norm -o "$work/dump" &&
        [ ! -s "$work/errors" ] || return 1
    prints_json remarks $MMNEURON info --json "$work/$2"
}

says_nothing() {
    exits 0 $MMNEURON info "$text_model" && ! grep -q remark "$work/out"
}

# The same numbers from ids as from a file of ids, with the tokenizer or without.
runs_ids() {
    case=$top_srcdir/golden/cases/qwen2/sentence.safetensors
    exits 0 $MMNEURON dump "$text_model" --inputs "$case" -o "$work/inputs" || return 1
    for folder in "$text_model" "$work/untold"; do
        exits 0 $MMNEURON dump "$folder" --inputs "$case" -o "$work/dump" &&
            cmp "$work/dump" "$work/inputs" || return 1
    done
    exits 0 $MMNEURON verify "$work/dump" "$case" --stages "language.*" || return 1
    exits 0 $MMNEURON dump "$text_model" --ids 5,6,7 -o "$work/with" &&
        exits 0 $MMNEURON dump "$work/untold" --ids 5,6,7 --generate 3 -o "$work/without" &&
        exits 0 $MMNEURON verify "$work/without" "$work/with"
}

copy_model adapter
echo '{"peft_type": "LORA"}' >"$work/adapter/adapter_config.json"
copy_model stray
echo '{"weight_map": {"lm_head.weight": "model-00001-of-00001.safetensors"}}' \
    >"$work/stray/model.safetensors.index.json"
copy_model untold
rm "$work/untold/tokenizer.json" "$work/untold/tokenizer_config.json"

if can_read "$text_model"; then
    check "an adapter beside the weights" remarks 'an adapter (LoRA)' adapter
    check "a single file beside an index" remarks 'beside model.safetensors.index.json' stray
    check "no remark where there is nothing to say" says_nothing
    check "ids need no tokenizer" runs_ids
else
    skip "remarks, and ids without a tokenizer" "this build cannot read the model's tokenizer"
fi
check "a prompt needs a tokenizer" fails_with 'tokenizer' $MMNEURON dump "$work/untold" \
    --prompt Hello -o "$work/dump"
check "no id is left out" is_wrong_usage 'separated by commas' dump "$model" --ids 1,,2 -o x
check "no id is negative" is_wrong_usage 'separated by commas' dump "$model" --ids -1 -o x
check "ids and a prompt" is_wrong_usage 'give one of them' dump "$model" --ids 1 --prompt x -o x
check "ids and an image" is_wrong_usage 'give one of them' dump "$model" --ids 1 \
    --image "$images/cat.jpg" -o x
check "an id beyond the vocabulary" fails_with 'expected 0 to' $MMNEURON dump "$model" \
    --ids 2147483647 -o "$work/dump"

done_testing
