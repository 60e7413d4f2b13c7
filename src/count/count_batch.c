/* Batches: samples of a list that wait to run through the model together, and are counted there. */
#include "count/count.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/threads.h"
#include "base/utf8.h"
#include "model/input.h"
#include "model/model.h"
#include "pass/batch.h"
#include "pass/session.h"

/* ---- The counting probe ---------------------------------------------------------------------- */

/* Neurons that one thread takes at a time. */
#define CHUNK 256
/* Rows whose absolute values are put side by side for them. */
#define MAGNITUDE_ROWS 16
/* Positions of one cell whose values, at most 2^40 each, cannot overflow a sum. */
#define POSITION_LIMIT (INT64_C(1) << 22)

/* Adds `rows` rows of values [rows][neurons]. Threads own neurons, so no sum is shared. */
static void count_rows(const mmn_count_batch *batch, int64_t *active, int64_t *sum,
                       const float *values, size_t rows, size_t neurons)
{
    const mmn_compute *compute = &batch->session->model->compute;
    MMN_PARALLEL_FOR(compute->threads, static)
    for (size_t first = 0; first < neurons; first += CHUNK) {
        size_t count = neurons - first < CHUNK ? neurons - first : CHUNK;
        compute->kernels->count_active(active + first, sum + first, values + first, neurons, rows,
                                       count);
    }
}

/* Adds the absolute values, which the same kernel sums; how many of them are above 0 is nobody's
 * question. */
static void add_magnitudes(const mmn_count_batch *batch, int64_t *magnitude, const float *values,
                           size_t rows, size_t neurons)
{
    const mmn_compute *compute = &batch->session->model->compute;
    MMN_PARALLEL_FOR(compute->threads, static)
    for (size_t first = 0; first < neurons; first += CHUNK) {
        const size_t count = neurons - first < CHUNK ? neurons - first : CHUNK;
        float absolute[MAGNITUDE_ROWS][CHUNK];
        int64_t active[CHUNK] = {0};
        for (size_t row = 0; row < rows; row += MAGNITUDE_ROWS) {
            const size_t some = rows - row < MAGNITUDE_ROWS ? rows - row : MAGNITUDE_ROWS;
            for (size_t r = 0; r < some; r++)
                for (size_t n = 0; n < count; n++)
                    absolute[r][n] = fabsf(values[(row + r) * neurons + first + n]);
            compute->kernels->count_active(active, magnitude + first, absolute[0], CHUNK, some,
                                           count);
        }
    }
}

/* Counts the image positions among the rows once more, run by run. Returns their number. */
static int64_t count_image_rows(const mmn_count_batch *batch, int64_t *const *fields,
                                const mmn_stage *stage, size_t rows, size_t neurons, size_t offset)
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
            count_rows(batch, active, sum, values + row * neurons, end - row, neurons);
            image_rows += (int64_t)(end - row);
        }
    }
    return image_rows;
}

/* An mmn_see_function whose context is an mmn_count_probe. No cell may see more than 2^22
 * positions, so that sums fit (one sample has fewer). */
static mmn_status see(void *context, const mmn_stage *stage, mmn_error *error)
{
    const mmn_count_probe *probe = context;
    const mmn_count_batch *batch = probe->batch;
    const mmn_counted_module *module = &batch->counts->modules[probe->module];
    const mmn_count_cell *cell = NULL;
    if (batch->interrupted(batch->context))
        return mmn_fail(error, MMN_INTERRUPTED, NULL, NULL, "interrupted");
    size_t layer = stage->layer < 0 ? 0 : (size_t)stage->layer;
    size_t neurons = stage->shape[stage->dimensions - 1], rows = 1;
    for (size_t i = 0; i + 1 < stage->dimensions; i++)
        rows *= stage->shape[i];
    for (size_t i = 0; i < batch->running_count && !cell; i++)
        if (batch->running[i] == stage->input)
            cell = &batch->cells[batch->cells_of[i]].cells[probe->module];
    if (!cell)
        return mmn_fail(error, MMN_USAGE, NULL, stage->name, "the stage is of another input");
    if (stage->element != MMN_ELEMENT_F32 || layer >= module->layers || neurons != module->neurons)
        return mmn_fail(error, MMN_USAGE, NULL, stage->name,
                        "the stage does not have the %" PRIu32 " layers of %" PRIu32
                        " neurons of module %s",
                        module->layers, module->neurons, module->name);

    int64_t *const *fields = cell->fields;
    if ((int64_t)rows > POSITION_LIMIT - fields[MMN_FIELD_TOKENS][0])
        return mmn_fail(error, MMN_INPUT, NULL, stage->name,
                        "a sample has more than %" PRId64 " positions", POSITION_LIMIT);
    size_t offset = layer * neurons;
    count_rows(batch, fields[MMN_FIELD_COUNT] + offset, fields[MMN_FIELD_SUM] + offset, stage->data,
               rows, neurons);
    if (fields[MMN_FIELD_MAGNITUDE])
        add_magnitudes(batch, fields[MMN_FIELD_MAGNITUDE] + offset, stage->data, rows, neurons);
    int64_t image_rows = 0;
    if (fields[MMN_FIELD_IMAGE_COUNT])
        image_rows = count_image_rows(batch, fields, stage, rows, neurons, offset);
    if (layer == 0) {
        fields[MMN_FIELD_TOKENS][0] += (int64_t)rows;
        if (fields[MMN_FIELD_IMAGE_TOKENS])
            fields[MMN_FIELD_IMAGE_TOKENS][0] += image_rows;
    }
    return MMN_OK;
}

mmn_status mmn_count_batch_start(mmn_count_batch *batch, const mmn_model *model, mmn_error *error)
{
    const mmn_model_info *info = mmn_model_describe(model);
    const mmn_session_options options = {.size = sizeof(options), .prompt_only = 1};
    MMN_TRY(mmn_session_create(&batch->session, model, &options, error));
    /* Where such numbers are allowed, samples with them are run alone. */
    batch->session->compute.watch->allow = false;
    for (size_t m = 0; m < batch->counts->module_count; m++) {
        size_t own = 0;
        while (strcmp(info->modules[own].name, batch->counts->modules[m].name) != 0)
            own++;
        batch->probes[m] = (mmn_count_probe){.batch = batch, .module = m};
        const mmn_probe probe = {
            .stages = info->modules[own].stages, .see = see, .context = &batch->probes[m]};
        MMN_TRY(mmn_session_add_probe(batch->session, &probe, error));
    }
    return MMN_OK;
}

/* ---- What waits ------------------------------------------------------------------------------ */

/* Several samples together pay by reading weights once for all their rows; beyond this many rows
 * that is no more a gain. A long sample takes some more that share most of it. */
enum { ROWS = 2048, MORE_ROWS = 512 };
#define PIXEL_BYTES ((size_t)256 << 20)

static size_t pixel_bytes(const mmn_input *input)
{
    const mmn_pixel_values *pixels = &input->pixels;
    return pixels->tiles * 3 * pixels->height * pixels->width * sizeof(float);
}

/* The positions that `input` would add to those that run. */
static size_t new_rows(const mmn_count_batch *batch, const mmn_input *input)
{
    size_t most = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const mmn_input *other = batch->samples[i].input;
        size_t shared = other ? mmn_inputs_shared_positions(other, input) : 0;
        if (shared > most)
            most = shared;
    }
    return input->length - most;
}

bool mmn_count_batch_takes(const mmn_count_batch *batch, const mmn_input *input)
{
    size_t rows = batch->first_rows + MORE_ROWS > ROWS ? batch->first_rows + MORE_ROWS : ROWS;
    if (batch->inputs == 0)
        return true;
    return batch->inputs < batch->limit && pixel_bytes(input) <= PIXEL_BYTES &&
           batch->pixel_bytes <= PIXEL_BYTES - pixel_bytes(input) &&
           batch->rows + new_rows(batch, input) <= rows;
}

/* XXH3-128 over the sample's number in the list and everything that enters the model:
 * doc/formats.md states the layout. */
static mmn_status digest_input(uint8_t digest[16], const mmn_input *input, uint64_t number,
                               mmn_error *error)
{
    const mmn_pixel_values *pixels = &input->pixels;
    mmn_digest *state = NULL;
    MMN_TRY(mmn_digest_begin(&state, error));
    mmn_digest_add_u64(state, number);
    mmn_digest_add_u64(state, input->length);
    for (size_t i = 0; i < input->length; i++)
        mmn_digest_add_u32(state, (uint32_t)input->ids[i]);
    mmn_digest_add_u64(state, input->image_count);
    for (size_t i = 0; i < input->image_count; i++) {
        mmn_digest_add_u32(state, input->image_sizes[i].height);
        mmn_digest_add_u32(state, input->image_sizes[i].width);
    }
    mmn_digest_add_u64(state, pixels->tiles);
    mmn_digest_add_u64(state, pixels->height);
    mmn_digest_add_u64(state, pixels->width);
    size_t count = pixels->tiles * 3 * pixels->height * pixels->width;
    uint8_t bytes[4096];
    for (size_t i = 0; i < count;) {
        size_t used = 0;
        for (; used < sizeof(bytes) && i < count; used += 4, i++)
            mmn_store_f32(bytes + used, pixels->values[i]);
        mmn_digest_add(state, bytes, used);
    }
    for (size_t i = 0; i < input->qformer_length; i++)
        mmn_digest_add_u32(state, (uint32_t)input->qformer_ids[i]);
    char text[MMN_DIGEST_SIZE];
    mmn_digest_finish(state, text);
    mmn_digest_free(state);
    mmn_hexadecimal_read(digest, text, 16);
    return MMN_OK;
}

/* Appends a sample that has no input yet. */
static mmn_status append(mmn_count_batch *batch, const mmn_planned_sample *planned,
                         uint64_t positions, const mmn_input *input, mmn_error *error)
{
    mmn_waiting_sample sample = {
        .line = planned->sample.line, .domain = planned->domain, .positions = positions};
    if (planned->own)
        MMN_TRY(digest_input(sample.digest, input, planned->number, error));
    MMN_TRY(MMN_RESERVE(batch->samples, batch->capacity, batch->count + 1, error));
    batch->samples[batch->count++] = sample;
    return MMN_OK;
}

mmn_status mmn_count_batch_add(mmn_count_batch *batch, const mmn_planned_sample *planned,
                               uint64_t positions, mmn_input *input, mmn_error *error)
{
    const mmn_status status = append(batch, planned, positions, input, error);
    if (status != MMN_OK || !planned->own) {
        mmn_input_free(input);
        return status;
    }
    batch->rows += new_rows(batch, input);
    batch->pixel_bytes += pixel_bytes(input);
    if (batch->inputs++ == 0)
        batch->first_rows = batch->rows;
    batch->samples[batch->count - 1].input = input;
    return MMN_OK;
}

/* ---- What runs ------------------------------------------------------------------------------- */

/* The number of the cells, all zero, for a domain's samples among those that run. */
static mmn_status find_cells(size_t *found, mmn_count_batch *batch, size_t domain, mmn_error *error)
{
    size_t i = 0;
    while (i < batch->cells_count && batch->cells[i].domain != domain)
        i++;
    *found = i;
    if (i < batch->cells_count)
        return MMN_OK;
    MMN_TRY(MMN_RESERVE(batch->cells, batch->cells_capacity, i + 1, error));
    batch->cells[i].domain = domain;
    for (size_t m = 0; m < batch->counts->module_count; m++) {
        mmn_count_cell *cell = &batch->cells[i].cells[m];
        if (cell->fields[0])
            mmn_count_cell_clear(cell, &batch->counts->modules[m]);
        else
            MMN_TRY(mmn_count_cell_create(cell, &batch->counts->modules[m], error));
    }
    batch->cells_count++;
    return MMN_OK;
}

mmn_status mmn_count_batch_run(mmn_count_batch *batch, size_t first, size_t count, mmn_error *error)
{
    size_t running = 0;
    batch->cells_count = batch->running_count = 0;
    MMN_TRY(MMN_RESERVE(batch->running, batch->running_capacity, count, error));
    MMN_TRY(MMN_RESERVE(batch->cells_of, batch->cells_of_capacity, count, error));
    for (size_t i = first; i < first + count; i++) {
        const mmn_waiting_sample *sample = &batch->samples[i];
        if (!sample->input)
            continue;
        MMN_TRY(find_cells(&batch->cells_of[running], batch, sample->domain, error));
        batch->running[running++] = sample->input;
    }
    batch->running_count = running;
    const mmn_status status =
        running > 0 ? mmn_session_prefill_many(batch->session, batch->running, running, error)
                    : MMN_OK;
    batch->running_count = status == MMN_OK ? running : 0;
    return status;
}

double mmn_count_batch_begun(const mmn_count_batch *batch)
{
    return batch->running_count > 0
               ? (double)batch->running_count * mmn_interrupt_share(&batch->session->interrupt)
               : 0;
}

mmn_status mmn_count_batch_commit(mmn_count_batch *batch, mmn_error *error)
{
    mmn_counts *counts = batch->counts;
    batch->running_count = 0;
    for (size_t i = 0; i < batch->cells_count; i++) {
        mmn_counted_domain *domain = &counts->domains[batch->cells[i].domain];
        for (size_t m = 0; m < counts->module_count; m++)
            MMN_TRY(mmn_count_cell_add(&domain->cells[m], &batch->cells[i].cells[m],
                                       &counts->modules[m], error));
    }
    return MMN_OK;
}

uint64_t mmn_count_batch_positions(const mmn_count_batch *batch, size_t domain)
{
    uint64_t positions = 0;
    for (size_t i = 0; i < batch->count; i++)
        if (batch->samples[i].domain == domain)
            positions += batch->samples[i].positions;
    return positions;
}

void mmn_count_batch_clear(mmn_count_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        mmn_input_free(batch->samples[i].input);
    batch->count = batch->inputs = 0;
    batch->rows = batch->first_rows = batch->pixel_bytes = 0;
}

void mmn_count_batch_free(mmn_count_batch *batch)
{
    mmn_count_batch_clear(batch);
    for (size_t i = 0; i < batch->cells_capacity; i++)
        for (size_t m = 0; m < MMN_MODULES; m++)
            mmn_count_cell_free(&batch->cells[i].cells[m]);
    mmn_free(batch->samples);
    mmn_free(batch->cells);
    mmn_free(batch->running);
    mmn_free(batch->cells_of);
    mmn_session_free(batch->session);
    *batch = (mmn_count_batch){.limit = batch->limit};
}
