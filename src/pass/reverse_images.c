/* The reverse of the projector, and the way from the language model's images to their pixels. */
#include "pass/reverse_images.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"

/* What no probe may have changed: everything here is made again. */
static mmn_status check_writes(const mmn_probes *probes, uint32_t layers, mmn_error *error)
{
    static const char *const made[] = {"vision.", "projector."};
    for (size_t k = 0; k < probes->count; k++) {
        const mmn_probes alone = {.list = &probes->list[k],
                                  .count = probes->list[k].writes ? 1 : 0};
        for (size_t i = 0; i < MMN_LENGTH(made); i++)
            if (mmn_probes_want_any(&alone, made[i], layers))
                return mmn_fail(error, MMN_USAGE, NULL, NULL,
                                "gradients are not computed behind a probe that writes to stages "
                                "of the images");
    }
    return MMN_OK;
}

/* What the two layers of a projector make again, and the gradients there. */
typedef struct projector_memory {
    float *inner, *of_inner; /* [rows][inner]; NULL where there is one layer */
    float *of_projected;     /* [rows][width], where tiles were packed; else NULL */
    float *of_features;      /* [rows][feature width] */
} projector_memory;

static mmn_status make_projector_memory(projector_memory *memory, const mmn_config *config,
                                        const mmn_projector_weights *weights, bool packed,
                                        size_t rows, mmn_error *error)
{
    size_t inner = weights->linear_1.weight.rows, depth = weights->linear_1.weight.columns;
    size_t width = config->language.hidden_size;
    MMN_NEED(memory->of_features = mmn_allocate(rows, depth * sizeof(float), error));
    if (packed)
        MMN_NEED(memory->of_projected = mmn_allocate(rows, width * sizeof(float), error));
    if (config->projector.linear)
        return MMN_OK;
    MMN_NEED(memory->inner = mmn_allocate(rows, inner * sizeof(float), error));
    MMN_NEED(memory->of_inner = mmn_allocate(rows, inner * sizeof(float), error));
    return MMN_OK;
}

static void free_projector_memory(projector_memory *memory)
{
    mmn_free(memory->inner);
    mmn_free(memory->of_inner);
    mmn_free(memory->of_projected);
    mmn_free(memory->of_features);
}

/* of_features, given the gradient of what the projector made [rows][width]. */
static mmn_status reverse_projector(mmn_compute *compute, const mmn_model *model,
                                    const mmn_probes *probes, const float *features, size_t rows,
                                    float *gradient, projector_memory *memory, mmn_error *error)
{
    const mmn_config *config = &model->config;
    const mmn_projector_weights *weights = &model->weights->projector;
    size_t depth = weights->linear_1.weight.columns, inner = weights->linear_1.weight.rows;
    size_t width = config->language.hidden_size, wider = inner > depth ? inner : depth;
    MMN_TRY(mmn_compute_reserve(compute, rows, wider > width ? wider : width, 0, 0, error));
    MMN_TRY(mmn_show_rows(compute, probes, "grad.projector.out", -1, gradient, rows,
                          config->language.hidden_size, error));
    if (config->projector.linear) {
        mmn_apply_transposed(compute, memory->of_features, gradient, rows,
                             &weights->linear_1.weight);
        return MMN_OK;
    }
    mmn_apply_linear(compute, memory->inner, features, rows, &weights->linear_1);
    mmn_apply_transposed(compute, memory->of_inner, gradient, rows, &weights->linear_2.weight);
    MMN_TRY(mmn_show_rows(compute, probes, "grad.projector.act", -1, memory->of_inner, rows, inner,
                          error));
    mmn_activation_slope(compute, config->projector.activation, memory->inner, rows * inner);
    mmn_multiply(compute, memory->of_inner, memory->inner, rows * inner);
    mmn_apply_transposed(compute, memory->of_features, memory->of_inner, rows,
                         &weights->linear_1.weight);
    return MMN_OK;
}

static mmn_status reverse_all(mmn_compute *compute, const mmn_model *model,
                              const mmn_probes *probes, const mmn_input *input,
                              const mmn_vision_states *states, const float *features,
                              float *gradient, projector_memory *memory, mmn_error *error)
{
    const mmn_config *config = &model->config;
    const size_t kept = mmn_vision_feature_tokens(&config->vision);
    const size_t width = mmn_vision_feature_width(&config->vision), tiles = input->pixels.tiles;
    MMN_TRY(make_projector_memory(memory, config, &model->weights->projector, input->anyres != NULL,
                                  tiles * kept, error));
    if (input->anyres)
        mmn_projector_unpack(config, input, memory->of_projected, gradient);
    MMN_TRY(reverse_projector(compute, model, probes, features, tiles * kept,
                              input->anyres ? memory->of_projected : gradient, memory, error));
    const mmn_shown shown = {.pattern = "grad.vision.out",
                             .layer = -1,
                             .data = memory->of_features,
                             .shape = {tiles, kept, width}};
    MMN_TRY(mmn_finite_check(compute->watch, shown.pattern, -1, error));
    MMN_TRY(mmn_probes_show(probes, &shown, error));
    return mmn_vision_reverse(compute, &config->vision, &model->weights->vision, probes, states,
                              memory->of_features, error);
}

mmn_status mmn_images_reverse(mmn_compute *compute, const mmn_model *model,
                              const mmn_probes *probes, const mmn_input *input, float *gradient,
                              mmn_error *error)
{
    const mmn_config *config = &model->config;
    const uint32_t layers = config->vision.layers;
    mmn_vision_states states = {0};
    projector_memory memory = {0};
    float *features = NULL;
    MMN_TRY(mmn_show_rows(compute, probes, "grad.projector.merged", -1, gradient,
                          input->image_positions, config->language.hidden_size, error));
    if (config->family->connector == MMN_CONNECTOR_QFORMER ||
        !(mmn_probes_want_any(probes, "grad.projector.", 0) ||
          mmn_probes_want_any(probes, "grad.vision.", layers) ||
          mmn_probes_want(probes, "grad.pixel_values", -1)))
        return MMN_OK;
    MMN_TRY(check_writes(probes, layers, error));
    mmn_status status = mmn_vision_run_again(compute, &config->vision, &model->weights->vision,
                                             input->pixels.values, input->pixels.tiles, &states,
                                             &features, error);
    if (status == MMN_OK)
        status =
            reverse_all(compute, model, probes, input, &states, features, gradient, &memory, error);
    free_projector_memory(&memory);
    mmn_vision_states_free(&states);
    mmn_free(features);
    return status;
}
