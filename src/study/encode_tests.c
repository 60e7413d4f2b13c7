/* The tests by which a site is called multimodal.
 *
 * Source: Subramaniam et al. (arXiv 2406.14481); what the paper's code leaves open is in
 * doc/method.md. */
#include <math.h>
#include <string.h>

#include "study/encode.h"
#include "study/result_forms.h"

/* Whether the test compares model A with model B, which are not those of best against second. */
typedef bool tests_pair(const mmn_encode_model *first, const mmn_encode_model *second);

static bool is_unimodal(const mmn_encode_model *model)
{
    return model->kind == MMN_ENCODE_VISION || model->kind == MMN_ENCODE_LANGUAGE;
}

static bool beats_unimodal(const mmn_encode_model *first, const mmn_encode_model *second)
{
    return first->kind == MMN_ENCODE_MULTIMODAL && is_unimodal(second);
}

static bool beats_control(const mmn_encode_model *first, const mmn_encode_model *second)
{
    return second->controlled == first;
}

static bool beats_joined(const mmn_encode_model *first, const mmn_encode_model *second)
{
    return beats_unimodal(first, second) ||
           (first->kind == MMN_ENCODE_MULTIMODAL && second->kind == MMN_ENCODE_JOINED);
}

static const struct {
    const char *name;
    tests_pair *tests;
    mmn_encode_kind needed; /* unless there is a model of this kind there is no test */
} tests[MMN_ENCODE_TESTS] = {{"multimodal", beats_unimodal, MMN_ENCODE_UNSAID},
                             {"controlled", beats_control, MMN_ENCODE_UNSAID},
                             {"integration", beats_joined, MMN_ENCODE_JOINED}};

static bool is_tested(size_t test, const mmn_encode_pair *pair)
{
    return pair->first && tests[test].tests(pair->first, pair->second);
}

static bool is_possible(const mmn_encode_study *study, size_t test)
{
    bool has_pair = false, has_kind = tests[test].needed == MMN_ENCODE_UNSAID;
    for (size_t i = 0; i < study->pair_count; i++)
        has_pair = has_pair || is_tested(test, &study->pairs[i]);
    for (size_t i = 0; i < study->model_count; i++)
        has_kind = has_kind || study->models[i].kind == tests[test].needed;
    return has_pair && has_kind;
}

/* ---- Verdicts -------------------------------------------------------------------------------- */

static mmn_encode_verdict *verdicts_of(const mmn_encode_study *study, size_t test, size_t alignment)
{
    const size_t alignments = mmn_safetensors_count(study->responses);
    return study->verdicts + (test * alignments + alignment) * study->site_count;
}

static bool is_lost(mmn_encoding_outcome outcome)
{
    return outcome == MMN_ENCODING_UNTESTED || outcome == MMN_ENCODING_SECOND_ALONE;
}

/* Takes in another comparison: all must be won, so that the greatest p counts, and by default only
 * if all are. */
static void take_in(mmn_encode_verdict *verdict, mmn_encoding_outcome outcome, double p)
{
    if (is_lost(outcome) && verdict->outcome != MMN_ENCODING_SECOND_ALONE) {
        verdict->outcome = outcome;
        verdict->p = NAN;
    }
    if (is_lost(verdict->outcome) || outcome == MMN_ENCODING_FIRST_ALONE)
        return;
    verdict->p = verdict->p > p ? verdict->p : p;
    verdict->outcome = MMN_ENCODING_COMPARED;
}

/* Of the models that are tested, the one that validates best at the site: its scores of test do not
 * choose it. */
static const mmn_encode_model *choose(const mmn_encode_study *study, size_t test, size_t site)
{
    const mmn_encode_model *best = NULL;
    double greatest = 0;
    for (size_t i = 0; i < study->pair_count; i++) {
        const mmn_encode_pair *pair = &study->pairs[i];
        if (!is_tested(test, pair))
            continue;
        const double validation = mmn_encode_validation_at(study, pair->first, site);
        if (!best || validation > greatest) {
            best = pair->first;
            greatest = validation;
        }
    }
    return best;
}

void mmn_encode_judge(mmn_encode_study *study, size_t alignment)
{
    for (size_t test = 0; test < MMN_ENCODE_TESTS; test++)
        for (size_t site = 0; site < study->site_count; site++) {
            mmn_encode_verdict verdict = {choose(study, test, site), MMN_ENCODING_FIRST_ALONE, NAN};
            for (size_t i = 0; i < study->pair_count; i++) {
                const mmn_encode_pair *pair = &study->pairs[i];
                if (is_tested(test, pair) && pair->first == verdict.model)
                    take_in(&verdict, pair->sites[site].outcome, pair->sites[site].p);
            }
            verdicts_of(study, test, alignment)[site] = verdict;
        }
}

/* ---- Result ---------------------------------------------------------------------------------- */

/* Adds a test; `alignment` is NULL for all of them. `p` and `passes` are memory for sites. */
static mmn_status add_test(mmn_result *result, const mmn_encode_study *study, size_t test,
                           const char *alignment, const mmn_encode_verdict *verdicts, double *p,
                           bool *passes, mmn_error *error)
{
    const size_t sites = study->site_count;
    size_t tested = 0, passed = 0, alone = 0;
    for (size_t i = 0; i < sites; i++)
        p[i] = verdicts[i].p;
    MMN_TRY(mmn_encoding_discoveries(passes, p, sites, study->options->rate, error));
    for (size_t i = 0; i < sites; i++) {
        tested += verdicts[i].outcome == MMN_ENCODING_COMPARED;
        passed += passes[i];
        alone += verdicts[i].outcome == MMN_ENCODING_FIRST_ALONE;
    }
    MMN_ADD(result, "tests", mmn_as_text(tests[test].name), mmn_as_text(alignment),
            mmn_as_whole(tested), mmn_as_whole(passed), mmn_as_real((double)passed / (double)sites),
            mmn_as_whole(alone), mmn_as_real((double)alone / (double)sites));
    for (size_t i = 0; i < sites; i++)
        MMN_ADD(result, "tested_sites", mmn_as_text(mmn_encode_site_name(study, i)),
                mmn_as_text(verdicts[i].model ? verdicts[i].model->name : NULL),
                mmn_as_text(mmn_encode_outcome_name(verdicts[i].outcome)), mmn_as_real(p[i]),
                mmn_as_truth(passes[i]));
    return MMN_OK;
}

/* A test in each alignment, and in all of them, whose verdicts are put into `all`. */
static mmn_status add_each(mmn_result *result, const mmn_encode_study *study, size_t test,
                           mmn_encode_verdict *all, double *p, bool *passes, mmn_error *error)
{
    const size_t alignments = mmn_safetensors_count(study->responses);
    for (size_t i = 0; i < study->site_count; i++)
        all[i] = (mmn_encode_verdict){NULL, MMN_ENCODING_FIRST_ALONE, NAN};
    for (size_t a = 0; a < alignments; a++) {
        const mmn_encode_verdict *verdicts = verdicts_of(study, test, a);
        for (size_t i = 0; i < study->site_count; i++)
            take_in(&all[i], verdicts[i].outcome, verdicts[i].p);
        MMN_TRY(add_test(result, study, test, mmn_safetensors_get(study->responses, a)->name,
                         verdicts, p, passes, error));
    }
    return alignments > 1 ? add_test(result, study, test, NULL, all, p, passes, error) : MMN_OK;
}

mmn_status mmn_encode_add_tests(mmn_result *result, mmn_encode_study *study, mmn_error *error)
{
    const size_t sites = study->site_count;
    mmn_encode_verdict *all =
        mmn_blocks_keep(&study->blocks, mmn_allocate(sites, sizeof(*all), error), error);
    double *p = mmn_blocks_keep(&study->blocks, mmn_allocate(sites, sizeof(*p), error), error);
    bool *passes =
        mmn_blocks_keep(&study->blocks, mmn_allocate(sites, sizeof(*passes), error), error);
    MMN_NEED(all && p && passes);
    for (size_t test = 0; test < MMN_ENCODE_TESTS; test++)
        if (is_possible(study, test))
            MMN_TRY(add_each(result, study, test, all, p, passes, error));
    return MMN_OK;
}
