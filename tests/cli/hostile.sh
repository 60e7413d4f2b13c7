#!/bin/sh
# Damaged checkpoints, tokenizers, configurations, images, lists and results: hundreds of them, each
# refused with exit code 3 and one sentence, or read where the damage is harmless; never anything
# else, and no output is left behind.
. "$top_srcdir/tests/cli/setup.sh"

damage="$EMULATOR $top_builddir"/tests/cli/damage
photo=$images/wide.jpg
make_list 3 "$work/list.jsonl"

# A copy of the model of which every file is a link; a damaged file replaces its link.
mkdir "$work/model" "$work/new" || exit 1
for file in "$model"/*; do
    ln -s "$file" "$work/model/"
done

# behaves KIND I: the code and the messages of a run on damaged input are as they should be: code 3
# with one sentence, or, if this kind of damage may be harmless, 0.
behaves() {
    case $code in
    3) [ "$(wc -l <"$work/errors")" -eq 1 ] && grep -q '^mmneuron: ' "$work/errors" &&
        ! [ -s "$work/out" ] && [ -z "$(ls -A "$work/new")" ] && return 0 ;;
    0) [ "$1" != cut ] && [ "$1" != erase ] && rm -f "$work/new"/* && return 0 ;;
    esac
    echo "$1 $2 of $times: exit code $code"
    head -n 5 "$work/out" "$work/errors"
    ls -A "$work/new"
    return 1
}

# survives KIND TIMES FILE DAMAGED COMMAND...: the command, run on DAMAGED, copies of FILE that are
# damaged in this many ways, behaves each time.
survives() {
    kind=$1
    times=$2
    original=$3
    damaged=$4
    shift 4
    failures=0
    step=0
    while [ $step -lt "$times" ]; do
        rm -f "$damaged"
        $damage "$kind" "$original" "$damaged" $step "$times" || return 1
        "$@" >"$work/out" 2>"$work/errors"
        code=$?
        step=$((step + 1))
        behaves "$kind" $step && continue
        failures=$((failures + 1))
        [ $failures -lt 3 ] || return 1
    done
    [ $failures -eq 0 ]
}

# model_survives KIND TIMES NAME: as above, for a file of the model.
model_survives() {
    survives "$1" "$2" "$model/$3" "$work/model/$3" \
        $MMNEURON ask "$work/model" -n 1 --image "$photo" "What?"
    result=$?
    ln -sf "$model/$3" "$work/model/$3"
    return $result
}

for name in config.json generation_config.json preprocessor_config.json processor_config.json \
    tokenizer.json model.safetensors.index.json; do
    [ -f "$model/$name" ] || continue
    check "$name cut short" model_survives cut 10 "$name"
    check "$name with its structure broken" model_survives erase 12 "$name"
    check "$name with a bit flipped" model_survives flip 20 "$name"
    check "$name with bytes that are 0" model_survives zero 5 "$name"
done
for file in "$model"/*.safetensors; do
    name=$(basename "$file")
    check "$name cut short" model_survives cut 16 "$name"
    check "$name with a bit of its header flipped" model_survives header 50 "$name"
done
rm "$work/model/tokenizer.json"
check "tokenizer.model with a bit flipped" model_survives flip 40 tokenizer.model
check "tokenizer.model with bytes that are 0" model_survives zero 10 tokenizer.model
ln -s "$model/tokenizer.json" "$work/model/"

# LLaVA-NeXT's own settings: tiles, the separator between rows of features.
next=$top_srcdir/golden/checkpoints/llava-v1.6-mistral
mkdir "$work/next" || exit 1
for file in "$next"/*; do
    ln -s "$file" "$work/next/"
done
for name in config.json preprocessor_config.json; do
    for kind in cut erase flip; do
        check "LLaVA-NeXT's $name: $kind" survives $kind 20 "$next/$name" "$work/next/$name" \
            $MMNEURON info "$work/next"
        ln -sf "$next/$name" "$work/next/$name"
    done
done

# Another vision tower, whose image processor has other settings.
other=$top_srcdir/golden/checkpoints/llava-interleave-qwen
mkdir "$work/other" || exit 1
for file in "$other"/*; do
    ln -s "$file" "$work/other/"
done
for name in config.json preprocessor_config.json; do
    check "SigLIP's $name: flip" survives flip 20 "$other/$name" "$work/other/$name" \
        $MMNEURON info "$work/other"
    ln -sf "$other/$name" "$work/other/$name"
done

run_count() {
    $MMNEURON count "$model" "$1" -o "$work/new/counts" --quiet
    status=$?
    rm -f "$work/new/counts.state"
    return $status
}

damaged_images=wide.jpg
! grep -q '^#define HAVE_LIBPNG' "$top_builddir/config.h" || damaged_images="wide.jpg tiny.png"
for name in $damaged_images; do
    check "$name cut short" survives cut 12 "$images/$name" "$work/$name" \
        $MMNEURON ask "$model" -n 1 --image "$work/$name" "What?"
    check "$name with a bit flipped" survives flip 40 "$images/$name" "$work/$name" \
        $MMNEURON ask "$model" -n 1 --image "$work/$name" "What?"
done
check "a list with a bit flipped" survives flip 40 "$work/list.jsonl" "$work/damaged.jsonl" \
    run_count "$work/damaged.jsonl"
check "a list with its structure broken" survives erase 20 "$work/list.jsonl" \
    "$work/damaged.jsonl" run_count "$work/damaged.jsonl"

$MMNEURON count "$model" "$work/list.jsonl" -o "$work/counts" --quiet >/dev/null
$MMNEURON dump "$model" --prompt "Hello" -o "$work/dump" --quiet >/dev/null
check "counts cut short" survives cut 20 "$work/counts" "$work/damaged" \
    $MMNEURON rank "$work/damaged" -o "$work/new/neurons.json"
check "counts with a bit of the header flipped" survives header 60 "$work/counts" \
    "$work/damaged" $MMNEURON rank "$work/damaged" --json
check "counts to merge with a bit flipped" survives flip 20 "$work/counts" "$work/damaged" \
    $MMNEURON merge "$work/damaged" -o "$work/new/merged"
check "a dump cut short" survives cut 20 "$work/dump" "$work/damaged" \
    $MMNEURON verify "$work/damaged" "$work/dump"
check "a dump with a bit of the header flipped" survives header 60 "$work/dump" \
    "$work/damaged" $MMNEURON digest "$work/damaged"
check "inputs cut short" survives cut 10 "$work/dump" "$work/damaged" \
    $MMNEURON dump "$model" --inputs "$work/damaged" -o "$work/new/dump"
check "inputs with a bit of the header flipped" survives header 40 "$work/dump" \
    "$work/damaged" $MMNEURON dump "$model" --inputs "$work/damaged" -o "$work/new/dump"

done_testing
