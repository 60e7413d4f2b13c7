/* The activation of one neuron at the patches of a sample's first picture. */
#include "study/lens_activation.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

mmn_status mmn_lens_activation_parse(mmn_lens_activation *activation, const mmn_model *model,
                                     const char *text, mmn_error *error)
{
    const mmn_model_info *info = mmn_model_describe(model);
    size_t length = strcspn(text, ":");
    int end = 0;

    for (size_t m = 0; m < info->module_count; m++)
        if (strlen(info->modules[m].name) == length &&
            strncmp(info->modules[m].name, text, length) == 0)
            activation->module = &info->modules[m];
    if (!activation->module ||
        sscanf(text + length, ":%9" SCNu32 ":%9" SCNu32 "%n", &activation->layer,
               &activation->neuron, &end) != 2 ||
        text[length + (size_t)end] != '\0' || activation->layer >= activation->module->layers ||
        activation->neuron >= activation->module->neurons)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "\"%.100s\" is no neuron of the model; one is MODULE:LAYER:NEURON, as "
                        "\"vision:0:17\"",
                        text);
    mmn_stage_name(activation->stage, activation->module->stages, (int)activation->layer);
    return MMN_OK;
}

static mmn_status keep(void *context, const mmn_stage *stage, mmn_error *error)
{
    mmn_lens_activation *activation = context;
    size_t patches = activation->grid * activation->grid, neurons = activation->module->neurons;
    size_t rows = 1, last = stage->dimensions - 1;
    const float *values = stage->data;

    for (size_t i = 0; i < last; i++)
        rows *= stage->shape[i];
    if (stage->shape[last] != neurons || activation->first + patches > rows)
        return mmn_fail(error, MMN_USAGE, NULL, stage->name, "does not show the patches");
    for (size_t i = 0; i < patches; i++)
        activation->values[i] = values[(activation->first + i) * neurons + activation->neuron];
    return MMN_OK;
}

mmn_status mmn_lens_activation_keep(mmn_lens_activation *activation, mmn_session *session,
                                    mmn_error *error)
{
    const mmn_probe probe = {.stages = activation->stage, .see = keep, .context = activation};

    return mmn_session_add_probe(session, &probe, error);
}
