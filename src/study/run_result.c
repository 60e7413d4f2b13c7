/* What the results of runs have in common: what they were made from, which neurons were off, what
 * was allowed, and how answers were found. */
#include "study/run_result.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "model/model.h"
#include "study/cost.h"
#include "text/characters.h"

const char *mmn_domain_name(const mmn_study *study, size_t domain)
{
    return study->samples.domains.domains[domain].name;
}

mmn_value mmn_domain_of(const mmn_study *study, size_t domain)
{
    return mmn_as_text(domain == SIZE_MAX ? NULL : mmn_domain_name(study, domain));
}

const char *mmn_setting_of(const mmn_study *study, const mmn_run *run)
{
    return mmn_plan_setting(&study->plan, run);
}

static void add_domains(mmn_result *result, const mmn_study *study)
{
    for (size_t d = 0; d < study->samples.domains.domain_count; d++)
        MMN_ADD(result, "domains", mmn_as_text(mmn_domain_name(study, d)));
}

mmn_status mmn_study_fill(mmn_result **result, const mmn_study_kind *kind, const void *kept,
                          mmn_error *error)
{
    if (mmn_result_begin(result, kind->form, error) != MMN_OK)
        return MMN_SYSTEM;
    if (kind->describe)
        kind->describe(*result, kept);
    kind->fill(*result, kept);
    add_domains(*result, kept);
    return mmn_result_end(result, error);
}

mmn_status mmn_study_make(mmn_result **result, const mmn_study_kind *kind, const mmn_model *model,
                          const void *options, mmn_error *error)
{
    MMN_CLEAR(result);
    MMN_GIVEN(error, result, model, options);
    const size_t size = kind->options_size ? kind->options_size : sizeof(mmn_study_options);
    const size_t former = kind->options_size ? kind->former_size
                                             : offsetof(mmn_study_options, rows);
    void *kept = mmn_allocate(1, kind->size, error), *own = mmn_allocate(1, size, error);
    mmn_status status = kept && own ? mmn_take_options(own, size, former, options, error)
                                    : MMN_SYSTEM;
    if (status == MMN_OK)
        status = mmn_study_find(kind, kept, model, own, error);
    mmn_study *study = kept;
    if (status == MMN_OK && study->keeping.plan)
        status = mmn_study_cost(result, study, kind->tokens ? kind->tokens(kept) : 0, error);
    else if (status == MMN_OK && study->keeping.shards == 0 &&
             !mmn_team_follows(&study->ranks.team))
        status = mmn_study_fill(result, kind, kept, error);
    if (kept)
        mmn_study_close(kind, kept);
    mmn_free(kept);
    mmn_free(own);
    return status;
}

void mmn_add_summary(mmn_result *result, const char *table, const mmn_study *study, size_t setting,
                     double (*value)(const void *context, size_t run), const void *context)
{
    for (size_t d = 0; d < study->samples.domains.domain_count; d++) {
        const mmn_summary summary = mmn_plan_summarise(&study->plan, setting, d, value, context);
        MMN_ADD(result, table, mmn_as_text(study->plan.settings.names[setting]),
                mmn_as_text(mmn_domain_name(study, d)), mmn_as_real(summary.plain),
                mmn_as_real(summary.domain_off),
                mmn_real_if(summary.seeds > 0, summary.random.mean),
                mmn_real_if(summary.seeds > 1, summary.random.low),
                mmn_real_if(summary.seeds > 1, summary.random.high), mmn_as_whole(summary.seeds));
    }
}

void mmn_add_summaries(mmn_result *result, const char *table, const mmn_study *study,
                       double (*value)(const void *context, size_t run), const void *context)
{
    for (size_t s = 0; s < study->plan.settings.count; s++)
        mmn_add_summary(result, table, study, s, value, context);
}

mmn_value mmn_generation_of(const mmn_model *model)
{
    const mmn_generation_info *info = &mmn_model_describe(model)->generation;
    if (info->ignored)
        return mmn_as_json("\"ignored\"");
    return mmn_as_json(strcmp(info->obeyed, "{}") != 0 ? info->obeyed : NULL);
}

mmn_value mmn_deltas_of(const mmn_model *model)
{
    return mmn_as_json(model->deltas.json);
}

void mmn_add_neurons_off(mmn_result *result, const mmn_model *model, const mmn_mask *mask)
{
    const mmn_model_info *info = mmn_model_describe(model);
    for (size_t m = 0; m < info->module_count && mask; m++) {
        const size_t count = mmn_mask_neurons(mask, info->modules[m].name, -1);
        if (count > 0)
            MMN_ADD(result, "neurons_off", mmn_as_text(info->modules[m].name), mmn_as_whole(count));
    }
}

/* ---- Pictures -------------------------------------------------------------------------------- */

/* The patches of one picture are the first image positions, without the class token. */
mmn_patch_grid mmn_patch_grid_of(const mmn_model *model, const mmn_input *input)
{
    const mmn_vision_config *vision = &model->config.vision;
    size_t length = mmn_input_length(input), side = vision->grid, first = 0;

    if (mmn_input_image_positions(input) < side * side || side == 0 ||
        mmn_vision_feature_tokens(vision) != side * side)
        return (mmn_patch_grid){0};
    while (first < length && !mmn_input_is_image(input, first))
        first++;
    if (first + side * side > length)
        return (mmn_patch_grid){0};
    return (mmn_patch_grid){side, first};
}

/* ---- Words ----------------------------------------------------------------------------------- */

/* With which vocabularies of the LLaMA family write a space. */
static const char space_symbol[] = "\xe2\x96\x81";

static void add_with_spaces(mmn_text *text, const char *spelling)
{
    for (const char *at = spelling; at && *at != '\0';) {
        const char *symbol = strstr(at, space_symbol);
        mmn_text_add_bytes(text, at, symbol ? (size_t)(symbol - at) : strlen(at));
        if (symbol)
            mmn_text_add(text, " ");
        at = symbol ? symbol + strlen(space_symbol) : NULL;
    }
}

/* Adds characters as they are, and by its name each byte that is a control or part of no character:
 * so do vocabularies of the LLaMA family spell what is no character of theirs. */
static void add_bytes(mmn_text *text, const char *spelling)
{
    mmn_text bytes = {0};
    mmn_byte_level_read(spelling, strlen(spelling), &bytes);
    text->failed |= bytes.failed;
    for (size_t at = 0, size; at < bytes.length; at += size) {
        const char *here = bytes.text + at;
        unsigned char byte = (unsigned char)*here;
        size = mmn_utf8_size(here);
        if (byte < 0x20 || byte == 0x7f || size > bytes.length - at ||
            mmn_utf8_valid_prefix(here, size) < size) {
            mmn_text_add(text, "<0x%02X>", (unsigned)byte);
            size = 1;
        } else {
            mmn_text_add_bytes(text, here, size);
        }
    }
    mmn_text_free(&bytes);
}

mmn_status mmn_lens_word(char **word, const mmn_model *model, int32_t id, mmn_error *error)
{
    const char *spelling = mmn_tokenizer_id_to_token(model->tokenizer, id);
    mmn_text text = {0};

    if (spelling && mmn_tokenizer_spells_bytes(model->tokenizer, id))
        add_bytes(&text, spelling);
    else
        add_with_spaces(&text, spelling);
    return mmn_text_finish(&text, word, error);
}

mmn_value mmn_word_of(mmn_result *result, const mmn_model *model, int32_t id)
{
    char *word;
    if (mmn_lens_word(&word, model, id, NULL) != MMN_OK) {
        result->failed = true;
        return mmn_as_nothing();
    }
    const mmn_value kept = mmn_result_keep(result, word, strlen(word));
    mmn_free(word);
    return kept;
}
