/* Judging answers: one by one, and all of a file, whose result has a form. */
#ifndef MMN_STUDY_JUDGE_H
#define MMN_STUDY_JUDGE_H

#include <stdbool.h>

#include "base/digest.h"
#include "base/memory.h"
#include "mmneuron.h"
#include "result/result.h"

/* MMN_INPUT where the model is no judge that gives one number, or has no tokenizer. */
mmn_status mmn_judge_check(const mmn_model *judge, mmn_error *error);

/* A session of a judge. */
mmn_status mmn_judge_session(mmn_session **session, const mmn_model *judge, mmn_error *error);

/* "benchmark" or "demo". */
const char *mmn_judge_form_name(mmn_judge_form form);

/* What a judge has said of an answer, and in which way of running its domain the answer was
 * given. */
typedef struct mmn_judged {
    const char *id, *reference; /* the right answer by which it is most so */
    double logit;
    size_t group;
} mmn_judged;

/* Answers that are counted together. NULL: the file does not say. */
typedef struct mmn_judged_group {
    const char *domain, *setting, *off, *neurons_of;
    bool has_seed;
    uint64_t seed;
} mmn_judged_group;

/* All of a file. Start from {0}. */
typedef struct mmn_judging {
    const mmn_model *judge;
    const mmn_judge_options *options;
    mmn_session *session;
    char digest[MMN_DIGEST_SIZE];      /* of the judge */
    char list_digest[MMN_DIGEST_SIZE]; /* "": there is no list */
    mmn_judged *answers;
    size_t count, capacity;
    mmn_judged_group *groups;
    size_t group_count, group_capacity;
    mmn_blocks texts; /* of answers and groups */
    double begun;     /* seconds of the clock */
    uint64_t lines, total;
} mmn_judging;

void mmn_judging_free(mmn_judging *judging);
/* The number of the group, which is added where it is new; its texts are copied. */
mmn_status mmn_judging_group(mmn_judging *judging, const mmn_judged_group *group, size_t *number,
                             mmn_error *error);
/* Adds what was said of the answer `id`, by one of `references`. */
mmn_status mmn_judging_add(mmn_judging *judging, const char *id, size_t group, double logit,
                           const char *reference, mmn_error *error);
/* Tells the progress; MMN_INTERRUPTED where that asks to stop. */
mmn_status mmn_judging_tell(mmn_judging *judging, mmn_error *error);

/* Reads the file that the options name, and judges its answers: lines with questions, and rows. */
mmn_status mmn_judging_read(mmn_judging *judging, mmn_error *error);
mmn_status mmn_judging_read_rows(mmn_judging *judging, mmn_error *error);

#endif
