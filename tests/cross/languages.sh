#!/bin/sh
# The language neurons of the model of five languages, and perplexity with them off, with the same bits
# on every machine: the digests are those published in models/five-languages/digests. The neurons are
# those that PyTorch selects, and switching a language's off makes its own perplexity larger than random
# ones do. Under an emulator only a short window or two of each language are read.
#
# To publish digests that are meant to have changed, with the variables as make check sets them:
#     tests/cross/languages.sh --print >models/five-languages/digests
. "$top_srcdir/tests/cross/results.sh"

languages=$top_srcdir/models/five-languages
model=$languages/model
list=$languages/test.jsonl
training=$languages/count.jsonl
rate=0.05
published=$languages/digests
needs_model

# The digests, by name. Those with neurons off need the ones that counted_digest has left.
few_neurons() { counted_digest few-neurons --samples 2 --window 64 "$@"; }
few_perplexities() {
    result_digest few-perplexities eval --neurons "$work/neurons.json" --samples 1 --window 64 \
        --seeds 1 "$@"
}
neurons() { counted_digest neurons "$@"; }
perplexities() { result_digest perplexities eval --neurons "$work/neurons.json" --seeds 5 "$@"; }

# As the digest that golden/make_languages.py made of PyTorch's selection.
are_as_pytorch_selects() {
    wanted=$(sed -n 's/.*"digest": *"\([0-9a-f]*\)".*/\1/p' "$languages/cases/neurons.json")
    [ -n "$wanted" ] && grep "^$wanted  neurons\$" "$published"
}

# A language's own neurons do more to it than the upper end of the random ones' interval, and more than
# to any other language.
raise_their_own() {
    $MMNEURON report "$work/result.json" --format csv -o "$work/csv" >/dev/null || return 1
    awk -F, 'FNR == 1 { file++; next }
        file == 1 { seen++; bad += $4 <= $7 }
        file == 2 { ratio[$1, $2] = $3; names[$1] }
        END {
            for (a in names)
                for (b in names)
                    bad += a != b && ratio[a, a] <= ratio[a, b]
            exit bad > 0 || seen != 5
        }' "$work/csv/perplexity.csv" "$work/csv/perplexity-cross.csv"
}

if [ "$1" = --print ]; then
    few_neurons && few_perplexities && neurons && perplexities
    exit
fi

check "the neurons of two windows of each language" is_published few-neurons few_neurons
[ -z "$EMULATOR" ] && numbers="1 3" || numbers=2
for threads in $numbers; do
    check "perplexities of a window of each with them off on $threads threads" \
        is_published few-perplexities few_perplexities --threads $threads
done
if [ -z "$EMULATOR" ]; then
    check "the neurons of all training texts" is_published neurons neurons
    check "they are those that PyTorch selects" are_as_pytorch_selects
    check "perplexities of all test texts with them off" is_published perplexities perplexities
    check "a language's neurons raise its own perplexity" raise_their_own
fi

done_testing
