/* What single samples have, and evaluations that end early by it: each setting in each domain as
 * soon as it is known well enough how own neurons off differ from random ones, by a confidence
 * sequence, which allows for looking after each sample. */
#include <inttypes.h>
#include <math.h>

#include "base/error.h"
#include "study/eval.h"

double mmn_score_of_sample(const void *context, size_t run, size_t sample)
{
    return ((const mmn_evaluation *)context)->runs[run].predictions[sample].score;
}

double mmn_likelihood_of_sample(const void *context, size_t run, size_t sample)
{
    return mmn_likelihood_per_token(
        &((const mmn_evaluation *)context)->runs[run].predictions[sample].likelihood);
}

mmn_status mmn_evaluation_check_until(const mmn_evaluation *evaluation, mmn_error *error)
{
    const mmn_study *study = &evaluation->study;
    const double until = evaluation->options->until;
    if (until == 0)
        return MMN_OK;
    if (!(until > 0 && isfinite(until)))
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "the half width at which enough is known must be above 0");
    if (study->plan.settings.count == 0 || study->plan.seeds == 0)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "enough can be known of a domain's neurons beside random ones only: that "
                        "needs a file of neurons and at least one random choice");
    if (study->keeping.ranks && study->keeping.ranks->count > 1)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "where to stop is decided by all samples before; evaluate in one process, "
                        "or all samples in %" PRIu32,
                        study->keeping.ranks->count);
    if (study->keeping.shards > 1)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "a shard cannot tell when enough is known, which depends on all samples "
                        "before; evaluate in one run, or all samples in %" PRIu32 " shards",
                        study->keeping.shards);
    return MMN_OK;
}

mmn_status mmn_evaluation_begin_until(mmn_evaluation *evaluation, mmn_error *error)
{
    mmn_study *study = &evaluation->study;
    if (evaluation->options->until == 0)
        return MMN_OK;
    evaluation->known =
        mmn_study_allocate(study, study->samples.domains.domain_count * study->plan.settings.count,
                           sizeof(*evaluation->known), error);
    return evaluation->known ? MMN_OK : MMN_SYSTEM;
}

mmn_eval_known *mmn_evaluation_known_of(const mmn_evaluation *evaluation, size_t setting,
                                        size_t domain)
{
    return &evaluation->known[setting * evaluation->study.samples.domains.domain_count + domain];
}

/* How far the domain's last sample is with own neurons off from the mean over random ones. */
static double last_difference(const mmn_evaluation *evaluation, size_t setting, size_t domain)
{
    const mmn_plan *plan = &evaluation->study.plan;
    const size_t own = mmn_plan_find(plan, setting, MMN_OFF_DOMAIN, domain, domain);
    const size_t random = mmn_plan_find(plan, setting, MMN_OFF_RANDOM, domain, domain);
    const size_t sample = (size_t)plan->runs[own].samples - 1;
    double (*value)(const void *, size_t, size_t) =
        evaluation->likelihood ? mmn_likelihood_of_sample : mmn_score_of_sample;
    double sum = 0;
    for (size_t i = 0; i < plan->seeds; i++)
        sum += value(evaluation, own, sample) - value(evaluation, random + i, sample);
    return sum / (double)plan->seeds;
}

bool mmn_evaluation_known(void *context, size_t setting, size_t domain)
{
    mmn_evaluation *evaluation = context;
    if (!evaluation->known)
        return false;
    mmn_eval_known *known = mmn_evaluation_known_of(evaluation, setting, domain);
    const double difference = last_difference(evaluation, setting, domain);
    if (evaluation->likelihood) {
        mmn_confidence_add(&known->likelihood, difference);
        known->mean = known->likelihood.mean;
        known->half_width = mmn_confidence_half_width(&known->likelihood);
    } else {
        mmn_bounded_confidence_add(&known->accuracy, difference);
        known->mean = mmn_bounded_confidence_centre(&known->accuracy);
        known->half_width = mmn_bounded_confidence_half_width(&known->accuracy);
    }
    known->enough = known->half_width <= evaluation->options->until;
    return known->enough;
}
