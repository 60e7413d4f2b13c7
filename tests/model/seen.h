/* What a probe has seen of a forward pass, kept to compare passes bit for bit. */
#ifndef MMN_TESTS_MODEL_SEEN_H
#define MMN_TESTS_MODEL_SEEN_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "mmneuron.h"

typedef struct seen_stage {
    char name[64];
    const mmn_input *input;
    int generating;
    size_t first, rows, row_bytes; /* rows of the last dimension; of language stages, positions */
    char *data;
} seen_stage;

typedef struct seen {
    seen_stage *stages;
    size_t count, capacity;
} seen;

/* An mmn_see_function whose context is a seen. */
static inline mmn_status see_all(void *context, const mmn_stage *stage, mmn_error *error)
{
    seen *all = context;
    seen_stage kept = {.input = stage->input,
                       .generating = stage->generating,
                       .first = stage->first_position,
                       .rows = 1,
                       .row_bytes = stage->shape[stage->dimensions - 1] * 4};
    snprintf(kept.name, sizeof kept.name, "%s", stage->name);
    for (size_t i = 0; i + 1 < stage->dimensions; i++)
        kept.rows *= stage->shape[i];
    kept.data = mmn_allocate(kept.rows, kept.row_bytes, error);
    memcpy(kept.data, stage->data, kept.rows * kept.row_bytes);
    cr_assert_eq(mmn_reserve(&all->stages, &all->capacity, all->count + 1, sizeof kept, error),
                 MMN_OK);
    all->stages[all->count++] = kept;
    return MMN_OK;
}

/* What a session with the mask (NULL: none) shows of a prefill, and the tokens that it then
 * generates: ids [tokens]. Returns how many these are. */
static inline size_t seen_of_mask(seen *all, const mmn_model *model, const mmn_input *input,
                                  const mmn_mask *mask, size_t tokens, int32_t *ids)
{
    size_t count;
    mmn_error error;
    mmn_session *session;
    const mmn_probe probe = {.stages = "*", .see = see_all, .context = all};
    cr_assert_eq(mmn_session_create(&session, model, NULL, &error), MMN_OK);
    if (mask)
        cr_assert_eq(mmn_session_add_mask(session, mask, &error), MMN_OK);
    cr_assert_eq(mmn_session_add_probe(session, &probe, &error), MMN_OK);
    cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_session_generate(session, tokens, ids, &count, &error), MMN_OK);
    mmn_session_free(session);
    return count;
}

static inline void seen_free(seen *all)
{
    for (size_t i = 0; i < all->count; i++)
        mmn_free(all->stages[i].data);
    mmn_free(all->stages);
    *all = (seen){0};
}

/* The row of position `position` of a stage, or NULL. `input` NULL: whatever input. */
static inline const char *seen_row(const seen *all, const char *name, const mmn_input *input,
                                   size_t position, size_t row_bytes)
{
    for (size_t i = 0; i < all->count; i++) {
        const seen_stage *stage = &all->stages[i];
        if (strcmp(stage->name, name) == 0 && (!input || stage->input == input) &&
            position >= stage->first && position < stage->first + stage->rows &&
            stage->row_bytes == row_bytes)
            return stage->data + (position - stage->first) * row_bytes;
    }
    return NULL;
}

/* How many rows all stages shown for `input` (NULL: any) have together. */
static inline size_t seen_rows(const seen *all, const mmn_input *input)
{
    size_t rows = 0;
    for (size_t i = 0; i < all->count; i++)
        if (!input || all->stages[i].input == input)
            rows += all->stages[i].rows;
    return rows;
}

/* Every row that `part` has seen of `part_input` (NULL: any) has the bits that `whole` has seen. */
static inline void expect_part(const seen *part, const mmn_input *part_input, const seen *whole,
                               const char *what)
{
    cr_assert_gt(seen_rows(part, part_input), 0, "%s: nothing was shown", what);
    for (size_t i = 0; i < part->count; i++) {
        const seen_stage *stage = &part->stages[i];
        if (part_input && stage->input != part_input)
            continue;
        for (size_t row = 0; row < stage->rows; row++) {
            const char *other =
                seen_row(whole, stage->name, NULL, stage->first + row, stage->row_bytes);
            cr_assert_not_null(other, "%s: %s, row %zu", what, stage->name, stage->first + row);
            cr_assert_eq(memcmp(stage->data + row * stage->row_bytes, other, stage->row_bytes), 0,
                         "%s: the bits of %s differ at row %zu", what, stage->name,
                         stage->first + row);
        }
    }
}

#endif
