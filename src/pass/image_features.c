/* Image features: keeping them for the next input that has the same images. */
#include "pass/image_features.h"

#include <string.h>

#include "base/memory.h"

static size_t pixel_bytes(const mmn_pixel_values *pixels)
{
    return pixels->tiles * 3 * pixels->height * pixels->width * sizeof(float);
}

/* Bytes are compared, not numbers: what is the same for arithmetic (-0 and 0) need not give the
 * same bits. */
static bool same_images(const mmn_pixel_values *a, const mmn_resolution *a_sizes,
                        const mmn_input *b)
{
    const mmn_pixel_values *pixels = &b->pixels;
    return a->tiles == pixels->tiles && a->height == pixels->height &&
           a->width == pixels->width &&
           memcmp(a_sizes, b->image_sizes, b->image_count * sizeof(*a_sizes)) == 0 &&
           memcmp(a->values, pixels->values, pixel_bytes(a)) == 0;
}

bool mmn_inputs_share_images(const mmn_input *a, const mmn_input *b)
{
    return a->image_count == b->image_count &&
           (a->image_count == 0 || same_images(&a->pixels, a->image_sizes, b));
}

static bool same_instruction(const int32_t *ids, size_t length, const mmn_input *input)
{
    return length == input->qformer_length &&
           (length == 0 || memcmp(ids, input->qformer_ids, length * sizeof(*ids)) == 0);
}

bool mmn_inputs_share_features(const mmn_input *a, const mmn_input *b)
{
    return mmn_inputs_share_images(a, b) && same_instruction(a->qformer_ids, a->qformer_length, b);
}

bool mmn_image_features_have_tower_of(const mmn_image_features *features, const mmn_input *input)
{
    return features->pixels.values && features->image_count == input->image_count &&
           same_images(&features->pixels, features->image_sizes, input);
}

bool mmn_image_features_are_of(const mmn_image_features *features, const mmn_input *input)
{
    return mmn_image_features_have_tower_of(features, input) &&
           same_instruction(features->qformer_ids, features->qformer_length, input);
}

mmn_status mmn_image_features_keep(mmn_image_features *features, const mmn_input *input,
                                   mmn_error *error)
{
    size_t bytes = pixel_bytes(&input->pixels), count = input->image_count;
    size_t words = input->qformer_length;
    features->image_count = count;
    features->pixels = input->pixels;
    features->pixels.values = mmn_allocate(bytes, 1, error);
    features->image_sizes = mmn_allocate(count, sizeof(*features->image_sizes), error);
    features->qformer_ids = mmn_allocate(words, sizeof(*features->qformer_ids), error);
    features->qformer_length = words;
    if (!features->pixels.values || !features->image_sizes || !features->qformer_ids) {
        mmn_image_features_free(features);
        return MMN_SYSTEM;
    }
    memcpy(features->pixels.values, input->pixels.values, bytes);
    memcpy(features->image_sizes, input->image_sizes, count * sizeof(*features->image_sizes));
    if (words > 0)
        memcpy(features->qformer_ids, input->qformer_ids, words * sizeof(*features->qformer_ids));
    return MMN_OK;
}

void mmn_image_features_free(mmn_image_features *features)
{
    mmn_free(features->tower);
    mmn_free(features->merged);
    mmn_pixel_values_free(&features->pixels);
    mmn_free(features->image_sizes);
    mmn_free(features->qformer_ids);
    *features = (mmn_image_features){0};
}
