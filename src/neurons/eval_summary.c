/* Summaries of evaluations: means, and intervals of the mean over random choices of neurons. */
#include <math.h>

#include "neurons/eval.h"

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

/* The 97.5 % quantile of Student's t distribution with `freedom` degrees of freedom, from 1. */
static double student_t(size_t freedom)
{
    static const double quantiles[MMN_EVAL_SEED_LIMIT - 1] = {
        12.706204736174694, 4.302652729749462,  3.1824463052837078, 2.7764451051977934,
        2.5705818356363146, 2.4469118511449786, 2.364624251592784,  2.306004135204166,
        2.262157162798205,  2.228138851986274,  2.200985160091639,  2.1788128296672284,
        2.1603686564627913, 2.144786687917804,  2.131449545559776,  2.1199052992212546,
        2.1098155778333156, 2.1009220402410382, 2.0930240544083087, 2.085963447265864,
        2.0796138447276795, 2.0738730679040254, 2.0686576104190486, 2.0638985616280245,
        2.0595385527532972, 2.0555294386428735, 2.0518305164802846, 2.0484071417952454,
        2.045229642132703,  2.0422724563012378,
    };
    return quantiles[freedom - 1];
}

mmn_eval_summary mmn_eval_summarise(const mmn_evaluation *evaluation, size_t setting,
                                    size_t domain)
{
    mmn_eval_summary summary = {0};
    double sum = 0, squares = 0;
    const mmn_eval_run *plain = mmn_eval_find(evaluation, 0, MMN_OFF_NOTHING, 0, domain);
    const mmn_eval_run *off = mmn_eval_find(evaluation, setting, MMN_OFF_DOMAIN, domain, domain);
    summary.plain = mmn_eval_accuracy(plain);
    summary.domain_off = mmn_eval_accuracy(off);
    double values[MMN_EVAL_SEED_LIMIT];
    for (size_t i = 0; i < evaluation->run_count; i++) {
        const mmn_eval_run *run = &evaluation->runs[i];
        if (run->setting != setting || run->off != MMN_OFF_RANDOM || run->domain != domain)
            continue;
        values[summary.seeds] = mmn_eval_accuracy(run);
        sum += values[summary.seeds++];
    }
    if (summary.seeds == 0)
        return summary;
    summary.random_mean = sum / (double)summary.seeds;
    for (size_t i = 0; i < summary.seeds; i++)
        squares += (values[i] - summary.random_mean) * (values[i] - summary.random_mean);
    double half = 0;
    if (summary.seeds > 1)
        half = student_t(summary.seeds - 1) *
               sqrt(squares / (double)(summary.seeds - 1) / (double)summary.seeds);
    summary.random_low = summary.random_mean - half;
    summary.random_high = summary.random_mean + half;
    return summary;
}
