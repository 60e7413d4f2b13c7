/* The counting probe: sees the stages of one module and counts their active neurons. */
#include "count/count_probe.h"

#include <inttypes.h>

#include "base/threads.h"

/* Neurons that one thread takes at a time. */
#define CHUNK 256
/* Positions of one cell whose values, at most 2^40 each, cannot overflow a sum. */
#define POSITION_LIMIT (INT64_C(1) << 22)

/* Adds `rows` rows of values [rows][neurons]. Threads own neurons, so no sum is shared. */
static void count_rows(const mmn_count_probe *probe, int64_t *active, int64_t *sum,
                       const float *values, size_t rows, size_t neurons)
{
    const mmn_kernels *kernels = probe->kernels;
    MMN_PARALLEL_FOR(probe->threads, static)
    for (size_t first = 0; first < neurons; first += CHUNK) {
        size_t count = neurons - first < CHUNK ? neurons - first : CHUNK;
        kernels->count_active(active + first, sum + first, values + first, neurons, rows, count);
    }
}

/* Counts the image positions among the rows once more, run by run. Returns their number. */
static int64_t count_image_rows(const mmn_count_probe *probe, int64_t *const *fields,
                                const mmn_stage *stage, size_t rows, size_t neurons,
                                size_t offset)
{
    int64_t *active = fields[MMN_FIELD_IMAGE_COUNT] + offset;
    int64_t *sum = fields[MMN_FIELD_IMAGE_SUM] + offset;
    const float *values = stage->data;
    int64_t image_rows = 0;
    for (size_t row = 0, end; row < rows; row = end) {
        int image = mmn_input_is_image(stage->input, stage->first_position + row);
        for (end = row + 1; end < rows; end++)
            if (mmn_input_is_image(stage->input, stage->first_position + end) != image)
                break;
        if (image) {
            count_rows(probe, active, sum, values + row * neurons, end - row, neurons);
            image_rows += (int64_t)(end - row);
        }
    }
    return image_rows;
}

static mmn_count_cell *find_cell(const mmn_count_probe *probe, const mmn_input *input)
{
    for (size_t i = 0; i < probe->target_count; i++)
        if (probe->targets[i].input == input)
            return &probe->targets[i].cells[probe->module_number];
    return NULL;
}

mmn_status mmn_count_probe_see(void *context, const mmn_stage *stage, mmn_error *error)
{
    const mmn_count_probe *probe = context;
    const mmn_counted_module *module = probe->module;
    if (probe->interrupted && probe->interrupted(probe->context))
        return mmn_fail(error, MMN_INTERRUPTED, NULL, NULL, "interrupted");
    size_t layer = stage->layer < 0 ? 0 : (size_t)stage->layer;
    size_t neurons = stage->shape[stage->dimensions - 1], rows = 1;
    for (size_t i = 0; i + 1 < stage->dimensions; i++)
        rows *= stage->shape[i];
    const mmn_count_cell *cell = find_cell(probe, stage->input);
    if (!cell)
        return mmn_fail(error, MMN_USAGE, NULL, stage->name, "the stage is of another input");
    if (stage->element != MMN_ELEMENT_F32 || layer >= module->layers || neurons != module->neurons)
        return mmn_fail(error, MMN_USAGE, NULL, stage->name,
                        "the stage does not have the %" PRIu32 " layers of %" PRIu32
                        " neurons of module %s", module->layers, module->neurons, module->name);

    int64_t *const *fields = cell->fields;
    if ((int64_t)rows > POSITION_LIMIT - fields[MMN_FIELD_TOKENS][0])
        return mmn_fail(error, MMN_INPUT, NULL, stage->name,
                        "a sample has more than %" PRId64 " positions", POSITION_LIMIT);
    size_t offset = layer * neurons;
    count_rows(probe, fields[MMN_FIELD_COUNT] + offset, fields[MMN_FIELD_SUM] + offset,
               stage->data, rows, neurons);
    int64_t image_rows = 0;
    if (fields[MMN_FIELD_IMAGE_COUNT])
        image_rows = count_image_rows(probe, fields, stage, rows, neurons, offset);
    if (layer == 0) {
        fields[MMN_FIELD_TOKENS][0] += (int64_t)rows;
        if (fields[MMN_FIELD_IMAGE_TOKENS])
            fields[MMN_FIELD_IMAGE_TOKENS][0] += image_rows;
    }
    return MMN_OK;
}
