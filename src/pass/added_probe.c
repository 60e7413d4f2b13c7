/* Additions to weights for one session, as probes of it. */
#include "pass/added_probe.h"

#include "base/memory.h"
#include "base/text_buffer.h"
#include "model/model.h"
#include "model/stages.h"
#include "pass/session.h"

/* mmn_see_functions. */

static mmn_status see_inputs(void *context, const mmn_stage *stage, mmn_error *error)
{
    const mmn_added *added = context;
    (void)error;
    mmn_added_products(added->additions, (uint32_t)stage->layer, added->products, stage->data,
                       stage->shape[1], stage->shape[0]);
    return MMN_OK;
}

static mmn_status see_output(void *context, const mmn_stage *stage, mmn_error *error)
{
    const mmn_added *added = context;
    (void)error;
    mmn_added_output(added->additions, (uint32_t)stage->layer, stage->data, added->products,
                     stage->shape[0]);
    return MMN_OK;
}

mmn_status mmn_added_stages(char **stages, const mmn_additions *additions, uint32_t layers,
                            const char *name, mmn_error *error)
{
    mmn_text text = {0};
    for (uint32_t layer = 0; layer < layers; layer++)
        if (mmn_additions_in(additions, layer) > 0) {
            char stage[MMN_STAGE_NAME_SIZE];
            mmn_stage_name(stage, name, (int)layer);
            mmn_text_add(&text, "%s%s", text.length > 0 ? "," : "", stage);
        }
    return mmn_text_finish(&text, stages, error);
}

mmn_status mmn_added_add(mmn_added *added, mmn_session *session, const mmn_additions *additions,
                         size_t positions, mmn_error *error)
{
    const mmn_language_config *config = &session->model->config.language;
    size_t most = 0;
    added->additions = additions;
    for (uint32_t layer = 0; layer < config->layers; layer++)
        if (mmn_additions_in(additions, layer) > most)
            most = mmn_additions_in(additions, layer);
    MMN_NEED(added->products = mmn_allocate(positions, most * sizeof(*added->products), error));
    MMN_TRY(mmn_added_stages(&added->inputs, additions, config->layers, mmn_added_input(config),
                             error));
    MMN_TRY(mmn_added_stages(&added->outputs, additions, config->layers,
                             "language.layers.{i}.mlp.out", error));
    const mmn_probe inputs = {.stages = added->inputs, .see = see_inputs, .context = added};
    const mmn_probe outputs = {
        .stages = added->outputs, .writes = 1, .see = see_output, .context = added};
    MMN_TRY(mmn_session_add_probe(session, &inputs, error));
    return mmn_session_add_probe(session, &outputs, error);
}

void mmn_added_free(mmn_added *added)
{
    mmn_free(added->products);
    mmn_free(added->inputs);
    mmn_free(added->outputs);
    *added = (mmn_added){0};
}
