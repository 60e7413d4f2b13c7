/* The logit lens over a list: runs its samples, and reads the states of all layers. */
#include "study/lens.h"

#include <string.h>

#include "base/given.h"
#include "base/items.h"
#include "base/memory.h"
#include "model/input.h"
#include "model/model.h"
#include "study/lens_positions.h"
#include "study/patch_grid.h"
#include "study/run_result.h"

enum { TOP = 5, TOP_LIMIT = 1000 };

static void free_example(mmn_lens_example *example)
{
    for (size_t i = 0; example->images && i < example->image_count; i++)
        mmn_free(example->images[i]);
    mmn_free(example->images);
    mmn_free(example->id);
    mmn_free(example->positions);
    mmn_free(example->ids);
    mmn_free(example->is_image);
    mmn_free(example->entropy);
    mmn_free(example->words);
    mmn_free(example->activation);
}

/* ---- Examples -------------------------------------------------------------------------------- */

static mmn_status copy_images(mmn_lens_example *example, const mmn_sample *sample,
                              mmn_error *error)
{
    example->images = mmn_allocate(sample->image_count, sizeof(*example->images), error);
    if (!example->images)
        return MMN_SYSTEM;
    for (; example->image_count < sample->image_count; example->image_count++) {
        char *copy = mmn_copy_text(sample->images[example->image_count], error);
        if (!copy)
            return MMN_SYSTEM;
        example->images[example->image_count] = copy;
    }
    return MMN_OK;
}

static mmn_status choose_positions(mmn_lens_example *example, const mmn_input *input,
                                   const char *text, mmn_error *error)
{
    size_t length = mmn_input_length(input);
    bool *chosen = mmn_allocate(length, sizeof(*chosen), error);
    mmn_status status = chosen ? mmn_lens_choose_positions(chosen, input, text, error) : MMN_SYSTEM;

    for (size_t position = 0; status == MMN_OK && position < length; position++)
        example->count += chosen[position];
    if (status == MMN_OK &&
        (!(example->positions = mmn_allocate(example->count, sizeof(size_t), error)) ||
         !(example->ids = mmn_allocate(example->count, sizeof(int32_t), error)) ||
         !(example->is_image = mmn_allocate(example->count, sizeof(bool), error))))
        status = MMN_SYSTEM;
    for (size_t position = 0, i = 0; status == MMN_OK && position < length; position++) {
        if (!chosen[position])
            continue;
        example->positions[i] = position;
        example->ids[i] = input->ids[position];
        example->is_image[i++] = mmn_input_is_image(input, position) != 0;
    }
    mmn_free(chosen);
    return status;
}

static mmn_status add_example(mmn_lens *lens, const mmn_planned_sample *planned,
                              const mmn_input *input, mmn_error *error)
{
    const char *text = lens->options->positions ? lens->options->positions : "last";
    size_t readings;
    mmn_status status = mmn_reserve(&lens->examples, &lens->example_capacity,
                                    lens->example_count + 1, sizeof(*lens->examples), error);
    if (status != MMN_OK)
        return status;
    mmn_lens_example *example = &lens->examples[lens->example_count++];
    *example = (mmn_lens_example){.domain = planned->domain};
    if (!(example->id = mmn_copy_text(planned->sample.id, error)))
        return MMN_SYSTEM;
    status = copy_images(example, &planned->sample, error);
    if (status == MMN_OK)
        status = choose_positions(example, input, text, error);
    if (status != MMN_OK)
        return status;
    const mmn_patch_grid grid = mmn_patch_grid_of(lens->study.model, input);
    example->grid = grid.side;
    example->grid_first = grid.first;
    if (lens->activation.module && example->grid > 0 &&
        !(example->activation = mmn_allocate(example->grid, example->grid * sizeof(float), error)))
        return MMN_SYSTEM;
    if (!mmn_multiply_sizes(example->count, lens->layers, &readings))
        return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "there are too many positions");
    example->entropy = mmn_allocate(readings, sizeof(double), error);
    example->words = mmn_allocate(readings, lens->top * sizeof(mmn_word), error);
    lens->example = example;
    return example->entropy && example->words ? MMN_OK : MMN_SYSTEM;
}

/* Keeps the reading of row `row` of the readout, if its position is one of the example's. */
static void keep_reading(const mmn_lens *lens, size_t position, size_t layer, size_t row)
{
    mmn_lens_example *example = lens->example;
    for (size_t i = 0; i < example->count; i++)
        if (example->positions[i] == position) {
            size_t reading = i * lens->layers + layer;
            example->entropy[reading] = lens->readout.entropy[row];
            memcpy(example->words + reading * lens->top, lens->readout.words + row * lens->top,
                   lens->top * sizeof(mmn_word));
        }
}

/* ---- The probe ------------------------------------------------------------------------------- */

/* Reads rows [rows][hidden_size], which begin at position `first`. */
static mmn_status read_rows(mmn_lens *lens, int stage, const mmn_stage *shown, const float *values,
                            mmn_error *error)
{
    size_t rows = shown->shape[0], width = shown->shape[1], layer = (size_t)shown->layer;
    mmn_status status = MMN_OK;

    for (size_t first = 0; first < rows && status == MMN_OK; first += MMN_READOUT_ROWS) {
        size_t count = rows - first < MMN_READOUT_ROWS ? rows - first : MMN_READOUT_ROWS;
        status = mmn_study_advance(&lens->study, 0, error);
        if (status == MMN_OK)
            status = mmn_readout_run(&lens->readout, values + first * width, count, error);
        for (size_t row = 0; row < count && status == MMN_OK; row++) {
            size_t position = shown->first_position + first + row;
            int image = mmn_input_is_image(shown->input, position) != 0;
            mmn_lens_cell *cell = mmn_lens_cell_of(lens, lens->domain, stage, layer, image);
            cell->entropy += lens->readout.entropy[row];
            status = mmn_word_counts_add(&cell->words, lens->readout.words[row * lens->top].id,
                                         error);
            if (lens->example && stage == MMN_LENS_OUT)
                keep_reading(lens, position, layer, row);
        }
    }
    return status;
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
    mmn_status status = mmn_reserve(&lens->residual, &lens->residual_capacity, count, sizeof(float),
                                    error);
    if (status == MMN_OK)
        memcpy(lens->residual, shown->data, count * sizeof(float));
    return status;
}

static mmn_status see(void *context, const mmn_stage *shown, mmn_error *error)
{
    mmn_lens *lens = context;
    const bool *wanted = lens->stages;
    mmn_status status = MMN_OK;
    const char *dot = shown->layer < 0 ? NULL : strchr(shown->name + strlen("language.layers."), '.');
    const char *name = dot ? dot + 1 : "";

    for (int stage = 0; stage < MMN_LENS_STAGES && status == MMN_OK; stage++)
        if (wanted[stage] && stage != MMN_LENS_MID &&
            strcmp(name, mmn_lens_stage_names[stage]) == 0)
            status = read_rows(lens, stage, shown, shown->data, error);
    if (status == MMN_OK && wanted[MMN_LENS_MID] && strcmp(name, "mlp.out") != 0)
        status = read_mid(lens, shown, error);
    return status;
}

/* ---- Running --------------------------------------------------------------------------------- */

static bool is_example(const mmn_lens *lens, size_t domain)
{
    uint64_t kept = 0;

    for (size_t i = 0; i < lens->example_count; i++)
        kept += lens->examples[i].domain == domain;
    return kept < lens->options->examples;
}

/* Keeps the chosen neuron's activation at the example's patches: in the vision tower they come
 * after the class token, if it has one, in the projector first, in the language model where they
 * stand. */
static mmn_status keep_activation(mmn_lens *lens, mmn_session *session, mmn_error *error)
{
    mmn_lens_activation *activation = &lens->activation;
    const mmn_lens_example *example = lens->example;
    const mmn_vision_config *vision = &lens->study.model->config.vision;

    if (!example || !example->activation)
        return MMN_OK;
    activation->values = example->activation;
    activation->grid = example->grid;
    activation->first = strcmp(activation->module->name, "vision") == 0
                            ? vision->positions - vision->patches
                        : strcmp(activation->module->name, "language") == 0 ? example->grid_first
                                                                            : 0;
    return mmn_lens_activation_keep(activation, session, error);
}

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
    (void)run;
    mmn_status status = mmn_session_add_probe(session, &probe, error);
    return status == MMN_OK ? keep_activation(lens, session, error) : status;
}

/* An mmn_study_function. */
static mmn_status read_sample(void *context, const mmn_planned_sample *planned,
                              const mmn_input *input, mmn_error *error)
{
    static const mmn_measuring measuring = {.ready = ready};
    mmn_lens *lens = context;
    size_t image = mmn_input_image_positions(input);
    mmn_status status = MMN_OK;
    lens->domain = planned->domain;
    lens->example = NULL;
    lens->positions[planned->domain][0] += mmn_input_length(input) - image;
    lens->positions[planned->domain][1] += image;
    if (is_example(lens, planned->domain))
        status = add_example(lens, planned, input, error);
    return status == MMN_OK ? mmn_study_measure(&lens->study, &measuring, lens, planned->domain,
                                                input, error)
                            : status;
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

static mmn_status set_up(mmn_lens *lens, const mmn_model *model, const mmn_lens_options *options,
                         mmn_error *error)
{
    const bool masked = options->ranking != NULL;
    if (!masked && (options->off_domain || options->off_setting))
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "off_domain and off_setting choose among the neurons of a ranking, which is "
                        "missing");
    lens->options = options;
    lens->study = (mmn_study){
        .model = model,
        .samples = {.file = options->list, .limit = options->samples},
        .neurons = options->ranking,
        .setting = !masked ? NULL : options->off_setting ? options->off_setting : "all",
        .plan = {.plain = !masked, .off_domain = options->off_domain},
        .allowed = {.unknown_keys = options->allow_unknown_keys != 0,
                    .long_prompts = options->allow_long_prompts != 0,
                    .other_model = options->other_model != 0},
        .progress = {.label = "reading", .unit = "samples"},
        .show = options->progress,
        .show_context = options->progress_context};
    lens->layers = model->config.language.layers;
    lens->vocabulary = model->config.language.vocab_size;
    lens->top = options->top > 0 ? options->top : TOP;
    if (lens->top > TOP_LIMIT)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "there can be %d words at most", TOP_LIMIT);
    if (lens->top > lens->vocabulary)
        lens->top = lens->vocabulary;
    mmn_status status = choose_stages(lens->stages, options->stages, error);
    if (status == MMN_OK && options->positions)
        status = mmn_lens_choose_positions(NULL, NULL, options->positions, error);
    if (status == MMN_OK && options->neuron)
        status = mmn_lens_activation_parse(&lens->activation, model, options->neuron, error);
    return status;
}

static mmn_status begin(void *context, mmn_error *error)
{
    mmn_lens *lens = context;
    const size_t domains = lens->study.samples.domains.domain_count;
    lens->positions = mmn_allocate(domains, sizeof(*lens->positions), error);
    lens->cells = mmn_allocate(domains * MMN_LENS_STAGES * 2, lens->layers * sizeof(*lens->cells),
                               error);
    if (!lens->positions || !lens->cells)
        return MMN_SYSTEM;
    return mmn_readout_begin(&lens->readout, lens->study.model, lens->top, error);
}

static void end(void *context)
{
    mmn_lens *lens = context;
    size_t cells = lens->study.samples.domains.domain_count * MMN_LENS_STAGES * lens->layers * 2;
    for (size_t i = 0; lens->cells && i < cells; i++)
        mmn_word_counts_free(&lens->cells[i].words);
    for (size_t i = 0; i < lens->example_count; i++)
        free_example(&lens->examples[i]);
    mmn_free(lens->examples);
    mmn_free(lens->cells);
    mmn_free(lens->positions);
    mmn_free(lens->residual);
    mmn_readout_free(&lens->readout);
}

const mmn_study_kind mmn_lens_kind = {.begin = begin,
                                      .measure = read_sample,
                                      .end = end,
                                      .form = &mmn_lens_form,
                                      .fill = mmn_lens_fill};

mmn_status mmn_lens_read(mmn_lens *lens, const mmn_model *model, const mmn_lens_options *options,
                         mmn_error *error)
{
    mmn_status status = set_up(lens, model, options, error);
    return status == MMN_OK ? mmn_study_find(&mmn_lens_kind, lens, error) : status;
}

mmn_status mmn_lens_run(mmn_result **result, const mmn_model *model,
                        const mmn_lens_options *options, mmn_error *error)
{
    mmn_lens kept = {0};
    if (result)
        *result = NULL;
    if (MMN_MISSING(error, result, model, options) || MMN_MISSING(error, options->list))
        return MMN_USAGE;
    const mmn_status status = mmn_lens_read(&kept, model, options, error);
    return mmn_study_result(result, &mmn_lens_kind, &kept, status, error);
}
