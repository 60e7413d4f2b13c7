/* Summaries of evaluations: means, and intervals of the mean over random choices of neurons. */
#include "neurons/eval.h"

#include "neurons/statistics.h"

double mmn_eval_accuracy(const mmn_eval_run *run)
{
    return run->count > 0 ? run->accuracy_sum / (double)run->count : 0;
}

const mmn_eval_run *mmn_eval_find(const mmn_evaluation *evaluation, size_t setting,
                                  mmn_eval_off off, size_t neurons_of, size_t domain)
{
    for (size_t i = 0; i < evaluation->run_count; i++) {
        const mmn_eval_run *run = &evaluation->runs[i];
        if (run->setting == setting && run->off == off && run->domain == domain &&
            (off == MMN_OFF_NOTHING || run->neurons_of == neurons_of))
            return run;
    }
    return NULL;
}

mmn_eval_summary mmn_eval_summarise(const mmn_evaluation *evaluation, size_t setting,
                                    size_t domain)
{
    mmn_eval_summary summary = {0};
    const mmn_eval_run *plain = mmn_eval_find(evaluation, 0, MMN_OFF_NOTHING, 0, domain);
    const mmn_eval_run *off = mmn_eval_find(evaluation, setting, MMN_OFF_DOMAIN, domain, domain);
    summary.plain = mmn_eval_accuracy(plain);
    summary.domain_off = mmn_eval_accuracy(off);
    double values[MMN_EVAL_SEED_LIMIT];
    for (size_t i = 0; i < evaluation->run_count; i++) {
        const mmn_eval_run *run = &evaluation->runs[i];
        if (run->setting != setting || run->off != MMN_OFF_RANDOM || run->domain != domain)
            continue;
        values[summary.seeds++] = mmn_eval_accuracy(run);
    }
    mmn_interval random = mmn_interval_of(values, summary.seeds);
    summary.random_mean = random.mean;
    summary.random_low = random.low;
    summary.random_high = random.high;
    return summary;
}
