#!/bin/sh
# Counts and ranks the demo's samples, dumps every stage of one, and switches neurons off: the
# digests are those published in golden/demo/digests. Every kind of build runs this, so that all of
# them are compared with each other too. With any number of threads, in one run, in shards, or
# interrupted and resumed, the same bytes are counted (shown with fewer samples, since some builds
# are slow). And dumps a prompt through one tiny model of every kind of language model.
#
# To publish digests that are meant to have changed, with the variables as make check sets them:
#     tests/cross/digests.sh --print >golden/demo/digests
. "$top_srcdir/tests/cross/results.sh"

demo=$top_srcdir/golden/demo
model=$demo/model
list=$demo/DATA.jsonl
published=$demo/digests
needs_model
needs_pictures

# Prints "DIGEST  STAGE" for every stage of a prefill and of a few generated tokens.
stage_digests() {
    $MMNEURON dump "$model" --image "$top_srcdir/golden/images/wide.jpg" \
        --prompt "USER: <image>
What is this? ASSISTANT:" --generate 4 -o "$work/dump" --quiet "$@" >&2 &&
        $MMNEURON digest "$work/dump"
}

# perturbation_digest COUNTS OPTION...: of what switching off the neurons that a counts file gives
# does to one sample of each domain.
perturbation_digest() {
    file=$1
    shift
    $MMNEURON rank "$file" -o "$work/off.json" --rate 0.05 --quiet >/dev/null &&
        result_digest perturbation perturb --neurons "$work/off.json" --samples 1 --seeds 2 "$@"
}

# lens_digest OPTION...: of every stage that the lens reads of one sample of each domain.
lens_digest() {
    result_digest lens lens --samples 1 --stages out,attn.out,mid,mlp.out "$@"
}

# siglip_digest: of every stage of a model with SigLIP's vision tower.
siglip_digest() {
    $MMNEURON dump "$top_srcdir/golden/checkpoints/llava-interleave-qwen" \
        --image "$top_srcdir/golden/images/wide.jpg" --prompt "<|im_start|>user
<image>
What is this?<|im_end|>
<|im_start|>assistant
" --generate 4 -o "$work/siglip" --quiet >&2 &&
        $MMNEURON digest "$work/siglip" | sha256sum | sed "s/^\\(.\\{32\\}\\).*/\\1  siglip/"
}

# instructblip_digest: of every stage of a model with a Q-Former, and of the neurons that one sample of
# each domain gives there.
instructblip_digest() {
    (
        model=$top_srcdir/golden/checkpoints/instructblip
        $MMNEURON dump "$model" --image "$top_srcdir/golden/images/wide.jpg" \
            --prompt "What is unusual about this image?" --generate 4 -o "$work/instructblip" \
            --quiet >&2 && count_to "$work/instructblip-counts" --samples 1 >&2 &&
            { $MMNEURON digest "$work/instructblip" &&
                ranking_digest ranking "$work/instructblip-counts" --rate 0.05; } | sha256sum |
            sed "s/^\\(.\\{32\\}\\).*/\\1  instructblip/"
    )
}

# text_digests OPTION...: of all stages of a prompt and a few generated tokens.
text_digests() {
    for name in llama-2 llama-3 mistral bloom qwen2 opt phi; do
        $MMNEURON dump "$top_srcdir/golden/checkpoints/$name" --prompt "How many neurons are there?" \
            --generate 4 -o "$work/text" --quiet "$@" >&2 &&
            $MMNEURON digest "$work/text" | sed -n "s|  all\$|  text/$name|p" || return 1
    done
}

# judge_digest OPTION...: of all stages of what a judge of answers reads, more tokens than buckets.
judge_digest() {
    $MMNEURON dump "$top_srcdir/golden/checkpoints/deberta-v3-few-buckets" --ids "$(seq -s, 1 64)" \
        -o "$work/judge" --quiet "$@" >&2 &&
        $MMNEURON digest "$work/judge" | sed -n "s|  all\$|  judge|p"
}

# detector_digest OPTION...: of all stages of a detector's towers and heads, without a tokenizer or an image library.
detector_digest() {
    $MMNEURON dump "$top_srcdir/golden/checkpoints/owlvit-bf16" --quiet "$@" \
        --inputs "$top_srcdir/golden/cases/owlvit-bf16/cat.safetensors" -o "$work/detector" >&2 &&
        $MMNEURON digest "$work/detector" | sed -n "s|  all\$|  detector|p"
}

# gradients_digest OPTION...: of the way back through a projector of packed tiles and a Q-Former to the pixels.
gradients_digest() {
    for name in llava-v1.6-mistral instructblip; do
        $MMNEURON dump "$top_srcdir/golden/checkpoints/$name" --quiet "$@" --stages "grad.*" --gradient-of cat \
            --inputs "$top_srcdir/golden/cases/$name/tiny.safetensors" -o "$work/gradients" >&2 &&
            $MMNEURON digest "$work/gradients" || return 1
    done >"$work/result"
    sha256sum <"$work/result" | sed "s/^\\(.\\{32\\}\\).*/\\1  gradients/"
}

# window_digest OPTION...: of how often each neuron of a language model is active in windows of texts.
window_digest() {
    (
        model=$top_srcdir/golden/checkpoints/llama-3
        list=$work/texts.jsonl
        printf '%s\n' '{"domain": "de", "text": "Jedes Neuron einer Schicht liest dieselben Zahlen."}' \
            '{"domain": "en", "text": "Every neuron of a layer reads the same numbers."}' \
            '{"domain": "en", "text": "The next text goes on in the same window."}' >"$list"
        count_to "$work/windows" --window 9 "$@" >&2 &&
            $MMNEURON rank "$work/windows" -o "$work/windows.json" --rate 1 --bar 0.001 --quiet \
                >/dev/null &&
            sha256sum <"$work/windows.ranking.tsv" | sed "s/^\\(.\\{32\\}\\).*/\\1  windows/"
    )
}

# perplexity_digest OPTION...: of reading the same texts with the neurons off that they give.
perplexity_digest() {
    (
        model=$top_srcdir/golden/checkpoints/llama-3
        list=$work/texts.jsonl
        $MMNEURON rank "$work/windows" -o "$work/off.json" --rate 0.1 --bar 0.5 --quiet >/dev/null &&
            result_digest perplexity eval --neurons "$work/off.json" --window 9 --seeds 2 "$@"
    )
}

# contributions_digest OPTION...: of the neurons behind an answer, and of disturbing them, without the
# version and the picture's path.
contributions_digest() {
    $MMNEURON contrib "$model" --image "$top_srcdir/golden/images/wide.jpg" \
        --prompt "USER: <image>
What is this? ASSISTANT:" --generate 4 --all-words --activation product --seeds 1 --quiet --json \
        "$@" >"$work/result.json" &&
        sed -e '/"version"/d' -e '/"images"/d' "$work/result.json" | sha256sum |
        sed "s/^\\(.\\{32\\}\\).*/\\1  contributions/"
}

# contribution_list_digest OPTION...: of the neurons behind the answers to several pictures, shuffled, and with
# noise in weights, too.
contribution_list_digest() {
    for name in wide retina tall square; do
        printf '{"domain": "%s", "image": "%s", "prompt": "USER: <image>\\nName it. ASSISTANT:"}\n' \
            $name "$top_srcdir/golden/images/$name.jpg"
    done >"$work/pictures.jsonl"
    $MMNEURON contrib "$model" "$work/pictures.jsonl" -n 4 --all-words --seeds 1 --weight-noise 0.25 \
        --at-least 2 --shuffles 2 --quiet --json "$@" >"$work/result.json" &&
        sed -e '/"version"/d' -e '/"list"/d' "$work/result.json" | sha256sum |
        sed "s/^\\(.\\{32\\}\\).*/\\1  contributions-of-list/"
}

# attributions_digest OPTION...: of the neurons to which gradients attribute the words of answers.
attributions_digest() {
    for name in wide tall; do
        printf '{"domain": "%s", "image": "%s", "prompt": "USER: <image>\\nName it. ASSISTANT:"}\n' \
            $name "$top_srcdir/golden/images/$name.jpg"
    done >"$work/pictures.jsonl"
    $MMNEURON contrib "$model" "$work/pictures.jsonl" --by gradient -n 4 --all-words --seeds 0 \
        --quiet --json "$@" >"$work/result.json" &&
        sed -e '/"version"/d' -e '/"list"/d' "$work/result.json" | sha256sum |
        sed "s/^\\(.\\{32\\}\\).*/\\1  attributions/"
}

# beams_digest OPTION...: of answers that several beams searched for.
beams_digest() {
    for name in llava-1.5 instructblip; do
        $MMNEURON ask "$top_srcdir/golden/checkpoints/$name" --num-beams 4 --length-penalty 2 -n 12 \
            --early-stopping never --repetition-penalty 1.5 --quiet --json \
            --image "$top_srcdir/golden/images/tall.jpg" "Where is the cup?" "$@" || return 1
    done >"$work/result.json"
    sha256sum <"$work/result.json" | sed "s/^\\(.\\{32\\}\\).*/\\1  beams/"
}

if [ "$1" = --print ]; then
    count_to "$work/counts" >&2 && ranking_digest ranking "$work/counts" && stage_digests &&
        perturbation_digest "$work/counts" && lens_digest && siglip_digest &&
        instructblip_digest && text_digests && contributions_digest && judge_digest && detector_digest &&
        gradients_digest && window_digest && perplexity_digest && beams_digest && contribution_list_digest &&
        attributions_digest
    exit
fi

ranks_as_published() {
    count_to "$work/counts" && is_published ranking ranking_digest ranking "$work/counts"
}

dumps_as_published() {
    stage_digests --threads "$1" >"$work/found" &&
        grep -v -e '  ranking$' -e '  perturbation$' -e '  lens$' -e '  siglip$' \
            -e '  instructblip$' -e '  text/' -e '  contributions$' -e '  windows$' -e '  perplexity$' \
            -e '  beams$' -e '  contributions-of-list$' -e '  attributions$' -e '  judge$' -e '  detector$' -e '  gradients$' \
            "$published" |
        diff - "$work/found"
}

texts_as_published() {
    text_digests --threads "$1" >"$work/found" && grep '  text/' "$published" | diff - "$work/found"
}

# count_few_to FILE OPTION...: counts one sample of each domain.
count_few_to() {
    count_to "$@" --samples 1
}

counts_on_threads() {
    count_few_to "$work/few-$1" --threads "$1" && cmp "$work/few-1" "$work/few-$1"
}

counts_in_shards() {
    for shard in 1 2 3; do
        count_few_to "$work/shard-$shard" --shard $shard/3 || return 1
    done
    $MMNEURON merge "$work/shard-2" "$work/shard-3" "$work/shard-1" -o "$work/merged" --quiet &&
        cmp "$work/few-1" "$work/merged"
}

counts_in_two_runs() {
    if count_few_to "$work/resumed" --stop-after 3 || [ -e "$work/resumed" ]; then
        echo "the run was not interrupted"
        return 1
    fi
    count_few_to "$work/resumed" && cmp "$work/few-1" "$work/resumed"
}

check "the ranking's digest is the published one" ranks_as_published
# An emulator takes minutes for one round of these.
[ -z "$EMULATOR" ] && numbers="1 2 7" || numbers="1 2"
for threads in $numbers; do
    check "every stage's digest is the published one on $threads threads" \
        dumps_as_published $threads
    check "the same is counted on $threads threads" counts_on_threads $threads
    check "the same is perturbed on $threads threads" \
        is_published perturbation perturbation_digest "$work/counts" --threads $threads
    check "every language model's digest is the published one on $threads threads" \
        texts_as_published $threads
    check "the same is counted in windows on $threads threads" \
        is_published windows window_digest --threads $threads
    check "the same texts are as perplexing on $threads threads" \
        is_published perplexity perplexity_digest --threads $threads
    check "the same is read on $threads threads" is_published lens lens_digest --threads $threads
    check "beams find the same on $threads threads" \
        is_published beams beams_digest --threads $threads
    check "the same contributes on $threads threads" \
        is_published contributions contributions_digest --threads $threads
    check "the same contributes to a list on $threads threads" \
        is_published contributions-of-list contribution_list_digest --threads $threads
    check "the same is attributed to neurons on $threads threads" \
        is_published attributions attributions_digest --threads $threads
    check "the judge's digest is the published one on $threads threads" \
        is_published judge judge_digest --threads $threads
    check "the detector's digest is the published one on $threads threads" \
        is_published detector detector_digest --threads $threads
    check "gradients are the published ones on $threads threads" \
        is_published gradients gradients_digest --threads $threads
done
check "every stage of a model with SigLIP's tower is the published one" \
    is_published siglip siglip_digest
check "every stage and the neurons of an InstructBLIP" \
    is_published instructblip instructblip_digest
check "three shards, merged, are one run" counts_in_shards
check "an interrupted and resumed run is one run" counts_in_two_runs

done_testing
