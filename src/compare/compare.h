/* Comparing one stage of two dumps, and verifying all of them. */
#ifndef MMN_COMPARE_COMPARE_H
#define MMN_COMPARE_COMPARE_H

#include "format/safetensors.h"
#include "mmneuron.h"

typedef struct mmn_stage_comparison {
    const char *stage;
    const char *problem; /* why the stage could not be compared, else NULL */
    int only_in_dump;    /* that is the problem; it does not make the dumps different */
    int integers;        /* whole numbers: all must be equal; there are no ulp */
    uint64_t elements;
    uint64_t differences;      /* elements that are not equal */
    double maximum_absolute;   /* largest |a - b| */
    double relative_rms;       /* rms(a - b) / rms(b) */
    double tolerance;          /* what relative_rms may be, and 30 times that of one row by its own
                                  rms; 0 for integers */
    double ulp_percentiles[4]; /* 50, 90, 99 and 100 percent, in units of f32's last place at b */
    double worst_row_rms; /* the largest relative RMS of one row (token), by the row's own rms */
    size_t worst_row;     /* that row; rows of all but the last dimension, counted through */
    int shows_neurons;    /* whether the last dimension counts neurons, so that flips mean */
    uint64_t flips;       /* elements of which only one is > 0 */
    uint64_t flipped_neurons; /* how many neurons these belong to */
    int outside;              /* beyond the tolerance, not comparable, or NaN in one only */
    size_t first_index;       /* first element outside, SIZE_MAX if none; and what it is: */
    double first_value, first_reference;
    size_t dimensions, shape[4];
    const char *axes[4];      /* what each dimension counts: "tile", "token", "neuron" */
    uint64_t equal_beginning; /* of generated_ids: how many tokens are equal before the first that
                                 is not, or that one file lacks */
} mmn_stage_comparison;

/* Compares `dump` with `reference`, which have the same number of elements, as whole numbers if
 * both are. The caller has filled in stage, tolerance, dimensions, shape (the reference's) and
 * shows_neurons; the rest of the numbers is filled in here. */
mmn_status mmn_compare_stage(mmn_stage_comparison *comparison, const mmn_tensor *dump,
                             const mmn_tensor *reference, mmn_error *error);

typedef struct mmn_verification {
    mmn_stage_comparison *stages; /* `stage` and `problem` are owned copies */
    size_t count;
} mmn_verification;

/* Does what mmn_verify does; *verification is NULL unless the status is MMN_OK or MMN_DIFFERENT. */
mmn_status mmn_verification_make(mmn_verification **verification, const char *dump,
                                 const char *reference, const mmn_verify_options *options,
                                 mmn_error *error);
void mmn_verification_free(mmn_verification *verification);

#endif
