#!/bin/sh
# The original LLaVA's own layout: the tower in a folder of its own, and what is refused.
. "$top_srcdir/tests/cli/setup.sh"

linear=llava-linear-224 marked=llava-linear-marks tower=clip-vit-large-patch14

# copy_model NAME: the files of a golden model, in $work/model.
copy_model() {
    rm -rf "$work/model"
    cp -R "$top_srcdir/golden/checkpoints/$1" "$work/model" && chmod -R u+w "$work/model"
}

# change FILE EXPRESSION: edits a file of the copy by sed, which must change something.
change() {
    sed "$2" "$work/model/$1" >"$work/changed" && ! cmp -s "$work/changed" "$work/model/$1" &&
        mv "$work/changed" "$work/model/$1"
}

# refuses KEY VALUE PATTERN: with VALUE under KEY of its config.json the linear model is refused.
refuses() {
    copy_model $linear && change config.json "s|\"$1\": [^,]*|\"$1\": $2|" || return 1
    fails_with "config.json: $1: .*$3" $MMNEURON info "$work/model"
}

# refuses_tower FILE EXPRESSION PATTERN: with the change of a file of the tower's it is refused.
refuses_tower() {
    copy_model $linear && change "$tower/$1" "$2" || return 1
    fails_with "$tower/$1: .*$3" $MMNEURON info "$work/model"
}

resizes_tower() {
    copy_model $linear && change $tower/config.json 's|"image_size": 224|"image_size": 210|' || return 1
    fails_with "$tower/model.safetensors: vision_model.embeddings.position_embedding.weight: shape is .257, 24." \
        $MMNEURON info "$work/model"
}

check "a layer beyond the tower's" refuses mm_vision_select_layer 4 'between -4 and 3'
check "a feature of another name" refuses mm_vision_select_feature '"cls"' '"cls_patch"'
check "another width than the tower's" refuses mm_hidden_size 1024 "the vision tower's hidden_size is 24"
check "no projector" refuses use_mm_proj false 'must be true'
check "tiles" refuses image_aspect_ratio '"anyres"' 'llava-hf'
check "marks that are no switch" refuses mm_use_im_start_end 1 'true or false'
check "a language model of no width" refuses hidden_size 0 'between 1'

adds_projector() {
    copy_model $linear && change config.json "1s|^{|{\"mm_projector_type\": \"$1\",|" || return 1
    fails_with "$2" $MMNEURON info "$work/model"
}
check "a projector of another form" adds_projector identity 'mm_projector_type: must be "linear"'
check "a projector of two layers that has one" adds_projector mlp2x_gelu \
    'multi_modal_projector.linear_1.weight: tensor is missing'

check "a tower of another kind" refuses_tower config.json 's|"clip"|"blip"|' 'model_type: must be "clip"'
check "a tower of another size" resizes_tower
check "a tower that is no object" refuses_tower config.json '1s|^{|[{|;$s|}$|}]|' 'JSON object'
check "pictures of another size" refuses_tower preprocessor_config.json 's|224|336|' \
    'the vision tower reads 224x224'

# misses FILE PATTERN: without a file of the tower's it is refused.
misses() {
    copy_model $linear && rm "$work/model/$tower/$1" || return 1
    fails_with "$2" $MMNEURON info "$work/model"
}
check "no tower" misses config.json "mm_vision_tower: .*$tower, has no config.json"
check "no weights of the tower" misses model.safetensors "$tower: .*holds neither"
check "no settings of pictures" misses preprocessor_config.json "$tower: there is no preprocessor_config"

cut_off() {
    copy_model $linear && head -c 5000 "$work/model/$tower/model.safetensors" >"$work/cut" &&
        mv "$work/cut" "$work/model/$tower/model.safetensors" || return 1
    fails_with "$tower/model.safetensors: " $MMNEURON info "$work/model"
}
check "a tower's file that is cut off" cut_off

# ids PROMPT MODEL FILE: the prompt's input_ids with a picture, as a dump.
ids() {
    exits 0 $MMNEURON dump -q --stages input_ids --image "$images/grey.jpg" --prompt "$1" -o "$3" "$2"
}

marks_stand_once() {
    marked_folder=$top_srcdir/golden/checkpoints/$marked
    ids 'a <image> b' "$marked_folder" "$work/bare" &&
        ids 'a <im_start><image><im_end> b' "$marked_folder" "$work/marked" &&
        cmp "$work/bare" "$work/marked"
}
check "marks that the prompt has are not doubled" marks_stand_once

lacks_marks() {
    copy_model $marked && rm "$work/model/added_tokens.json" &&
        change tokenizer_config.json 's|<im_start>|<im_begin>|' || return 1
    fails_with 'has no token "<im_start>"' $MMNEURON dump -q --image "$images/grey.jpg" \
        --prompt '<image>' -o "$work/d" "$work/model"
}
check "marks that the tokenizer lacks" lacks_marks

check "an unknown token in the text of a picture's prompt" fails_with "has the token 0, which stands for images" \
    $MMNEURON dump -q --image "$images/grey.jpg" --prompt '<image> <unk>' -o "$work/d" \
    "$top_srcdir/golden/checkpoints/$linear"
check "a picture without its place" fails_with 'the prompt has 0 "<image>"' \
    $MMNEURON dump -q --image "$images/grey.jpg" --prompt 'What?' -o "$work/d" \
    "$top_srcdir/golden/checkpoints/$linear"

lists_modules() {
    exits 0 $MMNEURON info "$top_srcdir/golden/checkpoints/$linear" &&
        ! grep -q '^projector' "$work/out" && grep -q '^vision ' "$work/out" &&
        exits 0 $MMNEURON info "$top_srcdir/golden/checkpoints/llava-mlp-336" && grep -q '^projector' "$work/out"
}
check "one layer has no neurons, two have" lists_modules

done_testing
