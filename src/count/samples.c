/* Samples: those of a list that are taken, decided from the list alone, one after another as inputs
 * of a model: its questions, or windows of its texts. */
#include "count/samples.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#include "base/error.h"
#include "base/memory.h"
#include "model/input.h"
#include "model/model.h"

/* ---- Opening --------------------------------------------------------------------------------- */

static bool are_windows(const mmn_samples *samples)
{
    return samples->windows.length > 0;
}

/* Two domains whose names differ in their case alone are one that was mistyped somewhere. */
static mmn_status check_case(const mmn_samples *samples, const mmn_sample *sample, mmn_error *error)
{
    const mmn_domains *known = &samples->domains;
    char where[40];
    if (mmn_domains_find(known, sample->domain) != SIZE_MAX)
        return MMN_OK;
    for (size_t d = 0; d < known->domain_count; d++) {
        if (strcasecmp(known->domains[d].name, sample->domain) != 0)
            continue;
        snprintf(where, sizeof(where), "line %" PRIu64 ", domain", sample->line);
        return mmn_fail(error, MMN_INPUT, samples->file, where,
                        "\"%s\" differs from the domain \"%s\" of lines before in its case alone",
                        sample->domain, known->domains[d].name);
    }
    return MMN_OK;
}

static mmn_status take_domain(mmn_samples *samples, const mmn_sample *sample, mmn_error *error)
{
    samples->has_questions = samples->has_questions || !sample->prompt;
    if (samples->check)
        MMN_TRY(samples->check(samples->check_context, sample, samples->file, error));
    MMN_TRY(check_case(samples, sample, error));
    return mmn_domains_add(&samples->domains, sample->domain, error);
}

/* Bad lines: the first is an error, or they are passed over. Where the list cannot be read at all
 * (memory is short) that is an error in any case. */
static mmn_status find_domains(mmn_samples *samples, mmn_error *error)
{
    for (;;) {
        mmn_sample sample;
        bool found = false;
        mmn_status status = mmn_list_next(samples->list, &sample, &found, error);
        if (status == MMN_INPUT && samples->skip_bad)
            continue;
        if (status == MMN_OK && !found)
            break;
        if (status == MMN_OK)
            status = take_domain(samples, &sample, error);
        if (status != MMN_OK)
            return status;
    }
    if (samples->domains.domain_count == 0)
        return mmn_fail(error, MMN_INPUT, samples->file, NULL, "the list has no samples%s",
                        samples->skip_bad ? " that can be read" : "");
    return MMN_OK;
}

void mmn_samples_again(mmn_samples *samples)
{
    mmn_list_rewind(samples->list);
    samples->number = samples->window = 0;
    samples->window_domain = 0;
    for (size_t d = 0; d < samples->domains.domain_count; d++)
        samples->domains.domains[d].seen = 0;
}

/* Goes through the samples once. */
static mmn_status find_own_samples(mmn_samples *samples, mmn_error *error)
{
    mmn_samples_again(samples);
    for (bool found = true; found;) {
        mmn_planned_sample planned;
        mmn_status status = mmn_samples_next(&planned, &found, samples, error);
        if (status == MMN_INPUT && samples->skip_bad)
            continue;
        if (status != MMN_OK)
            return status;
        if (found && planned.own)
            samples->domains.domains[planned.domain].left++;
    }
    mmn_samples_again(samples);
    return MMN_OK;
}

mmn_status mmn_samples_look(mmn_samples *samples, mmn_error *error)
{
    MMN_TRY(mmn_list_open(&samples->list, samples->file, error));
    mmn_list_allow_unknown_keys(samples->list, samples->allow_unknown_keys);
    mmn_list_allow_no_questions(samples->list, samples->without_questions);
    return mmn_list_has_texts(samples->list, &samples->has_texts, error);
}

mmn_status mmn_samples_open(mmn_samples *samples, mmn_error *error)
{
    MMN_TRY(mmn_model_check_language(samples->model, error));
    if (!samples->list)
        MMN_TRY(mmn_samples_look(samples, error));
    if (samples->has_texts != are_windows(samples))
        return mmn_fail(
            error, MMN_INPUT, samples->file, NULL,
            samples->has_texts
                ? "has texts, which are counted and evaluated only; questions are wanted"
                : "has questions, and texts are wanted");
    MMN_TRY(find_domains(samples, error));
    if (are_windows(samples))
        MMN_TRY(mmn_windows_read(&samples->windows, samples->model, samples->list, samples->file,
                                 &samples->domains, error));
    return find_own_samples(samples, error);
}

void mmn_samples_close(mmn_samples *samples)
{
    mmn_list_close(samples->list);
    mmn_windows_free(&samples->windows);
    mmn_domains_free(&samples->domains);
    samples->list = NULL;
}

/* ---- One after another ----------------------------------------------------------------------- */

/* Gives a sample its number, and says whose it is. */
static void take(mmn_planned_sample *planned, mmn_samples *samples)
{
    samples->domains.domains[planned->domain].seen++;
    planned->number = samples->number++;
    planned->own = samples->shards == 0 || planned->number % samples->shards == samples->shard - 1;
}

/* The next of the chosen windows; false after the last. */
static bool next_window(mmn_planned_sample *planned, mmn_samples *samples)
{
    const mmn_domains *domains = &samples->domains;
    for (; samples->window_domain < domains->domain_count;
         samples->window_domain++, samples->window = 0) {
        uint64_t windows = mmn_windows_of(&samples->windows, samples->window_domain);
        if (samples->limit > 0 && windows > samples->limit)
            windows = samples->limit;
        if (samples->window >= windows)
            continue;
        *planned =
            (mmn_planned_sample){.sample = {.domain = domains->domains[samples->window_domain].name,
                                            .line = samples->number + 1},
                                 .domain = samples->window_domain,
                                 .window = samples->window++};
        take(planned, samples);
        return true;
    }
    return false;
}

mmn_status mmn_samples_next(mmn_planned_sample *planned, bool *found, mmn_samples *samples,
                            mmn_error *error)
{
    *found = true;
    if (are_windows(samples)) {
        *found = next_window(planned, samples);
        return MMN_OK;
    }
    for (;;) {
        mmn_status status = mmn_list_next(samples->list, &planned->sample, found, error);
        if (status != MMN_OK || !*found)
            return status;
        planned->domain = mmn_domains_find(&samples->domains, planned->sample.domain);
        if (planned->domain == SIZE_MAX)
            return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "the list changed while it was read");
        if (samples->limit > 0 && samples->domains.domains[planned->domain].seen >= samples->limit)
            continue;
        planned->window = samples->domains.domains[planned->domain].seen;
        take(planned, samples);
        return MMN_OK;
    }
}

/* Of questions, as mmn_input_from_question takes it. */
static const char *template_of(const mmn_samples *samples)
{
    const char *name = samples->template_name ? samples->template_name : "raw";
    return *name != '\0' ? name : NULL;
}

mmn_status mmn_samples_prompt(mmn_question_prompt *prompt, const mmn_samples *samples,
                              const mmn_sample *sample, mmn_error *error)
{
    *prompt = (mmn_question_prompt){0};
    if (!sample->prompt)
        return mmn_question_prompt_make(prompt, samples->model, template_of(samples),
                                        sample->question, sample->image_count > 0, error);
    MMN_NEED(prompt->text = mmn_copy_text(sample->prompt, error));
    return MMN_OK;
}

static mmn_status make_input(mmn_input **input, const mmn_samples *samples,
                             const mmn_sample *sample, mmn_error *error)
{
    const mmn_model *model = samples->model;
    if (sample->prompt)
        return mmn_input_from_prompt(input, model, sample->prompt, sample->images,
                                     sample->image_count, error);
    return mmn_input_from_question(input, model, template_of(samples), sample->question,
                                   sample->images, sample->image_count, NULL, error);
}

mmn_status mmn_samples_ask(mmn_input **input, const mmn_samples *samples, const mmn_sample *sample,
                           mmn_error *error)
{
    *input = NULL;
    mmn_status status = make_input(input, samples, sample, error);
    if (status == MMN_OK && !samples->allow_long_prompts)
        status = mmn_input_fits(*input, samples->model, error);
    if (status == MMN_OK)
        return MMN_OK;
    mmn_input_free(*input);
    *input = NULL;
    return status;
}

mmn_status mmn_samples_input(mmn_input **input, const mmn_samples *samples,
                             const mmn_planned_sample *planned, bool *bad, mmn_error *error)
{
    *input = NULL;
    *bad = false;
    if (are_windows(samples))
        return mmn_windows_input(input, &samples->windows, samples->model, planned->domain,
                                 planned->window, error);
    mmn_error problem = {0};
    if (mmn_samples_ask(input, samples, &planned->sample, &problem) == MMN_OK)
        return MMN_OK;
    *bad = mmn_sample_blame(&problem, planned->sample.line, samples->file);
    if (error)
        *error = problem;
    return problem.status;
}

mmn_status mmn_samples_unchanged(const mmn_samples *samples, mmn_error *error)
{
    MMN_TRY(mmn_model_unchanged(samples->model, error));
    return mmn_list_unchanged(samples->list, error);
}

mmn_status mmn_list_reads_texts(const char *file, int *texts, mmn_error *error)
{
    MMN_GIVEN(error, file, texts);
    mmn_list *list;
    bool has_texts = false;
    *texts = 0;
    MMN_TRY(mmn_list_open(&list, file, error));
    mmn_status status = mmn_list_has_texts(list, &has_texts, error);
    mmn_list_close(list);
    *texts = has_texts;
    return status;
}
