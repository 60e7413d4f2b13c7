/* Kept stages: copies of what a session's last prefill has shown. */
#include "pass/kept_stages.h"

#include <string.h>

#include "base/memory.h"
#include "model/stages.h"

enum { ELEMENT_BYTES = 4 };

static mmn_status count_bytes(size_t *bytes, const mmn_stage *stage, mmn_error *error)
{
    *bytes = ELEMENT_BYTES;
    for (size_t i = 0; i < stage->dimensions; i++)
        if (!mmn_multiply_sizes(*bytes, stage->shape[i], bytes))
            return mmn_fail(error, MMN_SYSTEM, NULL, stage->name, "the stage is too large");
    return MMN_OK;
}

static void release(const mmn_stage *stage)
{
    mmn_free((void *)(uintptr_t)stage->name);
    mmn_free(stage->data);
}

static void forget(mmn_kept_stages *kept)
{
    for (size_t i = 0; i < kept->count; i++)
        release(&kept->list[i]);
    kept->count = 0;
}

static mmn_status keep(mmn_kept_stages *kept, const mmn_stage *stage, mmn_error *error)
{
    size_t bytes;
    mmn_status status = count_bytes(&bytes, stage, error);
    if (status == MMN_OK)
        status = mmn_reserve(&kept->list, &kept->capacity, kept->count + 1, sizeof(*kept->list),
                             error);
    if (status != MMN_OK)
        return status;
    mmn_stage copy = *stage;
    copy.name = mmn_copy_text(stage->name, error);
    copy.data = copy.name ? mmn_allocate(bytes, 1, error) : NULL;
    if (!copy.data) {
        release(&copy);
        return MMN_SYSTEM;
    }
    memcpy(copy.data, stage->data, bytes);
    kept->list[kept->count++] = copy;
    return MMN_OK;
}

/* A pass shows no stage twice: one that is there already begins the next pass of the same input. */
static mmn_status see(void *context, const mmn_stage *stage, mmn_error *error)
{
    mmn_kept_stages *kept = context;
    if (stage->generating || (kept->all && mmn_stage_is_by_name(stage->name)))
        return MMN_OK;
    if (kept->input != stage->input ||
        (kept->count > 0 && strcmp(kept->list[0].name, stage->name) == 0))
        forget(kept);
    kept->input = stage->input;
    return keep(kept, stage, error);
}

mmn_probe mmn_kept_stages_probe(mmn_kept_stages *kept, const char *patterns)
{
    kept->all = strcmp(patterns, "*") == 0;
    return (mmn_probe){.stages = patterns, .see = see, .context = kept};
}

void mmn_kept_stages_free(mmn_kept_stages *kept)
{
    forget(kept);
    mmn_free(kept->list);
    *kept = (mmn_kept_stages){0};
}
