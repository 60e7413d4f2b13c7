/* Findings: what switching a domain's own neurons off does to it, beside as many random ones, in a
 * line for each domain. */
#ifndef MMN_STUDY_FINDING_H
#define MMN_STUDY_FINDING_H

#include "result/result.h"

/* Of evaluations and perplexities, for people alone: the last setting's, "all" where there is no
 * choice. `plain`, `own` and `random` are accuracies, or where answers were not asked for ln p per
 * token, or by how many per cent perplexity is larger. */
#define MMN_FINDING_TABLE                                                                          \
    {                                                                                              \
        "findings", "result",                                                                      \
            MMN_COLUMNS(MMN_TEXT("setting"), MMN_TEXT("domain"), MMN_WHOLE("neurons"),             \
                        MMN_REAL("plain", ""), MMN_REAL("own", ""), MMN_WHOLE("seeds"),            \
                        MMN_REAL("random", ""))                                                    \
    }

/* Their templates (result/template.h). */
#define MMN_FINDING_LINE(plain, with)                                                              \
    "<findings||  <-10 domains.name|${domain}>  its ${neurons} neurons off: " with("own") plain    \
        "<?seeds|; as many random ones: " with("random") ">\n>"
#define MMN_FINDING_RIGHT(off) "$.1{" off "*100} %"
#define MMN_FINDING_LIKELY(off) "$.3{" off "}"
#define MMN_FINDING_MORE(off) "$.1{" off "} % more"
#define MMN_FINDING_OF_ANSWERS                                                                     \
    "<findings first||\nin short, ${setting}: right answers of each domain with neurons "          \
    "off\n>" MMN_FINDING_LINE(", instead of $.1{plain*100} %", MMN_FINDING_RIGHT)
#define MMN_FINDING_OF_LIKELIHOOD                                                                  \
    "<findings first||\nin short, ${setting}: ln p per token of right answers with neurons "       \
    "off\n>" MMN_FINDING_LINE(", instead of $.3{plain}", MMN_FINDING_LIKELY)
#define MMN_FINDING_OF_PERPLEXITY                                                                  \
    "<findings first||\nin short, ${setting}: perplexity of each domain's text with neurons "      \
    "off\n>" MMN_FINDING_LINE("", MMN_FINDING_MORE)

#endif
