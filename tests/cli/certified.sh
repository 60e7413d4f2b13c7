#!/bin/sh
# What is certified, was used: files that are there and cannot be read, counts and states that were
# damaged.
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
if can_read "$top_srcdir/golden/checkpoints/llava-interleave-qwen"; then
    check "a model without its preprocessor_config.json" fails_with \
        "no preprocessor_config.json" $MMNEURON info "$work/llava-interleave-qwen"
else
    skip "a model without its preprocessor_config.json" "this build cannot read its tokenizer"
fi

# Counts and a state of which anything changed are refused, by every command that reads them.
damage="$EMULATOR $top_builddir"/tests/cli/damage
make_list 3 "$work/list.jsonl"
$MMNEURON count "$model" "$work/list.jsonl" -o "$work/counts" --quiet >/dev/null
$MMNEURON count "$model" "$work/list.jsonl" -o "$work/stopped" --stop-after 1 --quiet \
    >/dev/null 2>&1

# refuses_damage KIND TIMES FILE DAMAGED COMMAND...
refuses_damage() {
    kind=$1
    times=$2
    original=$3
    damaged=$4
    shift 4
    step=0
    while [ $step -lt "$times" ]; do
        $damage "$kind" "$original" "$damaged" $step "$times" || return 1
        step=$((step + 1))
        ! cmp -s "$original" "$damaged" || continue # zeros already
        fails_with "$damaged" "$@" || return 1
        ! [ -e "$work/new" ] || return 1
    done
}

check "counts with a bit flipped are not ranked" refuses_damage flip 25 "$work/counts" \
    "$work/damaged" $MMNEURON rank "$work/damaged" -o "$work/new"
check "counts with bytes that are 0 are not ranked" refuses_damage zero 10 "$work/counts" \
    "$work/damaged" $MMNEURON rank "$work/damaged" -o "$work/new"
check "counts with a bit flipped are not merged" refuses_damage flip 9 "$work/counts" \
    "$work/damaged" $MMNEURON merge "$work/damaged" -o "$work/new"
check "counts with a bit flipped are not reported" refuses_damage flip 9 "$work/counts" \
    "$work/damaged" $MMNEURON report "$work/damaged" -o "$work/new"
check "a state with a bit flipped is not resumed" refuses_damage flip 9 "$work/stopped.state" \
    "$work/new.state" $MMNEURON count "$model" "$work/list.jsonl" -o "$work/new" --quiet
check "a state with bytes that are 0 is not resumed" refuses_damage zero 5 "$work/stopped.state" \
    "$work/new.state" $MMNEURON count "$model" "$work/list.jsonl" -o "$work/new" --quiet

# A dump that is written to while it is compared.
verify_looks_again() {
    exits 0 $MMNEURON dump "$model" --prompt "$(printf '%01500d' 0)" -o "$work/dump" \
        --stages 'language.layers.*' || return 1
    cp "$work/dump" "$work/reference"
    for file in dump reference; do
        (trap exit TERM; while touch "$work/$file"; do :; done) & # no touch outlives it
        touching=$!
        fails_with "$file: was written to after it was opened" $MMNEURON verify "$work/dump" \
            "$work/reference"
        result=$?
        kill $touching
        wait $touching 2>/dev/null
        [ $result -eq 0 ] || return 1
    done
    exits 0 $MMNEURON verify "$work/dump" "$work/reference"
}
check "verify looks at its files again" verify_looks_again
check "a mapped file that gets shorter is named, and ends the program with code 3" \
    fails_with "$work/shortened: can no longer be read" \
    $EMULATOR "$top_builddir/tests/cli/shortened" "$work/shortened"

done_testing
