/* The reverse of a detector's heads: from the boxes' numbers, the logit of a query and the box's
 * coordinates, to what the tower's last layer puts out. */
#ifndef MMN_PASS_DETECTOR_REVERSE_H
#define MMN_PASS_DETECTOR_REVERSE_H

#include "pass/detector.h"
#include "pass/reverse_vision.h"

enum { MMN_BOX_SIDES = 4 }; /* centre x and y, width and height, in 0..1 */

/* What a detector makes of an embedding, which is what enters its tower's last layer
 * [positions][width], the class token first: made again. Zero-initialise; free with
 * mmn_detector_end_free. */
typedef struct mmn_detector_end {
    mmn_compute *compute;
    const mmn_model *model;
    const mmn_detector_state *state; /* what the forward pass has made of the same picture */
    const float *embedding;
    size_t positions, patches, width;
    mmn_vision_layer_memory layer; /* the last; `inner` is the activation's slope */
    float *out;                    /* [positions][width]: of the layer */
    float *tokens;                 /* [positions][width]: behind the tower's last norm */
    float *products;               /* [patches][width]: of a patch's token with the class's */
    float *slopes[2];              /* [patches][width]: of the box head's activations */
    double *lengths;               /* [patches]: of classes */
} mmn_detector_end;

mmn_status mmn_detector_end_make(mmn_detector_end *end, mmn_compute *compute,
                                 const mmn_model *model, const mmn_detector_state *state,
                                 const float *embedding, mmn_error *error);
void mmn_detector_end_free(mmn_detector_end *end);

/* Rows of gradients of some boxes' numbers: those of the logits of the `count` patches from the
 * first on, then, where coordinates are asked for, four of each of these patches. Zero-initialise;
 * free with mmn_box_rows_free. */
typedef struct mmn_box_rows {
    bool coordinates;
    size_t first, count, rows;
    float *of_features, *room;            /* [rows][width] */
    float *of_out, *of_tokens, *gathered; /* [rows][2][width]: the class token's, the patch's own */
    float *seeds; /* what heads give back to, at most [rows][query_size + 2] */
} mmn_box_rows;

/* Room for up to `count` patches, with or without coordinates. */
mmn_status mmn_box_rows_make(mmn_box_rows *rows, const mmn_detector_end *end, size_t count,
                             bool coordinates, mmn_error *error);
void mmn_box_rows_free(mmn_box_rows *rows);

/* The patch of row number `row`. */
size_t mmn_box_rows_patch(const mmn_box_rows *rows, size_t row);

/* rows->of_out: the derivatives of the logits of `query` [query_size], which is of length 1, and,
 * if there is room for them, of coordinates; patches from `first` on. */
void mmn_detector_reverse_heads(const mmn_detector_end *end, mmn_box_rows *rows, const float *query,
                                size_t first, size_t count);

/* rows->gathered = the rows of `from` [positions][width] that rows->of_out are gradients by. */
void mmn_box_rows_gather(const mmn_detector_end *end, mmn_box_rows *rows, const float *from);

/* gradient [positions][width]: the derivatives by the embedding of how much larger the logits of
 * `more` are than those of `less`, queries [query_size] of length 1, the sum over all patches. */
mmn_status mmn_detector_reverse_difference(mmn_compute *compute, const mmn_model *model,
                                           const mmn_detector_state *state, const float *embedding,
                                           const float *more, const float *less, float *gradient,
                                           mmn_error *error);

#endif
