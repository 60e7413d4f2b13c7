/* Memory that lives as long as a study, or as the rows of the sample at hand. */
#include <string.h>

#include "base/memory.h"
#include "study/study.h"

void *mmn_study_keep(mmn_study *study, void *block, mmn_error *error)
{
    return mmn_blocks_keep(&study->blocks, block, error);
}

void *mmn_study_allocate(mmn_study *study, size_t count, size_t size, mmn_error *error)
{
    return mmn_study_keep(study, mmn_allocate(count, size, error), error);
}

void *mmn_study_allocate_in_row(mmn_study *study, size_t count, size_t size, mmn_error *error)
{
    return mmn_study_keep_in_row(study, mmn_allocate(count, size, error), error);
}

void *mmn_study_keep_in_row(mmn_study *study, void *block, mmn_error *error)
{
    return mmn_blocks_keep(&study->rows.blocks, block, error);
}

char *mmn_study_copy_text(mmn_study *study, const char *text, mmn_error *error)
{
    return mmn_study_keep(study, mmn_copy_text(text, error), error);
}

mmn_status mmn_study_reserve(mmn_study *study, void *pointer_to_pointer, size_t *capacity,
                             size_t needed, size_t size, mmn_error *error)
{
    void *old, *new;
    memcpy(&old, pointer_to_pointer, sizeof(old));
    if (needed <= *capacity)
        return MMN_OK;
    const size_t count = needed > 2 * *capacity ? needed : 2 * *capacity;
    if (!(new = mmn_study_allocate(study, count, size, error)))
        return MMN_SYSTEM;
    if (old)
        memcpy(new, old, *capacity * size);
    memcpy(pointer_to_pointer, &new, sizeof(new));
    *capacity = count;
    return MMN_OK;
}

void *mmn_study_row(const mmn_study *study, size_t run)
{
    return mmn_study_rows_of(&study->rows, run);
}
