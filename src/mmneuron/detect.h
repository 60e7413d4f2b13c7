/* mmneuron/detect.h: detectors: models that find in a picture what texts name (OWL-ViT, arXiv
 * 2205.06230).
 *
 * Ownership. Results are freed with mmn_result_free. What options point to is needed until the
 * function returns.
 *
 * Threads. A model is for all threads. */
#ifndef MMNEURON_DETECT_H
#define MMNEURON_DETECT_H

#include <stddef.h>

#include "mmneuron/error.h"
#include "mmneuron/model.h"
#include "mmneuron/result.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mmn_detect_options {
    size_t size;                /* sizeof(mmn_detect_options) */
    const char *image;          /* a picture's file */
    const char *const *queries; /* "a photo of a cat", ... */
    size_t query_count;         /* at least 1 */
    double threshold; /* what is found has a score above it, in 0..1; transformers' usual is 0.1 */
    mmn_progress_function progress;
    void *progress_context;
} mmn_detect_options;

/* Looks for what the queries name. Each patch of the model's grid has a box; its score is the
 * sigmoid of the largest of the queries' logits there, and its query the first that has that. The
 * result has the boxes with scores above the threshold, the largest score first, in pixels of the
 * picture: as transformers' post_process_object_detection gives them. The same bits on every
 * machine. MMN_INPUT for a model that is no detector, a picture that cannot be read, and a query of
 * more tokens than the model reads. */
MMN_API mmn_status mmn_detect(mmn_result **result, const mmn_model *model,
                              const mmn_detect_options *options, mmn_error *error);

#ifdef __cplusplus
}
#endif

#endif
