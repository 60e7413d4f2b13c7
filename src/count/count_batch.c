/* Batches: samples of a list that wait to run through the model together. */
#include "count/count_batch.h"

#include "base/memory.h"
#include "model/input.h"
#include "pass/batch.h"

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

mmn_status mmn_count_batch_add(mmn_count_batch *batch, const mmn_waiting_sample *sample,
                               mmn_error *error)
{
    mmn_status status = mmn_reserve(&batch->samples, &batch->capacity, batch->count + 1,
                                    sizeof(*batch->samples), error);
    if (status != MMN_OK) {
        mmn_input_free(sample->input);
        return status;
    }
    if (sample->input) {
        batch->rows += new_rows(batch, sample->input);
        batch->pixel_bytes += pixel_bytes(sample->input);
        if (batch->inputs++ == 0)
            batch->first_rows = batch->rows;
    }
    batch->samples[batch->count++] = *sample;
    return MMN_OK;
}

/* The cells, all zero, for a domain's samples among those that run. */
static mmn_status find_cells(mmn_count_batch *batch, size_t domain, const mmn_counts *counts,
                             mmn_batch_cells **found, mmn_error *error)
{
    size_t i = 0;
    while (i < batch->cells_count && batch->cells[i].domain != domain)
        i++;
    mmn_status status = mmn_reserve(&batch->cells, &batch->cells_capacity, i + 1,
                                    sizeof(*batch->cells), error);
    if (status != MMN_OK)
        return status;
    *found = &batch->cells[i];
    if (i < batch->cells_count)
        return MMN_OK;
    (*found)->domain = domain;
    for (size_t m = 0; m < counts->module_count && status == MMN_OK; m++) {
        mmn_count_cell *cell = &(*found)->cells[m];
        if (cell->fields[0])
            mmn_count_cell_clear(cell, &counts->modules[m]);
        else
            status = mmn_count_cell_create(cell, &counts->modules[m], error);
    }
    batch->cells_count += status == MMN_OK;
    return status;
}

static mmn_status prepare(mmn_count_batch *batch, size_t first, size_t count,
                          const mmn_counts *counts, size_t *running, mmn_error *error)
{
    *running = 0;
    batch->cells_count = 0;
    mmn_status status = mmn_reserve(&batch->running, &batch->running_capacity, count,
                                    sizeof(*batch->running), error);
    if (status == MMN_OK)
        status = mmn_reserve(&batch->targets, &batch->targets_capacity, count,
                             sizeof(*batch->targets), error);
    for (size_t i = first; i < first + count && status == MMN_OK; i++) {
        mmn_batch_cells *cells;
        if (batch->samples[i].input)
            status = find_cells(batch, batch->samples[i].domain, counts, &cells, error);
    }
    /* Only now do the cells stay where they are. */
    for (size_t i = first; i < first + count && status == MMN_OK; i++) {
        mmn_batch_cells *cells;
        if (!batch->samples[i].input)
            continue;
        status = find_cells(batch, batch->samples[i].domain, counts, &cells, error);
        batch->running[*running] = batch->samples[i].input;
        batch->targets[(*running)++] =
            (mmn_count_target){.input = batch->samples[i].input, .cells = cells->cells};
    }
    return status;
}

mmn_status mmn_count_batch_run(mmn_count_batch *batch, size_t first, size_t count,
                               const mmn_counts *counts, mmn_session *session,
                               mmn_count_probe *probes, mmn_error *error)
{
    size_t running;
    mmn_status status = prepare(batch, first, count, counts, &running, error);
    for (size_t m = 0; m < counts->module_count; m++) {
        probes[m].targets = batch->targets;
        probes[m].target_count = running;
    }
    if (status == MMN_OK && running > 0)
        status = mmn_session_prefill_many(session, batch->running, running, error);
    return status;
}

mmn_status mmn_count_batch_commit(const mmn_count_batch *batch, mmn_counts *counts,
                                  mmn_error *error)
{
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < batch->cells_count && status == MMN_OK; i++) {
        mmn_counted_domain *domain = &counts->domains[batch->cells[i].domain];
        for (size_t m = 0; m < counts->module_count && status == MMN_OK; m++)
            status = mmn_count_cell_add(&domain->cells[m], &batch->cells[i].cells[m],
                                        &counts->modules[m], error);
    }
    return status;
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
    mmn_free(batch->targets);
    *batch = (mmn_count_batch){.limit = batch->limit};
}
