/* Parallel samples: a list's samples in groups of one id. */
#include "study/parallel.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

typedef struct named_sample {
    const char *id;
    size_t domain, number;
    uint64_t line;
} named_sample;

typedef struct named_samples {
    named_sample *of;
    size_t count, capacity;
} named_samples;

static mmn_status read_names(named_samples *samples, mmn_study *study, mmn_error *error)
{
    for (;;) {
        mmn_planned_sample planned;
        bool found;
        MMN_TRY(mmn_samples_next(&planned, &found, &study->samples, error));
        if (!found)
            break;
        MMN_TRY(mmn_study_reserve(study, &samples->of, &samples->capacity, samples->count + 1,
                                  sizeof(*samples->of), error));
        named_sample *sample = &samples->of[samples->count++];
        *sample = (named_sample){.id = mmn_study_copy_text(study, planned.sample.id, error),
                                 .domain = planned.domain,
                                 .number = (size_t)planned.number,
                                 .line = planned.sample.line};
        MMN_NEED(sample->id);
    }
    mmn_samples_again(&study->samples);
    return MMN_OK;
}

/* By id, then by domain, then as the list has them. */
static int compare(const void *left, const void *right)
{
    const named_sample *a = left, *b = right;
    const int ids = strcmp(a->id, b->id);
    if (ids != 0)
        return ids;
    if (a->domain != b->domain)
        return a->domain < b->domain ? -1 : 1;
    return a->number < b->number ? -1 : 1;
}

static mmn_status refuse_twice(const mmn_study *study, const named_sample *sample, mmn_error *error)
{
    char where[40];
    snprintf(where, sizeof(where), "line %" PRIu64 ", id", sample->line);
    return mmn_fail(error, MMN_INPUT, study->samples.file, where,
                    "\"%.100s\" is that of another sample of the domain \"%s\" already; samples "
                    "with one id are the same sentence in several domains",
                    sample->id, study->samples.domains.domains[sample->domain].name);
}

mmn_status mmn_parallel_find(mmn_parallel *parallel, mmn_study *study, mmn_error *error)
{
    named_samples samples = {0};
    bool shared = false;
    MMN_TRY(read_names(&samples, study, error));
    parallel->group_of = mmn_study_allocate(study, samples.count, sizeof(size_t), error);
    parallel->sizes = mmn_study_allocate(study, samples.count, sizeof(size_t), error);
    MMN_NEED(parallel->group_of && parallel->sizes);

    qsort(samples.of, samples.count, sizeof(*samples.of), compare);
    for (size_t i = 0; i < samples.count; i++) {
        const named_sample *sample = &samples.of[i];
        const bool same = i > 0 && strcmp(sample->id, sample[-1].id) == 0;
        if (same && sample->domain == sample[-1].domain)
            return refuse_twice(study, sample, error);
        shared = shared || same;
        parallel->group_count += same ? 0 : 1;
        parallel->group_of[sample->number] = parallel->group_count - 1;
        parallel->sizes[parallel->group_count - 1]++;
    }
    return shared ? MMN_OK
                  : mmn_fail(error, MMN_INPUT, study->samples.file, "id",
                             "no two domains have one in common; samples with one id are the same "
                             "sentence in several domains");
}
