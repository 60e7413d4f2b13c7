/* What a study will cost: in how many ways each domain runs, for count/cost.h. */
#include "study/cost.h"

#include <string.h>

#include "count/cost.h"
#include "study/together.h"

/* Whether a run has neurons off before the language model. */
static bool is_changed_before(const mmn_study *study, const mmn_run *run)
{
    const mmn_model_info *info = mmn_model_describe(study->model);
    size_t neurons = 0;
    for (size_t m = 0; m < info->module_count && run->mask; m++)
        if (strcmp(info->modules[m].name, "language") != 0)
            neurons += mmn_mask_neurons(run->mask, info->modules[m].name, -1);
    return neurons > 0;
}

/* Of mmn_cost. */
static size_t fitting(const void *context, uint64_t bytes)
{
    const mmn_study *study = context;
    return study->batch > 0 ? study->batch : mmn_together_count(study->together, bytes);
}

mmn_status mmn_study_cost(mmn_result **result, mmn_study *study, size_t tokens, mmn_error *error)
{
    mmn_cost cost = {.model = study->model,
                     .samples = &study->samples,
                     .format = study->kind->form->format,
                     .tokens = tokens,
                     .fitting = fitting,
                     .context = study};
    MMN_NEED(cost.domains = mmn_study_allocate(study, study->samples.domains.domain_count,
                                               sizeof(*cost.domains), error));
    for (size_t i = 0; i < study->plan.run_count; i++) {
        mmn_domain_cost *domain = &cost.domains[study->plan.runs[i].domain];
        domain->before += domain->ways == 0 || is_changed_before(study, &study->plan.runs[i]);
        domain->ways++;
    }
    return mmn_cost_make(result, &cost, error);
}
