/* Probes: who looks at which stage of the forward pass, and how a stage is shown to them. */
#include "pass/probes.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/names.h"
#include "model/stages.h"

mmn_status mmn_probes_add(mmn_probes *probes, const mmn_probe *probe, mmn_error *error)
{
    if (!probe->stages || !probe->see)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "a probe needs the stages it wants and a function that sees them");
    MMN_TRY(MMN_RESERVE(probes->list, probes->capacity, probes->count + 1, error));
    char *stages = mmn_copy_text(probe->stages, error);
    MMN_NEED(stages);
    probes->list[probes->count] = *probe;
    probes->list[probes->count].stages = stages;
    probes->count++;
    return MMN_OK;
}

void mmn_probes_free(mmn_probes *probes)
{
    for (size_t i = 0; i < probes->count; i++)
        mmn_free((void *)(uintptr_t)probes->list[i].stages);
    mmn_free(probes->list);
    *probes = (mmn_probes){0};
}

void mmn_stage_name(char name[MMN_STAGE_NAME_SIZE], const char *pattern, int layer)
{
    const char *hole = strstr(pattern, "{i}");
    if (hole)
        snprintf(name, MMN_STAGE_NAME_SIZE, "%.*s%d%s", (int)(hole - pattern), pattern, layer,
                 hole + strlen("{i}"));
    else
        snprintf(name, MMN_STAGE_NAME_SIZE, "%s", pattern);
}

bool mmn_probes_want(const mmn_probes *probes, const char *pattern, int layer)
{
    if (probes->count == 0)
        return false;
    char name[MMN_STAGE_NAME_SIZE];
    mmn_stage_name(name, pattern, layer);
    for (size_t i = 0; i < probes->count; i++)
        if (mmn_glob_match(probes->list[i].stages, name))
            return true;
    return false;
}

bool mmn_probes_want_layer(const mmn_probes *probes, const char *prefix, int layer)
{
    for (size_t i = 0; i < mmn_stage_kind_count(); i++) {
        const char *pattern = mmn_stage_kind_get(i)->pattern;
        bool has_layer = strstr(pattern, "{i}") != NULL;
        if (strncmp(pattern, prefix, strlen(prefix)) == 0 && has_layer == (layer >= 0) &&
            mmn_probes_want(probes, pattern, layer))
            return true;
    }
    return false;
}

uint32_t mmn_probes_layers(const mmn_probes *probes, const char *prefix, uint32_t layers)
{
    while (layers > 0 && !mmn_probes_want_layer(probes, prefix, (int)layers - 1))
        layers--;
    return layers;
}

bool mmn_probes_want_any(const mmn_probes *probes, const char *prefix, uint32_t layers)
{
    return mmn_probes_want_layer(probes, prefix, -1) ||
           mmn_probes_layers(probes, prefix, layers) > 0;
}

bool mmn_probes_write(const mmn_probes *probes)
{
    for (size_t i = 0; i < probes->count; i++)
        if (probes->list[i].writes)
            return true;
    return false;
}

bool mmn_probes_allow_reuse(const mmn_probes *probes, const char *prefix, uint32_t layers)
{
    for (size_t i = 0; i < probes->count; i++) {
        const mmn_probes alone = {.list = &probes->list[i], .count = 1};
        bool needs_all = !probes->list[i].only_new || probes->list[i].writes;
        if (needs_all && mmn_probes_want_any(&alone, prefix, layers))
            return false;
    }
    return true;
}

static mmn_status show_stage(const mmn_probes *probes, const mmn_stage *stage, mmn_error *error)
{
    for (size_t i = 0; i < probes->count; i++) {
        const mmn_probe *probe = &probes->list[i];
        if (!mmn_glob_match(probe->stages, stage->name))
            continue;
        if (error)
            error->message[0] = '\0';
        mmn_status status = probe->see(probe->context, stage, error);
        if (status != MMN_OK && error && error->message[0] == '\0')
            mmn_fail(error, status, NULL, stage->name, "a probe ended the forward pass here");
        if (status != MMN_OK)
            return status;
    }
    return MMN_OK;
}

mmn_status mmn_probes_show(const mmn_probes *probes, const mmn_shown *shown, mmn_error *error)
{
    MMN_TRY(mmn_interrupt_check(probes->interrupt, error));
    if (probes->count == 0)
        return MMN_OK;
    char name[MMN_STAGE_NAME_SIZE];
    mmn_stage_name(name, shown->pattern, shown->layer);
    const mmn_stage_kind *kind = mmn_stage_kind_find(name, NULL);
    mmn_stage stage = {
        .name = name,
        .module = kind->module,
        .layer = shown->layer,
        .element = kind->element,
        .dimensions = kind->dimensions,
        .data = shown->data,
        .first_position = shown->first_position,
        .generating = probes->generating,
        .input = shown->input,
    };
    memcpy(stage.shape, shown->shape, sizeof(stage.shape));
    if (shown->input || probes->input_count == 0)
        return show_stage(probes, &stage, error);
    for (size_t i = 0; i < probes->input_count; i++) {
        stage.input = probes->inputs[i];
        MMN_TRY(show_stage(probes, &stage, error));
    }
    return MMN_OK;
}

/* ---- Kept stages ----------------------------------------------------------------------------- */

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
    MMN_TRY(count_bytes(&bytes, stage, error));
    MMN_TRY(MMN_RESERVE(kept->list, kept->capacity, kept->count + 1, error));
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
