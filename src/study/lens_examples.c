/* Examples of the logit lens: samples of which chosen positions are kept in full, and the
 * activation of a chosen neuron at the patches of their first picture. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/names.h"
#include "model/model.h"
#include "study/lens.h"

/* ---- Positions ------------------------------------------------------------------------------- */

/* Digits, and nothing else, up to a comma or the end; numbers beyond any input become SIZE_MAX. */
static bool read_number(size_t *number, const char *text, size_t length)
{
    *number = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *number = *number > SIZE_MAX / 16 ? SIZE_MAX : *number * 10 + (size_t)(text[i] - '0');
    }
    return length > 0;
}

/* `wanted` of the positions of one kind. */
static void choose_kind(bool *chosen, const mmn_input *input, bool image, size_t wanted)
{
    size_t length = mmn_input_length(input), images = mmn_input_image_positions(input);
    size_t count = image ? images : length - images, number = 0, taken = 0;
    if (wanted > count)
        wanted = count;
    for (size_t position = 0; position < length && taken < wanted; position++) {
        if ((mmn_input_is_image(input, position) != 0) != image)
            continue;
        /* The i-th of those wanted is number i * (count - 1) / (wanted - 1) of all. */
        size_t next = wanted > 1 ? taken * (count - 1) / (wanted - 1) : count - 1;
        if (number++ == next) {
            chosen[position] = true;
            taken++;
        }
    }
}

static bool choose_term(bool *chosen, const mmn_input *input, const mmn_item *term)
{
    static const char *const kinds[] = {"text:", "image:"};
    const size_t end = input ? mmn_input_length(input) : 0;
    size_t number;
    if (mmn_item_is(term, "all") || mmn_item_is(term, "last")) {
        for (number = mmn_item_is(term, "all") || end == 0 ? 0 : end - 1; number < end; number++)
            chosen[number] = true;
        return true;
    }
    for (int image = 0; image < 2; image++) {
        const size_t length = strlen(kinds[image]);
        if (term->length <= length || strncmp(term->text, kinds[image], length) != 0)
            continue;
        if (!read_number(&number, term->text + length, term->length - length))
            return false;
        if (input)
            choose_kind(chosen, input, image, number);
        return true;
    }
    if (!read_number(&number, term->text, term->length))
        return false;
    if (number < end)
        chosen[number] = true;
    return true;
}

mmn_status mmn_lens_choose_positions(bool *chosen, const mmn_input *input, const char *text,
                                     mmn_error *error)
{
    mmn_item item;
    while (mmn_next_item(&item, &text, ','))
        if (!choose_term(chosen, input, &item))
            return mmn_fail(error, MMN_USAGE, NULL, NULL,
                            "\"%.*s\" names no position; there are \"last\", \"all\", numbers, "
                            "\"image:K\" and \"text:K\"",
                            MMN_ITEM(item));
    return MMN_OK;
}

/* Room for what is kept of so many positions; `allocate` says whose memory it is. */
static mmn_status reserve(mmn_lens_example *example, mmn_lens *lens, size_t count,
                          void *(*allocate)(mmn_study *study, size_t count, size_t size,
                                            mmn_error *error),
                          mmn_error *error)
{
    mmn_study *study = &lens->study;
    const size_t side = example->grid.side;
    size_t readings;
    if (!mmn_multiply_sizes(count, lens->layers, &readings))
        return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "there are too many positions");
    example->positions = allocate(study, count, sizeof(*example->positions), error);
    example->entropy = allocate(study, readings, sizeof(double), error);
    example->words = allocate(study, readings, lens->top * sizeof(mmn_word), error);
    MMN_NEED(example->positions && example->entropy && example->words);
    if (lens->neuron.module && side > 0)
        MMN_NEED(example->activation = allocate(study, side, side * sizeof(float), error));
    if (lens->nearest > 0)
        MMN_NEED(example->nearest =
                     allocate(study, count, lens->nearest * sizeof(mmn_word), error));
    example->count = count;
    return MMN_OK;
}

static mmn_status choose_positions(mmn_lens *lens, mmn_lens_example *example,
                                   const mmn_input *input, mmn_error *error)
{
    const char *text = lens->options->positions ? lens->options->positions : "last";
    const size_t length = mmn_input_length(input);
    size_t count = 0, index = 0;
    bool *chosen = mmn_study_allocate_in_row(&lens->study, length, sizeof(*chosen), error);
    MMN_NEED(chosen);
    MMN_TRY(mmn_lens_choose_positions(chosen, input, text, error));
    for (size_t position = 0; position < length; position++)
        count += chosen[position];
    MMN_TRY(reserve(example, lens, count, mmn_study_allocate_in_row, error));
    for (size_t position = 0; position < length; position++)
        if (chosen[position])
            example->positions[index++] = (mmn_lens_position){
                position, input->ids[position], mmn_input_is_image(input, position) != 0};
    return MMN_OK;
}

/* ---- Examples -------------------------------------------------------------------------------- */

static mmn_status copy_names(mmn_lens *lens, mmn_lens_example *example, const mmn_sample *sample,
                             mmn_error *error)
{
    mmn_study *study = &lens->study;
    example->id = mmn_study_copy_text(study, sample->id, error);
    example->images =
        mmn_study_allocate(study, sample->image_count, sizeof(*example->images), error);
    MMN_NEED(example->id && example->images);
    for (; example->image_count < sample->image_count; example->image_count++) {
        char *copy = mmn_study_copy_text(study, sample->images[example->image_count], error);
        MMN_NEED(copy);
        example->images[example->image_count] = copy;
    }
    return MMN_OK;
}

mmn_status mmn_lens_begin_example(mmn_lens *lens, const mmn_planned_sample *planned,
                                  const mmn_input *input, mmn_error *error)
{
    lens->example = NULL;
    if (planned->window >= lens->options->examples)
        return MMN_OK;
    lens->example = &lens->at_work;
    lens->at_work = (mmn_lens_example){.grid = mmn_patch_grid_of(lens->study.model, input)};
    return choose_positions(lens, lens->example, input, error);
}

mmn_status mmn_lens_keep_example(mmn_lens_example **example, mmn_lens *lens,
                                 const mmn_planned_sample *planned, size_t positions,
                                 mmn_patch_grid grid, mmn_error *error)
{
    MMN_TRY(mmn_study_reserve(&lens->study, &lens->examples, &lens->example_capacity,
                              lens->example_count + 1, sizeof(*lens->examples), error));
    *example = &lens->examples[lens->example_count++];
    **example = (mmn_lens_example){.domain = planned->domain, .grid = grid};
    MMN_TRY(copy_names(lens, *example, &planned->sample, error));
    return reserve(*example, lens, positions, mmn_study_allocate, error);
}

void mmn_lens_keep_reading(const mmn_lens *lens, size_t position, size_t layer, size_t row)
{
    mmn_lens_example *example = lens->example;
    for (size_t i = 0; i < example->count; i++)
        if (example->positions[i].position == position) {
            size_t reading = i * lens->layers + layer;
            example->entropy[reading] = lens->readout.entropy[row];
            memcpy(example->words + reading * lens->top, lens->readout.words + row * lens->top,
                   lens->top * sizeof(mmn_word));
        }
}

/* ---- Activations ----------------------------------------------------------------------------- */

mmn_status mmn_lens_choose_neuron(mmn_lens_neuron *neuron, const mmn_model *model, const char *text,
                                  mmn_error *error)
{
    const mmn_model_info *info = mmn_model_describe(model);
    size_t length = strcspn(text, ":");
    int end = 0;
    for (size_t m = 0; m < info->module_count; m++)
        if (strlen(info->modules[m].name) == length &&
            strncmp(info->modules[m].name, text, length) == 0)
            neuron->module = &info->modules[m];
    if (!neuron->module ||
        sscanf(text + length, ":%9" SCNu32 ":%9" SCNu32 "%n", &neuron->layer, &neuron->neuron,
               &end) != 2 ||
        text[length + (size_t)end] != '\0' || neuron->layer >= neuron->module->layers ||
        neuron->neuron >= neuron->module->neurons)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "\"%.100s\" is no neuron of the model; one is MODULE:LAYER:NEURON, as "
                        "\"vision:0:17\"",
                        text);
    mmn_stage_name(neuron->stage, neuron->module->stages, (int)neuron->layer);
    return MMN_OK;
}

/* In the vision tower the patches come after the class token, if it has one, in the projector
 * first, in the language model where they stand. */
static size_t first_patch(const mmn_lens *lens)
{
    const mmn_vision_config *vision = &lens->study.model->config.vision;
    const char *module = lens->neuron.module->name;
    return strcmp(module, "vision") == 0     ? vision->positions - vision->patches
           : strcmp(module, "language") == 0 ? lens->example->grid.first
                                             : 0;
}

/* An mmn_see_function. */
static mmn_status keep(void *context, const mmn_stage *stage, mmn_error *error)
{
    const mmn_lens *lens = context;
    const mmn_patch_grid *grid = &lens->example->grid;
    size_t first = first_patch(lens), patches = grid->side * grid->side;
    size_t neurons = lens->neuron.module->neurons, rows = 1, last = stage->dimensions - 1;
    const float *values = stage->data;
    for (size_t i = 0; i < last; i++)
        rows *= stage->shape[i];
    if (stage->shape[last] != neurons || first + patches > rows)
        return mmn_fail(error, MMN_USAGE, NULL, stage->name, "does not show the patches");
    for (size_t i = 0; i < patches; i++)
        lens->example->activation[i] = values[(first + i) * neurons + lens->neuron.neuron];
    return MMN_OK;
}

mmn_status mmn_lens_keep_activation(mmn_lens *lens, mmn_session *session, mmn_error *error)
{
    const mmn_probe probe = {.stages = lens->neuron.stage, .see = keep, .context = lens};
    return lens->example && lens->example->activation
               ? mmn_session_add_probe(session, &probe, error)
               : MMN_OK;
}
