/* A run over a list: the chosen samples of each domain, one after another, as inputs. */
#include "neurons/list_run.h"

#include "neurons/sample_input.h"

mmn_status mmn_list_run_begin(mmn_list_run *run, const mmn_model *model, const char *list,
                              uint64_t samples, mmn_error *error)
{
    const mmn_counted_module no_module = {{0}, 0, 0, 0};
    mmn_status status = mmn_counts_create(&run->domains, &no_module, 0, error);

    run->model = model;
    run->list = list;
    if (status == MMN_OK)
        status = mmn_count_plan_make(&run->plan, list, run->domains, samples, false, error);
    return status;
}

void mmn_list_run_free(mmn_list_run *run)
{
    mmn_count_plan_free(&run->plan);
    mmn_counts_free(run->domains);
    run->domains = NULL;
}

static mmn_status run_sample(mmn_list_run *run, const mmn_planned_sample *planned,
                             mmn_list_run_function function, void *context, mmn_error *error)
{
    mmn_input *input;
    mmn_error problem = {0};
    bool bad;
    mmn_status status =
        mmn_sample_input(&input, run->model, &planned->sample, run->template_name,
                         run->allow_long_prompts, run->list, &bad, error);
    if (status != MMN_OK)
        return status;
    status = function(context, planned, input, &problem);
    if (status != MMN_OK) {
        mmn_sample_blame(&problem, planned->sample.line, run->list);
        if (error)
            *error = problem;
        status = problem.status;
    }
    run->domains->domains[planned->domain].samples++;
    mmn_input_free(input);
    return status;
}

mmn_status mmn_list_run_each(mmn_list_run *run, mmn_list_run_function function, void *context,
                             mmn_error *error)
{
    for (;;) {
        mmn_planned_sample planned;
        bool found;
        mmn_status status =
            mmn_count_plan_next(&planned, &found, &run->plan, run->domains, error);
        if (status == MMN_OK && found)
            status = run_sample(run, &planned, function, context, error);
        if (status == MMN_OK && !found)
            return mmn_count_plan_unchanged(&run->plan, run->model, error);
        if (status != MMN_OK)
            return status;
    }
}
