/* The reverse of the projector, and the way from the language model's images to their pixels. */
#include "pass/reverse_images.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"

/* Of the tower or of the Q-Former, whose stages' names are asked for alike. */
static uint32_t most_layers(const mmn_config *config)
{
    const uint32_t vision = config->vision.layers, qformer = config->qformer.layers;
    return vision > qformer ? vision : qformer;
}

/* What no probe may have changed: everything here is made again. */
static mmn_status check_writes(const mmn_probes *probes, const mmn_config *config, mmn_error *error)
{
    static const char *const made[] = {"vision.", "qformer.", "query.", "projector."};
    for (size_t k = 0; k < probes->count; k++) {
        const mmn_probes alone = {.list = &probes->list[k],
                                  .count = probes->list[k].writes ? 1 : 0};
        for (size_t i = 0; i < MMN_LENGTH(made); i++)
            if (mmn_probes_want_any(&alone, made[i], most_layers(config)))
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
} projector_memory;

static mmn_status make_projector_memory(projector_memory *memory, mmn_compute *compute,
                                        const mmn_config *config,
                                        const mmn_projector_weights *weights, bool packed,
                                        size_t rows, mmn_error *error)
{
    size_t inner = weights->linear_1.weight.rows, depth = weights->linear_1.weight.columns;
    size_t width = config->language.hidden_size, wider = inner > depth ? inner : depth;
    MMN_TRY(mmn_compute_reserve(compute, rows, wider > width ? wider : width, 0, 0, error));
    if (packed)
        MMN_NEED(memory->of_projected = mmn_allocate(rows, width * sizeof(float), error));
    if (config->projector.linear)
        return MMN_OK;
    MMN_NEED(memory->inner = mmn_allocate(rows, inner * sizeof(float), error));
    MMN_NEED(memory->of_inner = mmn_allocate(rows, inner * sizeof(float), error));
    return MMN_OK;
}

/* of_features, given the gradient of what the projector made [rows][width]. */
static mmn_status reverse_layers(const mmn_compute *compute, const mmn_model *model,
                                 const mmn_probes *probes, const float *features, size_t rows,
                                 float *gradient, float *of_features,
                                 const projector_memory *memory, mmn_error *error)
{
    const mmn_config *config = &model->config;
    const mmn_projector_weights *weights = &model->weights->projector;
    size_t inner = weights->linear_1.weight.rows;
    MMN_TRY(mmn_show_rows(compute, probes, "grad.projector.out", -1, gradient, rows,
                          config->language.hidden_size, error));
    if (config->projector.linear) {
        mmn_apply_transposed(compute, of_features, gradient, rows, &weights->linear_1.weight);
        return MMN_OK;
    }
    mmn_apply_linear(compute, memory->inner, features, rows, &weights->linear_1);
    mmn_apply_transposed(compute, memory->of_inner, gradient, rows, &weights->linear_2.weight);
    MMN_TRY(mmn_show_rows(compute, probes, "grad.projector.act", -1, memory->of_inner, rows, inner,
                          error));
    mmn_activation_slope(compute, config->projector.activation, memory->inner, rows * inner);
    mmn_multiply(compute, memory->of_inner, memory->inner, rows * inner);
    mmn_apply_transposed(compute, of_features, memory->of_inner, rows, &weights->linear_1.weight);
    return MMN_OK;
}

/* of_features [tiles][tokens][width], given the gradient of the projector's packed rows. */
static mmn_status reverse_projector(mmn_compute *compute, const mmn_model *model,
                                    const mmn_probes *probes, const mmn_input *input,
                                    const float *features, float *gradient, float *of_features,
                                    mmn_error *error)
{
    const mmn_config *config = &model->config;
    const size_t rows = input->pixels.tiles * mmn_vision_feature_tokens(&config->vision);
    projector_memory memory = {0};
    mmn_status status = make_projector_memory(&memory, compute, config, &model->weights->projector,
                                              input->anyres != NULL, rows, error);
    if (status == MMN_OK && input->anyres)
        mmn_projector_unpack(config, input, memory.of_projected, gradient);
    if (status == MMN_OK)
        status = reverse_layers(compute, model, probes, features, rows,
                                input->anyres ? memory.of_projected : gradient, of_features,
                                &memory, error);
    mmn_free(memory.inner);
    mmn_free(memory.of_inner);
    mmn_free(memory.of_projected);
    return status;
}

/* What the two ends of the way share. */
typedef struct images_memory {
    mmn_vision_states states;
    float *features, *of_features; /* [tiles][tokens][width] */
} images_memory;

static mmn_status reverse_all(mmn_compute *compute, const mmn_model *model,
                              const mmn_probes *probes, const mmn_input *input, float *gradient,
                              images_memory *memory, mmn_error *error)
{
    const mmn_config *config = &model->config;
    const size_t kept = mmn_vision_feature_tokens(&config->vision), tiles = input->pixels.tiles;
    const size_t width = mmn_vision_feature_width(&config->vision);
    const bool has_qformer = config->family->connector == MMN_CONNECTOR_QFORMER;
    MMN_TRY(mmn_vision_run_again(compute, &config->vision, &model->weights->vision,
                                 input->pixels.values, tiles, &memory->states, &memory->features,
                                 error));
    MMN_NEED(memory->of_features = mmn_allocate(tiles * kept, width * sizeof(float), error));
    MMN_TRY((has_qformer ? mmn_qformer_reverse : reverse_projector)(
        compute, model, probes, input, memory->features, gradient, memory->of_features, error));
    const mmn_shown shown = {.pattern = "grad.vision.out",
                             .layer = -1,
                             .data = memory->of_features,
                             .shape = {tiles, kept, width}};
    MMN_TRY(mmn_finite_check(compute->watch, shown.pattern, -1, error));
    MMN_TRY(mmn_probes_show(probes, &shown, error));
    return mmn_vision_reverse(compute, &config->vision, &model->weights->vision, probes,
                              &memory->states, memory->of_features, error);
}

static bool is_wanted(const mmn_probes *probes, const mmn_config *config)
{
    static const char *const shown[] = {"grad.projector.", "grad.qformer.", "grad.query.",
                                        "grad.vision.", "grad.pixel_values"};
    for (size_t i = 0; i < MMN_LENGTH(shown); i++)
        if (mmn_probes_want_any(probes, shown[i], most_layers(config)))
            return true;
    return false;
}

mmn_status mmn_images_reverse(mmn_compute *compute, const mmn_model *model,
                              const mmn_probes *probes, const mmn_input *input, float *gradient,
                              mmn_error *error)
{
    const mmn_config *config = &model->config;
    images_memory memory = {0};
    MMN_TRY(mmn_show_rows(compute, probes, "grad.projector.merged", -1, gradient,
                          input->image_positions, config->language.hidden_size, error));
    if (!is_wanted(probes, config))
        return MMN_OK;
    MMN_TRY(check_writes(probes, config, error));
    mmn_status status = reverse_all(compute, model, probes, input, gradient, &memory, error);
    mmn_vision_states_free(&memory.states);
    mmn_free(memory.features);
    mmn_free(memory.of_features);
    return status;
}
