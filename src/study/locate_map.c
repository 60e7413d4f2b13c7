/* The saliency of boxes, and their map.
 *
 * Source: Giulivi and Boracchi (arXiv 2405.14612): the cosine of two gradients by the embedding,
 * from 0 to 1 over all boxes' logits and over all coordinates of all boxes; a pixel has the largest
 * weight of the boxes that cover it. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "study/locate.h"

void mmn_saliency_free(mmn_saliency *saliency)
{
    mmn_free(saliency->boxes);
    mmn_free(saliency->logits);
    mmn_free(saliency->products);
    mmn_free(saliency->squares);
    mmn_free(saliency->cosines);
    mmn_free(saliency->weights);
    *saliency = (mmn_saliency){0};
}

static mmn_status allocate(mmn_saliency *saliency, size_t patches, mmn_error *error)
{
    double **const arrays[] = {&saliency->products, &saliency->squares, &saliency->cosines,
                               &saliency->weights};
    saliency->patches = patches;
    MMN_NEED(saliency->boxes = mmn_allocate(patches, MMN_BOX_SIDES * sizeof(float), error));
    MMN_NEED(saliency->logits = mmn_allocate(patches, sizeof(float), error));
    for (size_t i = 0; i < MMN_LENGTH(arrays); i++)
        MMN_NEED(*arrays[i] = mmn_allocate(patches, MMN_BOX_NUMBERS * sizeof(double), error));
    return MMN_OK;
}

/* The weights of the numbers [first, end) of all boxes; 0 where all cosines are the same. */
static void stretch(mmn_saliency *saliency, size_t first, size_t end)
{
    double least = saliency->cosines[first], most = least;
    for (size_t i = 0; i < saliency->patches * MMN_BOX_NUMBERS; i++) {
        const size_t number = i % MMN_BOX_NUMBERS;
        if (number < first || number >= end)
            continue;
        least = saliency->cosines[i] < least ? saliency->cosines[i] : least;
        most = saliency->cosines[i] > most ? saliency->cosines[i] : most;
    }
    for (size_t patch = 0; patch < saliency->patches; patch++)
        for (size_t number = first; number < end; number++) {
            const size_t i = patch * MMN_BOX_NUMBERS + number;
            saliency->weights[i] = most > least ? (saliency->cosines[i] - least) / (most - least)
                                                : 0;
        }
}

mmn_status mmn_saliency_find(mmn_saliency *saliency, mmn_joint *joint, const float *embedding,
                             const float *gradient, double length, mmn_error *error)
{
    const size_t patches = joint->rows - 1;
    const mmn_detector_state *seen = &joint->detecting->detector;
    MMN_TRY(allocate(saliency, patches, error));
    memcpy(saliency->boxes, seen->boxes, patches * MMN_BOX_SIDES * sizeof(float));
    memcpy(saliency->logits, seen->logits, patches * sizeof(float));
    MMN_TRY(mmn_box_gradients_measure(&joint->detecting->compute, joint->detector, seen, embedding,
                                      mmn_joint_query(joint), gradient, saliency->products,
                                      saliency->squares, error));
    for (size_t i = 0; i < patches * MMN_BOX_NUMBERS; i++) {
        const double lengths = length * sqrt(saliency->squares[i]);
        saliency->cosines[i] = lengths > 0 ? saliency->products[i] / lengths : 0;
    }
    stretch(saliency, 0, 1);
    stretch(saliency, 1, MMN_BOX_NUMBERS);
    return MMN_OK;
}

double mmn_saliency_weight(const mmn_saliency *saliency, size_t patch, mmn_saliency_kind kind)
{
    const double *weights = saliency->weights + patch * MMN_BOX_NUMBERS;
    double largest = kind == MMN_BY_SIDES ? weights[1] : weights[0];
    for (size_t number = 1; number < MMN_BOX_NUMBERS && kind != MMN_BY_CLASS; number++)
        largest = weights[number] > largest ? weights[number] : largest;
    return largest;
}

/* Where a side lies, cut to whole pixels towards 0 and to the picture. */
static size_t place(float share, size_t size)
{
    const float at = share * (float)size;
    return !(at > 0) ? 0 : at >= (float)size ? size : (size_t)at;
}

mmn_pixels mmn_saliency_pixels(const float *box, mmn_resolution size)
{
    return (mmn_pixels){.left = place(box[0] - 0.5f * box[2], size.width),
                        .right = place(box[0] + 0.5f * box[2], size.width),
                        .top = place(box[1] - 0.5f * box[3], size.height),
                        .bottom = place(box[1] + 0.5f * box[3], size.height)};
}

double mmn_saliency_in(const mmn_saliency *saliency, mmn_resolution size, mmn_saliency_kind kind,
                       mmn_pixels region)
{
    double largest = 0;
    for (size_t patch = 0; patch < saliency->patches; patch++) {
        const mmn_pixels box = mmn_saliency_pixels(saliency->boxes + patch * MMN_BOX_SIDES, size);
        const double weight = mmn_saliency_weight(saliency, patch, kind);
        if (mmn_larger(box.left, region.left) < mmn_smaller(box.right, region.right) &&
            mmn_larger(box.top, region.top) < mmn_smaller(box.bottom, region.bottom) &&
            weight > largest)
            largest = weight;
    }
    return largest;
}
