/* The logit lens over a list: runs its samples, and reads the states of all layers. */
#include "study/lens.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/names.h"
#include "model/model.h"

enum { TOP = 5, TOP_LIMIT = 1000 };

/* ---- The probe ------------------------------------------------------------------------------- */

/* Reads one of the readout's rows. */
static mmn_status read_row(mmn_lens *lens, int stage, const mmn_stage *shown, size_t position,
                           size_t row, mmn_error *error)
{
    const size_t layer = (size_t)shown->layer;
    const int image = mmn_input_is_image(shown->input, position) != 0;
    mmn_lens_cell *cell = mmn_lens_cell_of(lens, mmn_lens_at_hand(lens), stage, layer, image);
    cell->entropy += lens->readout.entropy[row];
    if (lens->example && stage == MMN_LENS_OUT)
        mmn_lens_keep_reading(lens, position, layer, row);
    return mmn_word_counts_add(&cell->words, lens->readout.words[row * lens->top].id, 1, error);
}

/* Reads values [rows][hidden_size] of the stage's positions. */
static mmn_status read_rows(mmn_lens *lens, int stage, const mmn_stage *shown, const float *values,
                            mmn_error *error)
{
    const size_t rows = shown->shape[0], width = shown->shape[1];
    for (size_t first = 0; first < rows; first += MMN_STUDY_ROWS) {
        size_t count = rows - first < MMN_STUDY_ROWS ? rows - first : MMN_STUDY_ROWS;
        MMN_TRY(mmn_study_advance(&lens->study, 0, error));
        MMN_TRY(mmn_readout_run(&lens->readout, values + first * width, count, error));
        for (size_t row = 0; row < count; row++)
            MMN_TRY(read_row(lens, stage, shown, shown->first_position + first + row, row, error));
    }
    return MMN_OK;
}

/* Keeps the state before a layer, and makes of it that between its attention and its MLP: the sum
 * that the forward pass makes, with the same kernel. */
static mmn_status read_mid(mmn_lens *lens, const mmn_stage *shown, mmn_error *error)
{
    const mmn_kernels *kernels = lens->study.model->compute.kernels;
    size_t count = shown->shape[0] * shown->shape[1];
    if (strstr(shown->name, "attn.out")) {
        kernels->add(lens->residual, lens->residual, shown->data, count);
        return read_rows(lens, MMN_LENS_MID, shown, lens->residual, error);
    }
    MMN_TRY(mmn_study_reserve(&lens->study, &lens->residual, &lens->residual_capacity, count,
                              sizeof(float), error));
    memcpy(lens->residual, shown->data, count * sizeof(float));
    return MMN_OK;
}

/* An mmn_see_function. */
static mmn_status see(void *context, const mmn_stage *shown, mmn_error *error)
{
    mmn_lens *lens = context;
    const bool *wanted = lens->stages;
    const char *dot = shown->layer < 0 ? NULL
                                       : strchr(shown->name + strlen("language.layers."), '.');
    const char *name = dot ? dot + 1 : "";

    if (lens->nearest > 0 && lens->example && strcmp(shown->name, "language.embeddings") == 0)
        MMN_TRY(mmn_lens_keep_nearest(lens, shown, error));

    for (int stage = 0; stage < MMN_LENS_STAGES; stage++)
        if (wanted[stage] && stage != MMN_LENS_MID &&
            strcmp(name, mmn_lens_stage_names[stage]) == 0)
            MMN_TRY(read_rows(lens, stage, shown, shown->data, error));
    return wanted[MMN_LENS_MID] && strcmp(name, "mlp.out") != 0 ? read_mid(lens, shown, error)
                                                                : MMN_OK;
}

/* ---- Running --------------------------------------------------------------------------------- */

static const char *stages_of(const mmn_lens *lens)
{
    if (lens->stages[MMN_LENS_MID])
        return "language.embeddings,language.layers.*.attn.out,language.layers.*.mlp.out,"
               "language.layers.*.out";
    if (lens->stages[MMN_LENS_ATTENTION] || lens->stages[MMN_LENS_MLP])
        return "language.layers.*.attn.out,language.layers.*.mlp.out,language.layers.*.out";
    return "language.layers.*.out";
}

/* Of mmn_measuring. */
static mmn_status ready(void *context, mmn_session *session, size_t run, mmn_error *error)
{
    mmn_lens *lens = context;
    const mmn_probe probe = {.stages = stages_of(lens), .see = see, .context = lens};
    const mmn_probe before = {.stages = "language.embeddings", .see = see, .context = lens};
    (void)run;
    if (lens->nearest > 0 && !lens->stages[MMN_LENS_MID])
        MMN_TRY(mmn_session_add_probe(session, &before, error));
    MMN_TRY(mmn_session_add_probe(session, &probe, error));
    return mmn_lens_keep_activation(lens, session, error);
}

/* An mmn_study_function. */
static mmn_status read_sample(void *context, const mmn_planned_sample *planned,
                              const mmn_input *input, mmn_error *error)
{
    static const mmn_measuring measuring = {.ready = ready};
    mmn_lens *lens = context;
    MMN_TRY(mmn_lens_begin_example(lens, planned, input, error));
    MMN_TRY(mmn_study_measure(lens, &measuring, planned->domain, input, error));
    return mmn_lens_fill_row(lens, lens->study.side[0], error);
}

/* ---- Setting up ------------------------------------------------------------------------------ */

/* The stages that `text` names, separated by commas; NULL: the layers' outputs. */
static mmn_status choose_stages(bool *stages, const char *text, mmn_error *error)
{
    stages[MMN_LENS_OUT] = !text;
    mmn_item name;
    while (mmn_next_item(&name, &text, ',')) {
        int stage = 0;
        while (stage < MMN_LENS_STAGES && !mmn_item_is(&name, mmn_lens_stage_names[stage]))
            stage++;
        if (stage == MMN_LENS_STAGES)
            return mmn_fail(error, MMN_USAGE, NULL, NULL,
                            "there is nothing called \"%.*s\" to read; there are \"out\", "
                            "\"attn.out\", \"mid\" and \"mlp.out\"",
                            MMN_ITEM(name));
        stages[stage] = true;
    }
    return MMN_OK;
}

static mmn_status set_up(void *context, const mmn_model *model, const void *asked, mmn_error *error)
{
    mmn_lens *lens = context;
    const mmn_lens_options *options = asked;
    const bool masked = options->neurons != NULL;
    MMN_GIVEN(error, options->list);
    if (!masked && (options->off_domain || options->off_setting))
        return mmn_fail(
            error, MMN_USAGE, NULL, NULL,
            "off_domain and off_setting choose among the neurons of a ranking, which is "
            "missing");
    lens->options = options;
    lens->study = (mmn_study){.model = model,
                              MMN_STUDY_ASKED(options),
                              MMN_STUDY_LONG_PROMPTS(options),
                              .neurons = options->neurons,
                              .setting = !masked                ? NULL
                                         : options->off_setting ? options->off_setting
                                                                : "all",
                              .plan = {.plain = !masked, .off_domain = options->off_domain}};
    lens->layers = model->config.language.layers;
    lens->vocabulary = model->config.language.vocab_size;
    lens->top = options->top > 0 ? options->top : TOP;
    if (lens->top > TOP_LIMIT)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "there can be %d words at most", TOP_LIMIT);
    if (lens->top > lens->vocabulary)
        lens->top = lens->vocabulary;
    if (options->nearest > TOP_LIMIT || (options->nearest > 0 && options->examples == 0))
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "nearest words are of examples, %d of a position at most", TOP_LIMIT);
    lens->nearest = options->nearest < lens->vocabulary ? options->nearest : lens->vocabulary;
    MMN_TRY(choose_stages(lens->stages, options->stages, error));
    if (options->positions)
        MMN_TRY(mmn_lens_choose_positions(NULL, NULL, options->positions, error));
    return options->neuron ? mmn_lens_choose_neuron(&lens->neuron, model, options->neuron, error)
                           : MMN_OK;
}

static mmn_status begin(void *context, mmn_error *error)
{
    mmn_lens *lens = context;
    mmn_study *study = &lens->study;
    const size_t curves = (mmn_lens_at_hand(lens) + 1) * MMN_LENS_STAGES * 2;
    lens->cells = mmn_study_allocate(study, curves, lens->layers * sizeof(*lens->cells), error);
    lens->curve = mmn_study_allocate(study, lens->layers, sizeof(*lens->curve), error);
    MMN_NEED(lens->cells && lens->curve);
    MMN_TRY(mmn_readout_begin(&lens->readout, study, lens->top, error));
    return mmn_lens_begin_nearest(lens, error);
}

static void end(void *context)
{
    mmn_lens *lens = context;
    size_t cells = (mmn_lens_at_hand(lens) + 1) * MMN_LENS_STAGES * lens->layers * 2;
    for (size_t i = 0; lens->cells && i < cells; i++)
        mmn_word_counts_free(&lens->cells[i].words);
}

const mmn_study_kind mmn_lens_kind = {.doing = "reading",
                                      .unit = "samples",
                                      .size = sizeof(mmn_lens),
                                      .options_size = sizeof(mmn_lens_options),
                                      .former_size = offsetof(mmn_lens_options, rows),
                                      .set_up = set_up,
                                      .begin = begin,
                                      .columns = mmn_lens_columns,
                                      .row_size = sizeof(mmn_lens_row),
                                      .measure = read_sample,
                                      .take = mmn_lens_take,
                                      .end = end,
                                      .form = &mmn_lens_form,
                                      .describe = mmn_lens_describe,
                                      .fill = mmn_lens_fill};

mmn_status mmn_lens_run(mmn_result **result, const mmn_model *model,
                        const mmn_lens_options *options, mmn_error *error)
{
    return mmn_study_make(result, &mmn_lens_kind, model, options, error);
}
