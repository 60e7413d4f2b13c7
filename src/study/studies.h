/* The table of studies: each is a file that describes its study, and a line here. The public
 * function, the command with its options, --json, progress and interruption come with it
 * (doc/studies.md). */
#ifndef MMN_STUDY_STUDIES_H
#define MMN_STUDY_STUDIES_H

#include "study/run_result.h"
#include "study/study.h"

/* X(name): study/NAME.c defines mmn_study_of_NAME, whose command is "mmneuron NAME". */
/* clang-format off */
#define MMN_STUDIES(X) \
    X(agree)           \
    X(similarity)      \
    X(sweep)
/* clang-format on */

#define MMN_DECLARE_STUDY(name) extern const mmn_study_kind mmn_study_of_##name;
MMN_STUDIES(MMN_DECLARE_STUDY)

#endif
