/* A layer of the vision tower made again, and room for the gradients inside it. */
#ifndef MMN_PASS_REVERSE_VISION_H
#define MMN_PASS_REVERSE_VISION_H

#include "pass/reverse.h"
#include "pass/vision.h"

enum { MMN_VISION_LAYER_ARRAYS = 14 };

/* What a layer makes again, and the gradients inside it, [tiles * tokens] rows each. Free with
 * mmn_vision_layer_memory_free, after a failure too. */
typedef struct mmn_vision_layer_memory {
    size_t tiles, tokens, rows;
    float *scratch; /* attention's */
    union {
        struct {
            float *normed, *query, *key, *value, *context, *state, *of_query, *of_key, *of_value,
                *of_context, *of_normed, *addend, *inner, *of_inner;
        };
        float *arrays[MMN_VISION_LAYER_ARRAYS];
    };
} mmn_vision_layer_memory;

mmn_status mmn_vision_layer_memory_make(mmn_vision_layer_memory *memory, const mmn_compute *compute,
                                        const mmn_vision_config *config, size_t tiles,
                                        mmn_error *error);
void mmn_vision_layer_memory_free(mmn_vision_layer_memory *memory);

/* As the forward pass, of what entered the layer up to what the activation function reads. Room for
 * the tower's products must be reserved. */
void mmn_vision_layer_make_again(const mmn_compute *compute, const mmn_vision_config *config,
                                 const mmn_vision_layer_weights *layer, const float *entered,
                                 mmn_vision_layer_memory *memory);

/* gradient [rows][width]: of what layer number `number` put out, becomes that of what entered it,
 * seen by nobody. */
mmn_status mmn_vision_layer_reverse(const mmn_compute *compute, const mmn_vision_config *config,
                                    const mmn_vision_weights *weights, uint32_t number,
                                    const float *entered, float *gradient,
                                    mmn_vision_layer_memory *memory, mmn_error *error);

#endif
