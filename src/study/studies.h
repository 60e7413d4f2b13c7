/* The table of studies: each is a file that describes its study, and a line here. The public function, the
 * command with its options, --json, progress and interruption come with it (doc/studies.md). */
#ifndef MMN_STUDY_STUDIES_H
#define MMN_STUDY_STUDIES_H

#include "study/run_result.h"
#include "study/study.h"

/* X(name): study/NAME.c defines mmn_study_of_NAME, whose command is "mmneuron NAME". */
#define MMN_STUDIES(X) \
    X(agree)

typedef struct mmn_study_kind {
    const char *name;
    const char *summary; /* a line of help */
    const char *doing;   /* the label of its progress: "comparing" */
    size_t size;         /* of what it keeps, zero at first, which begins with an mmn_study */
    /* Makes room, once the study has a plan. */
    mmn_status (*begin)(void *kept, mmn_error *error);
    mmn_study_function measure; /* of a sample; its context is what is kept */
    void (*end)(void *kept);    /* frees what begin made, after a failure of it too */
    const mmn_form *form;       /* of its result, whose table "result" has MMN_STUDY_COLUMNS */
    /* Adds to the result what was found. */
    void (*fill)(mmn_result *result, const void *kept);
} mmn_study_kind;

#define MMN_DECLARE_STUDY(name) extern const mmn_study_kind mmn_study_of_##name;
MMN_STUDIES(MMN_DECLARE_STUDY)
extern const mmn_study_kind *const mmn_study_kinds[]; /* all of them, up to NULL */

#endif
