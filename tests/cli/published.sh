#!/bin/sh
# What is published beside the weights is read as Python and transformers read it, or refused by
# name.
. "$top_srcdir/tests/cli/setup.sh"

# copy_model NAME: the files of a golden model, in $work/NAME.
copy_model() {
    rm -rf "${work:?}/$1"
    cp -R "$top_srcdir/golden/checkpoints/$1" "$work/$1" && chmod -R u+w "$work/$1"
}

# begin_with TEXT FILE: puts TEXT behind the file's first brace.
begin_with() {
    sed "1s|^{|{$1|" "$2" >"$work/changed" && ! cmp -s "$work/changed" "$2" &&
        mv "$work/changed" "$2"
}

# ---- JSON ----------------------------------------------------------------------------------------

# reads_odd MODEL FILE...: numbers that nobody asks for, an escaped zero, and null for what is
# optional.
reads_odd() {
    copied=$1
    copy_model "$copied" || return 1
    shift
    for file; do
        begin_with '"a": NaN, "b": [-Infinity, 1e999, {"c": Infinity}], "d\\u0000": "\\u0000", "huge": 1000000000000000019884624838656, "e": -9223372036854775809,' \
            "$work/$copied/$file" || return 1
    done
    exits 0 $MMNEURON info "$work/$copied"
}

reads_null() {
    copy_model llava-1.5 || return 1
    begin_with '"quantization_config": null, "mm_vision_tower": null, "rope_scaling": null, "image_token_id": null,' \
        "$work/llava-1.5/config.json" || return 1
    exits 0 $MMNEURON info "$work/llava-1.5"
}

# refuses_value KEY VALUE PATTERN: with VALUE under KEY of its config.json a model is refused.
refuses_value() {
    copy_model llama-2 || return 1
    sed "s|\"$1\": [^,]*|\"$1\": $2|" "$work/llama-2/config.json" >"$work/changed"
    mv "$work/changed" "$work/llama-2/config.json"
    fails_with "config.json: $1: $3" $MMNEURON info "$work/llama-2"
}

# Sampling stays off unless asked, so that nobody reads this top_k; info says it.
tells_odd_number() {
    copy_model llama-2 || return 1
    sed '1s|^{|{"top_k": Infinity,|' "$work/llama-2/generation_config.json" >"$work/changed" &&
        mv "$work/changed" "$work/llama-2/generation_config.json"
    exits 0 $MMNEURON info "$work/llama-2" && grep -q 'top_k "Infinity"' "$work/out"
}

refuses_zero_byte() {
    copy_model llama-2 || return 1
    sed '1s|^{|{"a": 1~,|' "$work/llama-2/config.json" | tr '~' '\0' >"$work/changed"
    mv "$work/changed" "$work/llama-2/config.json"
    fails_with 'config.json: line 1, column 8: not valid JSON: a zero byte' \
        $MMNEURON info "$work/llama-2"
}

if can_read "$model"; then
    check "odd numbers in every file of a model" reads_odd llava-1.5 config.json \
        generation_config.json preprocessor_config.json tokenizer.json tokenizer_config.json
    check "odd numbers in an index" reads_odd llama-2 model.safetensors.index.json
    check "null means absent" reads_null
fi
check "an odd number is told" tells_odd_number
check "NaN under a key that is used" \
    refuses_value rms_norm_eps NaN 'must be between .* and is NaN'
check "a huge integer under a key that is used" refuses_value vocab_size \
    1000000000000000019884624838656 'must be an integer between .* and is 1000000000000000019884'
check "NaN as a text" refuses_value model_type NaN 'must be a text and is a number'
check "a zero byte behind a number" refuses_zero_byte

# ---- Tokens --------------------------------------------------------------------------------------

# has_ids COUNT PROMPT FOLDER: the prompt has so many ids.
has_ids() {
    exits 0 $MMNEURON dump "$3" --prompt "$2" --stages input_ids -o "$work/ids.safetensors" &&
        grep -q ": $1 positions" "$work/out" || {
        cat "$work/out"
        return 1
    }
}

# Of the tokens of llama-2's tokenizer_config.json, which alone LLaMA's class knows.
knows_config_tokens() {
    copy_model llama-2 || return 1
    config=$work/llama-2/tokenizer_config.json
    sed 's|"<image>"|"<\|im_start\|>"|; s|"content": "<pad>"|"content": "<\|im_end\|>"|' "$config" \
        >"$work/changed" && mv "$work/changed" "$config"
    has_ids 3 '<|im_start|><|im_end|>' "$work/llama-2" &&
        has_ids 6 '<|im_start|>user' "$work/llama-2"
}

# A token that only a name adds has no row in the embedding; only its use is an error.
refuses_token_without_row() {
    copy_model bloom || return 1
    names=
    for number in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29; do
        names="$names \"own${number}_token\": \"<own$number>\","
    done
    begin_with "$names" "$work/bloom/tokenizer_config.json" || return 1
    exits 0 $MMNEURON info "$work/bloom" || return 1
    fails_with 'the token "<own29>" has the id 512, and .* ends before 512' \
        $MMNEURON dump "$work/bloom" --prompt 'a <own29>' -o "$work/ids.safetensors"
}

refuses_split_special() {
    copy_model llama-2 && begin_with '"split_special_tokens": true,' \
        "$work/llama-2/tokenizer_config.json" || return 1
    fails_with 'tokenizer_config.json: split_special_tokens: is true, which is not supported' \
        $MMNEURON info "$work/llama-2"
}

check "tokens that only tokenizer_config.json has" knows_config_tokens
if can_read "$top_srcdir/golden/checkpoints/bloom"; then
    check "a token beyond the embedding" refuses_token_without_row
fi
check "split_special_tokens" refuses_split_special

# ---- The image's token ---------------------------------------------------------------------------

# rename_image: llava-1.5 whose tokenizer calls the image's token <picture>.
rename_image() {
    copy_model llava-1.5 || return 1
    for file in tokenizer.json tokenizer_config.json added_tokens.json; do
        sed 's|"<image>"|"<picture>"|' "$work/llava-1.5/$file" >"$work/changed" &&
            mv "$work/changed" "$work/llava-1.5/$file" || return 1
    done
}

refuses_other_image_id() {
    copy_model llava-1.5 || return 1
    sed 's|"image_token_index": 480|"image_token_index": 477|' "$work/llava-1.5/config.json" \
        >"$work/changed" && mv "$work/changed" "$work/llava-1.5/config.json"
    pattern='"<image>", which marks .* the id 480, and config.json says 477, which is "'
    fails_with "$pattern" $MMNEURON dump "$work/llava-1.5" --image "$images/tiny.png" \
        --prompt 'USER: <image>' -o "$work/ids.safetensors" &&
        fails_with "$pattern" $MMNEURON dump "$work/llava-1.5" --prompt 'USER: <image>' \
            -o "$work/ids.safetensors" &&
        fails_with "$pattern" $MMNEURON ask "$work/llava-1.5" --image "$images/tiny.png" 'What?' &&
        has_ids 2 'USER' "$work/llava-1.5"
}

refuses_missing_image_token() {
    rename_image && rm "$work/llava-1.5/processor_config.json" || return 1
    fails_with 'has no token "<image>", which marks an image.s place and has the id 480' \
        $MMNEURON dump "$work/llava-1.5" --image "$images/tiny.png" --prompt 'USER: <image>' \
        -o "$work/ids.safetensors"
}

# "<image>" stands for what the files call the image's token, and that may be written too.
spells_image_token() {
    rename_image || return 1
    echo '{"image_token": "<picture>"}' >"$work/llava-1.5/processor_config.json"
    for prompt in 'USER: <image>' 'USER: <picture>'; do
        exits 0 $MMNEURON dump "$work/llava-1.5" --image "$images/tall.jpg" --prompt "$prompt" \
            --stages input_ids -o "$work/ids.safetensors" &&
            grep -q ', 16 of them image features' "$work/out" || return 1
    done
}

if can_read "$model"; then
    check "an image's token with another id" refuses_other_image_id
    check "no image's token" refuses_missing_image_token
    check "an image's token of another name" spells_image_token
fi

done_testing
