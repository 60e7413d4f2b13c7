/* Features of events: what a model's stages are for them, each pooled over its positions. */
#ifndef MMN_STUDY_FEATURES_H
#define MMN_STUDY_FEATURES_H

#include "format/safetensors.h"
#include "mmneuron/encode.h"
#include "study/study.h"

/* How a stage's positions become features of its event. */
typedef enum mmn_pooling {
    MMN_POOL_LAST,  /* the last position's values */
    MMN_POOL_FIRST, /* the first one's: of a vision tower with a class token that */
    MMN_POOL_MEAN,
    MMN_POOL_FLAT, /* all of them, one position after the other */
    MMN_POOLINGS
} mmn_pooling;

/* What is asked: the public options, and the responses that will be regressed on the features, or
 * NULL. */
typedef struct mmn_features_request {
    size_t size;
    mmn_features_options asked;
    const mmn_safetensors *responses;
} mmn_features_request;

/* The features of a domain's events: matrices [events][width] of F32 as files have them, one behind
 * the other. The first event decides on stages and widths. */
typedef struct mmn_features_alignment {
    char **stages;
    uint64_t *widths;
    size_t stage_count;
    void *bytes;
    size_t size;
} mmn_features_alignment;

typedef struct mmn_features_study {
    mmn_study study;
    const mmn_features_request *request;
    const char *stages;
    mmn_pooling pool;
    mmn_features_alignment *alignments; /* [domains] */
    size_t alignment_count;
    char *digest; /* of the file, once it is written */
} mmn_features_study;

extern const char *const mmn_pool_names[MMN_POOLINGS];
extern const mmn_study_kind mmn_features_kind;

static inline const mmn_domain *mmn_features_domain(const mmn_features_study *kept,
                                                    size_t alignment)
{
    return &kept->study.samples.domains.domains[alignment];
}

/* Writes the file: of mmn_study_kind, the last before a result. */
mmn_status mmn_features_write(const void *kept, mmn_error *error);

/* Describe and fill the result. */
void mmn_features_describe(mmn_result *result, const void *kept);
void mmn_features_fill(mmn_result *result, const void *kept);

#endif
