/* Features: runs the events of a list through a model, pools the stages that are wanted, and writes
 * what comes of it to a file that regressions read. */
#include "study/features.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/names.h"
#include "base/scratch.h"
#include "model/model.h"
#include "model/stages.h"
#include "study/run_result.h"

static const char usual_stages[] =
    "vision.layers.{i}.out,qformer.layers.{i}.out,language.layers.{i}.out";

/* What is found of an event. */
typedef struct pooled {
    mmn_row row;
    char **stages;
    size_t stage_count;
    uint64_t *widths; /* of each stage, whose features follow each other in `values` */
    size_t width_count;
    double *values;
    size_t value_count;
} pooled;

static const mmn_row_column columns[] = {
    MMN_ROW_MANY("stages", MMN_ROW_TEXT, pooled, stages, stage_count),
    MMN_ROW_MANY("widths", MMN_ROW_WHOLE, pooled, widths, width_count),
    MMN_ROW_MANY("features", MMN_ROW_REAL, pooled, values, value_count),
    {0}};

/* ---- Pooling --------------------------------------------------------------------------------- */

static size_t elements_of(const mmn_stage *stage)
{
    size_t elements = 1;
    for (size_t i = 0; i < stage->dimensions; i++)
        elements *= stage->shape[i];
    return elements;
}

static size_t width_of(const mmn_stage *stage, mmn_pooling pool)
{
    return pool == MMN_POOL_FLAT ? elements_of(stage) : stage->shape[stage->dimensions - 1];
}

/* Positions are all that the last axis is not. Sums are binary64, ascending. */
static void pool_stage(double *to, const mmn_stage *stage, mmn_pooling pool)
{
    const size_t width = width_of(stage, pool), positions = elements_of(stage) / width;
    const float *values = stage->data;
    const size_t first = pool == MMN_POOL_LAST ? positions - 1 : 0;
    const size_t end = pool == MMN_POOL_FIRST ? 1 : positions;
    for (size_t position = first; position < end; position++)
        for (size_t i = 0; i < width; i++)
            to[i] += (double)values[position * width + i];
    for (size_t i = 0; i < width; i++)
        to[i] /= (double)(end - first);
}

/* Whether a kept stage has features: token ids are none. */
static bool is_feature(const mmn_stage *stage)
{
    return stage->element == MMN_ELEMENT_F32 && elements_of(stage) > 0;
}

static mmn_status pool_stages(const mmn_features_study *kept, pooled *row,
                              const mmn_session *session, mmn_error *error)
{
    mmn_study *study = (mmn_study *)(uintptr_t)&kept->study;
    const mmn_stage *stage;
    for (size_t i = 0; (stage = mmn_session_stage_at(session, i)) != NULL; i++) {
        row->stage_count += is_feature(stage);
        row->value_count += is_feature(stage) ? width_of(stage, kept->pool) : 0;
    }
    row->width_count = row->stage_count;
    if (row->stage_count == 0)
        return mmn_fail(error, MMN_INPUT, NULL, NULL, "shows no stage that is called \"%.200s\"",
                        kept->stages);
    MMN_NEED(row->stages =
                 mmn_study_allocate_in_row(study, row->stage_count, sizeof(char *), error));
    MMN_NEED(row->widths =
                 mmn_study_allocate_in_row(study, row->stage_count, sizeof(uint64_t), error));
    MMN_NEED(row->values =
                 mmn_study_allocate_in_row(study, row->value_count, sizeof(double), error));
    double *to = row->values;
    for (size_t i = 0, number = 0; (stage = mmn_session_stage_at(session, i)) != NULL; i++) {
        if (!is_feature(stage))
            continue;
        MMN_NEED(row->stages[number] =
                     mmn_study_keep_in_row(study, mmn_copy_text(stage->name, error), error));
        row->widths[number] = width_of(stage, kept->pool);
        pool_stage(to, stage, kept->pool);
        to += row->widths[number++];
    }
    return MMN_OK;
}

/* Of mmn_measuring. */
static mmn_status ready(void *context, mmn_session *session, size_t run, mmn_error *error)
{
    const mmn_features_study *kept = context;
    (void)run;
    return mmn_session_keep(session, kept->stages, error);
}

/* Of mmn_measuring: an event has one run. */
static mmn_status finish(void *context, mmn_session *const *sessions, const size_t *runs,
                         size_t count, mmn_error *error)
{
    mmn_features_study *kept = context;
    (void)count;
    return pool_stages(kept, mmn_study_row(&kept->study, runs[0]), sessions[0], error);
}

/* An mmn_study_function. */
static mmn_status pool_event(void *context, const mmn_planned_sample *planned,
                             const mmn_input *input, mmn_error *error)
{
    static const mmn_measuring measuring = {.ready = ready, .finish = finish};
    return mmn_study_measure(context, &measuring, planned->domain, input, error);
}

/* ---- What is found --------------------------------------------------------------------------- */

static mmn_status wrong(const mmn_features_study *kept, const mmn_planned_sample *planned,
                        mmn_error *error, const char *what)
{
    char place[32];
    snprintf(place, sizeof(place), "line %" PRIu64, planned->sample.line);
    return mmn_fail(error, MMN_INPUT, kept->study.samples.file, place, "%s", what);
}

static mmn_status begin_alignment(mmn_features_study *kept, mmn_features_alignment *of,
                                  size_t number, const pooled *row, mmn_error *error)
{
    mmn_study *study = &kept->study;
    size_t size;
    of->stage_count = row->stage_count;
    MMN_NEED(of->stages = mmn_study_allocate(study, row->stage_count, sizeof(char *), error));
    MMN_NEED(of->widths = mmn_study_allocate(study, row->stage_count, sizeof(uint64_t), error));
    for (size_t i = 0; i < row->stage_count; i++) {
        MMN_NEED(of->stages[i] = mmn_study_copy_text(study, row->stages[i], error));
        of->widths[i] = row->widths[i];
    }
    if (kept->study.keeping.shards > 0)
        return MMN_OK;
    if (!mmn_multiply_sizes(mmn_features_domain(kept, number)->left, 4 * row->value_count, &size))
        return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "there are too many features");
    MMN_TRY(mmn_scratch_map(&of->bytes, size, error));
    of->size = size;
    return MMN_OK;
}

/* Whether widths say what the values are of: a file's may say anything. */
static bool is_whole(const pooled *row)
{
    uint64_t values = 0;
    for (size_t i = 0; i < row->width_count && values <= row->value_count; i++)
        values = row->widths[i] > row->value_count ? UINT64_MAX / 2 : values + row->widths[i];
    return row->stage_count > 0 && row->width_count == row->stage_count &&
           values == row->value_count;
}

static bool fits(const mmn_features_alignment *of, const pooled *row)
{
    bool same = of->stage_count == row->stage_count;
    for (size_t i = 0; same && i < row->stage_count; i++)
        same = of->widths[i] == row->widths[i] && strcmp(of->stages[i], row->stages[i]) == 0;
    return same;
}

/* Puts an event's features into the matrices. */
static mmn_status store(const mmn_features_study *kept, const mmn_features_alignment *of,
                        const pooled *row, const mmn_planned_sample *planned, mmn_error *error)
{
    const size_t events = mmn_features_domain(kept, planned->domain)->left;
    uint8_t *matrix = of->bytes;
    const double *values = row->values;
    for (size_t i = 0; i < of->stage_count; i++) {
        const size_t width = of->widths[i];
        uint8_t *to = matrix + 4 * width * planned->window;
        for (size_t k = 0; k < width; k++) {
            const float value = (float)values[k];
            if (!isfinite(value))
                return wrong(kept, planned, error, "has features that are not finite");
            mmn_store_f32(to + 4 * k, value);
        }
        values += width;
        matrix += 4 * width * events;
    }
    return MMN_OK;
}

/* Of mmn_study_kind. */
static mmn_status take(void *context, const mmn_planned_sample *planned, size_t run,
                       const void *context_row, mmn_error *error)
{
    mmn_features_study *kept = context;
    const pooled *row = context_row;
    mmn_features_alignment *of = &kept->alignments[planned->domain];
    (void)run;
    if (!is_whole(row))
        return mmn_fail(error, MMN_INPUT, NULL, "features",
                        "a row's features are not as many as its widths say");
    if (of->stage_count == 0)
        MMN_TRY(begin_alignment(kept, of, planned->domain, row, error));
    if (!fits(of, row))
        return wrong(kept, planned, error,
                     kept->pool == MMN_POOL_FLAT
                         ? "has not the stages, or not the positions, that the domain's first "
                           "event has; pooled by \"mean\" or \"last\", positions may differ"
                         : "has not the stages that the domain's first event has, as with a "
                           "picture among texts");
    return of->bytes ? store(kept, of, row, planned, error) : MMN_OK;
}

/* ---- Setting up ------------------------------------------------------------------------------ */

/* Of mmn_study_kind. */
static mmn_status set_up(void *context, const mmn_model *model, const void *asked, mmn_error *error)
{
    mmn_features_study *kept = context;
    const mmn_features_options *options = &((const mmn_features_request *)asked)->asked;
    size_t length;
    MMN_GIVEN(error, options->list);
    MMN_TRY(mmn_model_check_language(model, error));
    kept->request = asked;
    kept->stages = options->stages ? options->stages : usual_stages;
    kept->pool = (mmn_pooling)(options->pool ? MMN_NAME_INDEX(options->pool, mmn_pool_names)
                                             : MMN_POOL_LAST);
    kept->study = (mmn_study){.model = model,
                              .samples.file = options->list,
                              MMN_STUDY_LONG_PROMPTS(options),
                              .allowed.unknown_keys = options->allow_unknown_keys != 0,
                              .show = options->progress,
                              .show_context = options->progress_context,
                              .keeping = options->rows,
                              .plan = {.plain = true}};
    if (kept->pool == MMN_POOLINGS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "there is no pooling \"%.100s\"; there are \"last\", \"first\", \"mean\" "
                        "and \"flat\"",
                        options->pool);
    const char *unknown = mmn_stage_pattern_unknown(kept->stages, &length);
    return unknown ? mmn_fail(error, MMN_USAGE, NULL, NULL, "no stage is called \"%.*s\"",
                              (int)(length < 100 ? length : 100), unknown)
                   : MMN_OK;
}

/* Whether the responses are those of the events, as far as their number tells. */
static mmn_status check_responses(const mmn_features_study *kept, const mmn_safetensors *responses,
                                  mmn_error *error)
{
    const mmn_domains *domains = &kept->study.samples.domains;
    const char *list = kept->study.samples.file;
    for (size_t i = 0; i < mmn_safetensors_count(responses); i++) {
        const mmn_tensor *tensor = mmn_safetensors_get(responses, i);
        const size_t number = mmn_domains_find(domains, tensor->name);
        const uint64_t events = number < SIZE_MAX ? domains->domains[number].left : 0;
        if (tensor->dimensions == 2 && events != tensor->shape[1] &&
            kept->study.keeping.shards == 0)
            return mmn_fail(error, MMN_INPUT, list, NULL,
                            "has %" PRIu64 " events of the domain \"%s\"; expected %zu, as its "
                            "responses have",
                            events, tensor->name, tensor->shape[1]);
    }
    for (size_t d = 0; d < domains->domain_count; d++)
        if (!mmn_safetensors_find(responses, domains->domains[d].name))
            return mmn_fail(error, MMN_INPUT, list, NULL,
                            "has events of the domain \"%s\", to which there are no responses",
                            domains->domains[d].name);
    return MMN_OK;
}

/* Of mmn_study_kind. */
static mmn_status check(void *context, mmn_error *error)
{
    const mmn_features_study *kept = context;
    if (kept->study.samples.has_texts)
        return mmn_fail(error, MMN_INPUT, kept->study.samples.file, NULL,
                        "has texts, which are joined and cut into windows; an event is a sample "
                        "with a \"prompt\"");
    return kept->request->responses ? check_responses(kept, kept->request->responses, error)
                                    : MMN_OK;
}

/* Of mmn_study_kind. */
static mmn_status begin(void *context, mmn_error *error)
{
    mmn_features_study *kept = context;
    const size_t domains = kept->study.samples.domains.domain_count;
    kept->alignments =
        mmn_study_allocate(&kept->study, domains, sizeof(mmn_features_alignment), error);
    MMN_NEED(kept->alignments);
    kept->alignment_count = domains;
    kept->digest = mmn_study_allocate(&kept->study, 1, MMN_DIGEST_SIZE, error);
    return kept->digest ? MMN_OK : MMN_SYSTEM;
}

/* Of mmn_study_kind. */
static void end(void *context)
{
    mmn_features_study *kept = context;
    for (size_t i = 0; i < kept->alignment_count; i++)
        mmn_scratch_unmap(kept->alignments[i].bytes, kept->alignments[i].size);
}

const mmn_study_kind mmn_features_kind = {
    .doing = "running",
    .unit = "events",
    .size = sizeof(mmn_features_study),
    .options_size = sizeof(mmn_features_request),
    .set_up = set_up,
    .check = check,
    .begin = begin,
    .columns = columns,
    .row_size = sizeof(pooled),
    .measure = pool_event,
    .take = take,
    .judge = mmn_features_write,
    .end = end,
    .form = &mmn_features_form,
    .describe = mmn_features_describe,
    .fill = mmn_features_fill,
};

mmn_status mmn_features(mmn_result **result, const mmn_model *model,
                        const mmn_features_options *options, mmn_error *error)
{
    mmn_features_request request = {.size = sizeof(request)};
    MMN_CLEAR(result);
    MMN_GIVEN(error, options);
    MMN_TRY(mmn_take_options(&request.asked, sizeof(request.asked), 0, options, error));
    if (!options->rows.plan && options->rows.shards == 0)
        MMN_GIVEN(error, options->file);
    return mmn_study_make(result, &mmn_features_kind, model, &request, error);
}
