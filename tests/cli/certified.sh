#!/bin/sh
# What is certified, was used: files that are there and cannot be read.
. "$top_srcdir/tests/cli/setup.sh"

photo=$images/wide.jpg

# copy_model NAME: links to the files of a golden model, in $work/NAME.
copy_model() {
    mkdir "$work/$1" || exit 1
    for file in "$top_srcdir/golden/checkpoints/$1"/*; do
        ln -s "$file" "$work/$1/"
    done
}

# refuses_unreadable MODEL NAME: as a link to nothing, a link to itself, a folder and a link into a
# file, the file of the model is refused by name.
refuses_unreadable() {
    path=$work/$1/$2
    kept=$(readlink "$path" || echo)
    for kind in dangling loop folder inside; do
        rm -f "$path"
        case $kind in
        dangling) ln -s ../../blobs/nothing "$path" ;;
        loop) ln -s "$2" "$path" ;;
        folder) mkdir "$path" ;;
        inside) ln -s "$photo/x" "$path" ;;
        esac
        fails_with "$2" $MMNEURON info "$work/$1"
        result=$?
        rm -rf "$path"
        [ $result -eq 0 ] || { echo "$2: $kind" && return 1; }
    done
    [ -z "$kept" ] || ln -s "$kept" "$path"
}

copy_model llava-1.5
for name in config.json generation_config.json processor_config.json preprocessor_config.json \
    tokenizer.json tokenizer_config.json special_tokens_map.json added_tokens.json \
    chat_template.jinja chat_template.json model.safetensors; do
    check "an unreadable $name" refuses_unreadable llava-1.5 "$name"
done
rm "$work/llava-1.5/tokenizer.json"
for name in tokenizer.json tokenizer.model tokenizer_config.json special_tokens_map.json \
    added_tokens.json model.safetensors.index.json model-00002-of-00003.safetensors; do
    check "an unreadable $name, without tokenizer.json" refuses_unreadable llava-1.5 "$name"
done

# SigLIP's pictures would get CLIP's mean.
copy_model llava-interleave-qwen
rm "$work/llava-interleave-qwen/preprocessor_config.json"
check "a model without its preprocessor_config.json" fails_with "no preprocessor_config.json" \
    $MMNEURON info "$work/llava-interleave-qwen"

done_testing
