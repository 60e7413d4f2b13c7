/* A run over a list: the chosen samples of each domain, one after another, as inputs. */
#ifndef MMN_NEURONS_LIST_RUN_H
#define MMN_NEURONS_LIST_RUN_H

#include "neurons/count_plan.h"

/* Zero-initialise; free with mmn_list_run_free, after a failure too. */
typedef struct mmn_list_run {
    const mmn_model *model;
    const char *list;
    const char *template_name; /* of questions, as for mmn_sample_input; the caller's to set */
    bool allow_long_prompts;   /* likewise */
    mmn_counts *domains; /* no counts: only names, and how many samples have run */
    mmn_count_plan plan; /* plan.left: samples of each domain */
} mmn_list_run;

/* Reads the list, as the run's plan has been set to, and finds its domains, of each of which the first `samples` (0: all) are taken. */
mmn_status mmn_list_run_begin(mmn_list_run *run, const mmn_model *model, const char *list,
                              uint64_t samples, mmn_error *error);
void mmn_list_run_free(mmn_list_run *run);

/* What is done with a sample; `input` is freed afterwards. */
typedef mmn_status (*mmn_list_run_function)(void *context, const mmn_planned_sample *planned,
                                            const mmn_input *input, mmn_error *error);

/* Calls `function` for each sample. An error that is the sample's fault is MMN_INPUT and names the
 * list and the line. */
mmn_status mmn_list_run_each(mmn_list_run *run, mmn_list_run_function function, void *context,
                             mmn_error *error);

#endif
