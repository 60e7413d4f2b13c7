/* Evaluations as eval.json. doc/formats.md describes it. */
#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/given.h"
#include "base/memory.h"
#include "base/text_buffer.h"
#include "neurons/eval.h"
#include "report/allowances.h"
#include "report/run_json.h"

static const char *metric_name(const mmn_eval_domain *domain)
{
    return domain->mixed ? "mixed" : mmn_measure_name(mmn_metric_measure(domain->metric));
}

/* The caller's stop strings, and what the folder asks of decoding, where there is any. */
static void add_folder_rules(mmn_text *text, const mmn_evaluation *evaluation)
{
    if (evaluation->top_k > 0)
        mmn_text_add(text, ", \"top_k\": %" PRIu64, evaluation->top_k);
    for (size_t i = 0; i < evaluation->stop_string_count; i++) {
        mmn_text_add(text, i == 0 ? ", \"stop\": [" : ", ");
        mmn_text_add_json(text, evaluation->stop_strings[i]);
    }
    mmn_text_add(text, "%s", evaluation->stop_string_count > 0 ? "]" : "");
    mmn_run_json_generation(text, evaluation->model);
}

/* Nothing where answers are found token by token without a penalty. */
static void add_search(mmn_text *text, const mmn_evaluation *evaluation)
{
    static const char *const names[] = {"false", "true", "never"};
    const mmn_beam_search *search = &evaluation->beam_search;
    if (evaluation->repetition_penalty != 1) {
        mmn_text_add(text, ", \"repetition_penalty\": ");
        mmn_text_add_real(text, evaluation->repetition_penalty);
    }
    if (search->beams < 2)
        return;
    mmn_text_add(text, ", \"num_beams\": %" PRIu32 ", \"length_penalty\": ", search->beams);
    mmn_text_add_real(text, search->length_penalty);
    mmn_text_add(text, ", \"early_stopping\": \"%s\"", names[search->early_stopping]);
}

static void add_settings(mmn_text *text, const mmn_evaluation *evaluation)
{
    const mmn_model_info *info = mmn_model_describe(evaluation->model);
    mmn_text_add(text, "  \"settings\": {\"list\": ");
    mmn_text_add_json(text, evaluation->list);
    mmn_text_add(text, ", \"samples\": %" PRIu64 ", \"modules\": [", evaluation->samples);
    for (size_t m = 0; m < info->module_count; m++)
        mmn_text_add(text, "%s\"%s\"", m > 0 ? ", " : "", info->modules[m].name);
    mmn_text_add(text, "],\n    \"seeds\": %" PRIu32 ", \"first_seed\": %" PRIu64
                 ", \"tokens\": %" PRIu64 ", \"temperature\": ",
                 evaluation->seeds, evaluation->first_seed, evaluation->tokens);
    mmn_text_add_real(text, evaluation->temperature);
    mmn_text_add(text, ", \"top_p\": ");
    mmn_text_add_real(text, evaluation->top_p);
    mmn_text_add(text, ", \"sampling_seed\": %" PRIu64 ", \"template\": ",
                 evaluation->sampling_seed);
    mmn_text_add_json(text, evaluation->template_name);
    if (evaluation->template_is_own && info->template_file)
        mmn_text_add(text, ", \"template_from\": \"%s\"", info->template_file);
    add_search(text, evaluation);
    add_folder_rules(text, evaluation);
    mmn_allowances_json(text, &evaluation->allowed);
    mmn_text_add(text, "},\n");
}

static void add_domains(mmn_text *text, const mmn_evaluation *evaluation)
{
    mmn_text_add(text, "[");
    for (size_t d = 0; d < evaluation->domain_count; d++) {
        mmn_text_add(text, "%s", d > 0 ? ", " : "");
        mmn_text_add_json(text, evaluation->domains[d].name);
    }
    mmn_text_add(text, "]");
}

static void add_measures(mmn_text *text, const mmn_eval_run *run)
{
    const char *separator = "";
    mmn_text_add(text, "{");
    for (mmn_measure m = 0; m < MMN_MEASURES; m++) {
        if (run->counts[m] == 0)
            continue;
        mmn_text_add(text, "%s\"%s\": ", separator, mmn_measure_name(m));
        mmn_text_add_real(text, run->sums[m] / (double)run->counts[m]);
        separator = ", ";
    }
    mmn_text_add(text, "}");
}

static void add_run(mmn_text *text, const mmn_evaluation *evaluation, const mmn_eval_run *run)
{
    const mmn_eval_domain *domain = &evaluation->domains[run->domain];
    mmn_text_add(text, "    {\"setting\": ");
    mmn_text_add_json(text, evaluation->settings[run->setting]);
    mmn_text_add(text, ", ");
    mmn_run_json_off(text, run->off, evaluation->domains[run->neurons_of].name, run->seed,
                     evaluation->model, run->mask);
    mmn_text_add(text, ", \"domain\": ");
    mmn_text_add_json(text, domain->name);
    mmn_text_add(text, ", \"samples\": %zu, \"metric\": \"%s\", \"accuracy\": ", run->count,
                 metric_name(domain));
    mmn_text_add_real(text, mmn_eval_accuracy(run));
    mmn_text_add(text, ",\n      \"measures\": ");
    add_measures(text, run);
    mmn_text_add(text, ",\n      \"predictions\": [");
    for (size_t i = 0; i < run->count; i++) {
        mmn_text_add(text, "%s\n        {\"id\": ", i > 0 ? "," : "");
        mmn_text_add_json(text, run->predictions[i].id);
        mmn_text_add(text, ", \"answer\": ");
        mmn_text_add_json(text, run->predictions[i].answer);
        mmn_text_add(text, ", \"score\": ");
        mmn_text_add_real(text, run->predictions[i].score);
        mmn_text_add(text, "}");
    }
    mmn_text_add(text, "]}");
}

static void add_summary(mmn_text *text, const mmn_evaluation *evaluation, size_t setting,
                        size_t domain)
{
    mmn_eval_summary summary = mmn_eval_summarise(evaluation, setting, domain);
    mmn_text_add(text, "    {\"setting\": ");
    mmn_text_add_json(text, evaluation->settings[setting]);
    mmn_text_add(text, ", \"domain\": ");
    mmn_text_add_json(text, evaluation->domains[domain].name);
    mmn_text_add(text, ", \"plain\": ");
    mmn_text_add_real(text, summary.plain);
    mmn_text_add(text, ", \"domain_off\": ");
    mmn_text_add_real(text, summary.domain_off);
    mmn_text_add(text, ", \"random_mean\": ");
    if (summary.seeds > 0)
        mmn_text_add_real(text, summary.random_mean);
    else
        mmn_text_add(text, "null");
    mmn_text_add(text, ", \"random_interval\": ");
    if (summary.seeds > 1) {
        mmn_text_add(text, "[");
        mmn_text_add_real(text, summary.random_low);
        mmn_text_add(text, ", ");
        mmn_text_add_real(text, summary.random_high);
        mmn_text_add(text, "]");
    } else {
        mmn_text_add(text, "null");
    }
    mmn_text_add(text, ", \"random_seeds\": %zu}", summary.seeds);
}

static void add_cross(mmn_text *text, const mmn_evaluation *evaluation, size_t setting)
{
    mmn_text_add(text, "    {\"setting\": ");
    mmn_text_add_json(text, evaluation->settings[setting]);
    mmn_text_add(text, ", \"domains\": ");
    add_domains(text, evaluation);
    mmn_text_add(text, ", \"accuracy\": [");
    for (size_t of = 0; of < evaluation->domain_count; of++) {
        mmn_text_add(text, "%s\n      [", of > 0 ? "," : "");
        for (size_t d = 0; d < evaluation->domain_count; d++) {
            mmn_text_add(text, "%s", d > 0 ? ", " : "");
            mmn_text_add_real(text, mmn_eval_accuracy(mmn_eval_find(evaluation, setting,
                                                                    MMN_OFF_DOMAIN, of, d)));
        }
        mmn_text_add(text, "]");
    }
    mmn_text_add(text, "]}");
}

mmn_status mmn_evaluation_json(const mmn_evaluation *evaluation, char **json, mmn_error *error)
{
    if (json)
        *json = NULL;
    if (MMN_MISSING(error, evaluation, json))
        return MMN_USAGE;
    mmn_text text = {0};
    const char *separator = "";
    mmn_text_add(&text, "{\n  \"format\": \"mmneuron-eval-1\",\n  \"version\": \"%s\",\n",
                 mmn_version());
    mmn_run_json_digest(&text, "model", evaluation->model_digest);
    mmn_run_json_digest(&text, "neurons", evaluation->neurons_digest);
    mmn_run_json_nonfinite(&text, evaluation->nonfinite);
    add_settings(&text, evaluation);
    mmn_text_add(&text, "  \"domains\": ");
    add_domains(&text, evaluation);
    mmn_text_add(&text, ",\n  \"runs\": [\n");
    for (size_t i = 0; i < evaluation->run_count; i++) {
        mmn_text_add(&text, "%s", i > 0 ? ",\n" : "");
        add_run(&text, evaluation, &evaluation->runs[i]);
    }
    mmn_text_add(&text, "],\n  \"summary\": [\n");
    for (size_t i = 1; i < evaluation->setting_count; i++)
        for (size_t d = 0; d < evaluation->domain_count; d++, separator = ",\n") {
            mmn_text_add(&text, "%s", separator);
            add_summary(&text, evaluation, i, d);
        }
    mmn_text_add(&text, "],\n  \"cross\": [\n");
    separator = "";
    for (size_t i = 1; i < evaluation->setting_count; i++) {
        if (!evaluation->crossed[i])
            continue;
        mmn_text_add(&text, "%s", separator);
        add_cross(&text, evaluation, i);
        separator = ",\n";
    }
    mmn_text_add(&text, "]\n}\n");
    return mmn_text_finish(&text, json, error);
}

mmn_status mmn_evaluation_write(const mmn_evaluation *evaluation, const char *file,
                                mmn_error *error)
{
    if (MMN_MISSING(error, evaluation, file))
        return MMN_USAGE;
    char *json;
    mmn_status status = mmn_evaluation_json(evaluation, &json, error);
    if (status == MMN_OK)
        status = mmn_write_file(file, json, strlen(json), error);
    mmn_free(json);
    return status;
}
