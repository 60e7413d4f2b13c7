#!/bin/sh
# What the program finds in the trained model and what that answers, with the same bits on every
# machine: the digests are those published in models/five-domains/digests. Under an emulator only
# those of one sample of each domain are compared, since a sample takes seconds there.
# MMN_TRAINED_DIR names another such folder.
#
# To publish digests that are meant to have changed, with the variables as make check sets them:
#     tests/cross/trained.sh --print >models/five-domains/digests
. "$top_srcdir/tests/cross/results.sh"

trained=${MMN_TRAINED_DIR:-$top_srcdir/models/five-domains}
model=$trained/model
list=$trained/test.jsonl
training=$trained/train.jsonl
rate=0.07 # as in the demo
published=$trained/digests
needs_model
needs_pictures

# The digests, by name. Those with neurons off need the ones that counted_digest has left.
few_neurons() { counted_digest few-neurons --samples 1 "$@"; }
few_answers() { result_digest few-answers eval --samples 1 "$@"; }
lens() { result_digest lens lens --samples 1 "$@"; }
neurons() { counted_digest neurons "$@"; }
answers() { result_digest answers eval "$@"; }
accuracy() {
    result_digest accuracy eval --neurons "$work/neurons.json" --settings language,vision \
        --seeds 1 --samples 4 "$@"
}
perturbation() {
    result_digest perturbation perturb --neurons "$work/neurons.json" --samples 1 --seeds 1 "$@"
}

if [ "$1" = --print ]; then
    few_neurons && few_answers && lens && neurons && answers && accuracy && perturbation
    exit
fi

check "the neurons of one sample of each domain" is_published few-neurons few_neurons
check "the answers to them" is_published few-answers few_answers
check "what the lens reads in them" is_published lens lens
if [ -z "$EMULATOR" ]; then
    check "the neurons of the whole training list" is_published neurons neurons
    for threads in 1 3; do
        check "the answers to the whole test list on $threads threads" \
            is_published answers answers --threads $threads
    done
    check "accuracy with neurons off" is_published accuracy accuracy
    check "how far that moves hidden states" is_published perturbation perturbation
fi

done_testing
