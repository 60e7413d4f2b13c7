/* Rows of the logit lens: what is kept of a sample, and how it adds up. */
#include <string.h>

#include "base/error.h"
#include "study/lens.h"

#define MANY(name, type, member) MMN_ROW_MANY(name, type, mmn_lens_row, member, member##_count)
const mmn_row_column mmn_lens_columns[] = {
    MANY("entropy", MMN_ROW_REAL, entropy),
    MANY("words", MMN_ROW_WHOLE, words),
    MANY("ids", MMN_ROW_WHOLE, ids),
    MANY("times", MMN_ROW_WHOLE, times),
    MMN_ROW_ONE("example", MMN_ROW_WHOLE, mmn_lens_row, is_example),
    MMN_ROW_ONE("grid", MMN_ROW_WHOLE, mmn_lens_row, grid_side),
    MMN_ROW_ONE("grid_first", MMN_ROW_WHOLE, mmn_lens_row, grid_first),
    MANY("positions", MMN_ROW_WHOLE, positions),
    MANY("tokens", MMN_ROW_WHOLE, tokens),
    MANY("is_image", MMN_ROW_WHOLE, is_image),
    MANY("position_entropy", MMN_ROW_REAL, readings),
    MANY("position_ids", MMN_ROW_WHOLE, leading),
    MANY("position_p", MMN_ROW_REAL, p),
    MANY("activation", MMN_ROW_REAL, activation),
    MANY("nearest_ids", MMN_ROW_WHOLE, nearest),
    MANY("nearest_cosines", MMN_ROW_REAL, cosines),
    {0}};

/* ---- Making ---------------------------------------------------------------------------------- */

static void *allocate(mmn_lens *lens, size_t count, mmn_error *error)
{
    return mmn_study_allocate_in_row(&lens->study, count, sizeof(uint64_t), error);
}

/* Room for a row, and how many words its cells have together. */
static mmn_status reserve_cells(mmn_lens *lens, mmn_lens_row *row, mmn_error *error)
{
    const size_t cells = mmn_lens_read_cells(lens);
    size_t words = 0;
    for (size_t i = 0; i < cells; i++)
        words += mmn_lens_read_cell(lens, mmn_lens_at_hand(lens), i)->words.count;
    row->entropy = allocate(lens, cells, error);
    row->words = allocate(lens, cells, error);
    row->ids = allocate(lens, words, error);
    row->times = allocate(lens, words, error);
    row->entropy_count = row->words_count = cells;
    row->ids_count = row->times_count = words;
    return row->entropy && row->words && row->ids && row->times ? MMN_OK : MMN_SYSTEM;
}

/* Moves the cells of the sample at hand into the row. */
static mmn_status fill_cells(mmn_lens *lens, mmn_lens_row *row, mmn_error *error)
{
    size_t word = 0;
    MMN_TRY(reserve_cells(lens, row, error));
    for (size_t i = 0; i < row->entropy_count; i++) {
        mmn_lens_cell *cell = mmn_lens_read_cell(lens, mmn_lens_at_hand(lens), i);
        row->entropy[i] = cell->entropy;
        row->words[i] = cell->words.count;
        for (size_t k = 0; k < cell->words.count; k++, word++) {
            row->ids[word] = (uint64_t)cell->words.list[k].id;
            row->times[word] = (uint64_t)cell->words.list[k].value;
        }
        cell->entropy = 0;
        cell->words.count = 0;
    }
    return MMN_OK;
}

static mmn_status reserve_example(mmn_lens *lens, mmn_lens_row *row,
                                  const mmn_lens_example *example, mmn_error *error)
{
    const size_t readings = example->count * lens->layers, side = example->grid.side;
    row->positions_count = row->tokens_count = row->is_image_count = example->count;
    row->readings_count = readings;
    row->leading_count = row->p_count = readings * lens->top;
    row->activation_count = example->activation ? side * side : 0;
    row->positions = allocate(lens, example->count, error);
    row->tokens = allocate(lens, example->count, error);
    row->is_image = allocate(lens, example->count, error);
    row->readings = allocate(lens, readings, error);
    row->leading = allocate(lens, row->leading_count, error);
    row->p = allocate(lens, row->p_count, error);
    row->activation = allocate(lens, row->activation_count, error);
    return row->positions && row->tokens && row->is_image && row->readings && row->leading &&
                   row->p && row->activation
               ? MMN_OK
               : MMN_SYSTEM;
}

static size_t image_positions(const mmn_lens_example *example)
{
    size_t count = 0;
    for (size_t i = 0; i < example->count; i++)
        count += example->positions[i].is_image;
    return count;
}

/* Of image positions only, one after another. */
static mmn_status fill_nearest(mmn_lens *lens, mmn_lens_row *row, const mmn_lens_example *example,
                               mmn_error *error)
{
    const size_t each = lens->nearest, count = image_positions(example) * each;
    size_t at = 0;
    row->nearest = allocate(lens, count, error);
    row->cosines = allocate(lens, count, error);
    MMN_NEED(row->nearest && row->cosines);
    row->nearest_count = row->cosines_count = count;
    for (size_t i = 0; i < example->count; i++)
        for (size_t k = 0; k < each && example->positions[i].is_image; k++, at++) {
            row->nearest[at] = (uint64_t)example->nearest[i * each + k].id;
            row->cosines[at] = example->nearest[i * each + k].value;
        }
    return MMN_OK;
}

static mmn_status fill_example(mmn_lens *lens, mmn_lens_row *row, const mmn_lens_example *example,
                               mmn_error *error)
{
    MMN_TRY(reserve_example(lens, row, example, error));
    row->is_example = 1;
    row->grid_side = example->grid.side;
    row->grid_first = example->grid.first;
    for (size_t i = 0; i < example->count; i++) {
        row->positions[i] = example->positions[i].position;
        row->tokens[i] = (uint32_t)example->positions[i].id;
        row->is_image[i] = example->positions[i].is_image;
    }
    for (size_t i = 0; i < row->readings_count; i++)
        row->readings[i] = example->entropy[i];
    for (size_t i = 0; i < row->leading_count; i++) {
        row->leading[i] = (uint64_t)example->words[i].id;
        row->p[i] = example->words[i].value;
    }
    for (size_t i = 0; i < row->activation_count; i++)
        row->activation[i] = example->activation[i];
    return fill_nearest(lens, row, example, error);
}

mmn_status mmn_lens_fill_row(mmn_lens *lens, size_t run, mmn_error *error)
{
    mmn_lens_row *row = mmn_study_row(&lens->study, run);
    MMN_TRY(fill_cells(lens, row, error));
    return lens->example ? fill_example(lens, row, lens->example, error) : MMN_OK;
}

/* ---- Taking ---------------------------------------------------------------------------------- */

static bool are_below(const uint64_t *values, size_t count, uint64_t end)
{
    size_t i = 0;
    while (i < count && values[i] < end)
        i++;
    return i == count;
}

/* Whether a row's numbers are as many as they must be, and name words. */
static mmn_status check_cells(const mmn_lens *lens, const mmn_lens_row *row, mmn_error *error)
{
    const size_t cells = mmn_lens_read_cells(lens);
    size_t words = 0;
    if (row->entropy_count != cells)
        return mmn_row_refuse("entropy", error);
    if (row->words_count != cells || !are_below(row->words, cells, (uint64_t)row->ids_count + 1))
        return mmn_row_refuse("words", error);
    for (size_t i = 0; i < cells; i++)
        words += (size_t)row->words[i];
    if (words != row->ids_count || !are_below(row->ids, words, lens->vocabulary))
        return mmn_row_refuse("ids", error);
    return row->times_count == words && are_below(row->times, words, UINT32_MAX)
               ? MMN_OK
               : mmn_row_refuse("times", error);
}

static mmn_status check_example(const mmn_lens *lens, const mmn_lens_row *row, mmn_error *error)
{
    const size_t count = row->positions_count, readings = count * lens->layers;
    const uint64_t side = row->grid_side, patches = side * side;
    if (side > UINT16_MAX || row->grid_first > UINT32_MAX)
        return mmn_row_refuse("grid", error);
    if (row->tokens_count != count || !are_below(row->tokens, count, (uint64_t)UINT32_MAX + 1))
        return mmn_row_refuse("tokens", error);
    if (row->is_image_count != count || !are_below(row->is_image, count, 2))
        return mmn_row_refuse("is_image", error);
    size_t images = 0;
    for (size_t i = 0; i < count; i++)
        images += row->is_image[i] != 0;
    if (row->nearest_count != images * lens->nearest ||
        !are_below(row->nearest, row->nearest_count, lens->vocabulary))
        return mmn_row_refuse("nearest_ids", error);
    if (row->cosines_count != row->nearest_count)
        return mmn_row_refuse("nearest_cosines", error);
    if (row->readings_count != readings)
        return mmn_row_refuse("position_entropy", error);
    if (row->leading_count != readings * lens->top ||
        !are_below(row->leading, row->leading_count, lens->vocabulary))
        return mmn_row_refuse("position_ids", error);
    if (row->p_count != row->leading_count)
        return mmn_row_refuse("position_p", error);
    return row->activation_count == (lens->neuron.module ? patches : 0)
               ? MMN_OK
               : mmn_row_refuse("activation", error);
}

static mmn_status take_cells(mmn_lens *lens, size_t domain, const mmn_lens_row *row,
                             mmn_error *error)
{
    size_t word = 0;
    for (size_t i = 0; i < row->entropy_count; i++) {
        mmn_lens_cell *cell = mmn_lens_read_cell(lens, domain, i);
        cell->entropy += row->entropy[i];
        for (uint64_t k = 0; k < row->words[i]; k++, word++)
            MMN_TRY(mmn_word_counts_add(&cell->words, (int32_t)row->ids[word],
                                        (double)row->times[word], error));
    }
    return MMN_OK;
}

static mmn_status take_example(mmn_lens *lens, const mmn_planned_sample *planned,
                               const mmn_lens_row *row, mmn_error *error)
{
    mmn_lens_example *example;
    const mmn_patch_grid grid = {(size_t)row->grid_side, (size_t)row->grid_first};
    MMN_TRY(mmn_lens_keep_example(&example, lens, planned, row->positions_count, grid, error));
    for (size_t i = 0; i < row->positions_count; i++)
        example->positions[i] = (mmn_lens_position){
            (size_t)row->positions[i], (int32_t)(uint32_t)row->tokens[i], row->is_image[i] != 0};
    for (size_t i = 0; i < row->readings_count; i++)
        example->entropy[i] = row->readings[i];
    for (size_t i = 0; i < row->leading_count; i++)
        example->words[i] = (mmn_word){(int32_t)row->leading[i], row->p[i]};
    for (size_t i = 0; i < row->activation_count; i++)
        example->activation[i] = (float)row->activation[i];
    size_t at = 0;
    for (size_t i = 0; i < example->count; i++)
        for (size_t k = 0; k < lens->nearest && example->positions[i].is_image; k++, at++)
            example->nearest[i * lens->nearest + k] =
                (mmn_word){(int32_t)row->nearest[at], row->cosines[at]};
    return MMN_OK;
}

mmn_status mmn_lens_take(void *context, const mmn_planned_sample *planned, size_t run,
                         const void *context_row, mmn_error *error)
{
    mmn_lens *lens = context;
    const mmn_lens_row *row = context_row;
    (void)run;
    MMN_TRY(check_cells(lens, row, error));
    if (row->is_example)
        MMN_TRY(check_example(lens, row, error));
    MMN_TRY(take_cells(lens, planned->domain, row, error));
    return row->is_example ? take_example(lens, planned, row, error) : MMN_OK;
}
