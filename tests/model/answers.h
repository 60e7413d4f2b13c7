/* What transformers answered, case by case, and whether we generate the same tokens. */
#ifndef TESTS_MODEL_ANSWERS_H
#define TESTS_MODEL_ANSWERS_H

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

#include "tests/tools/needs.h"

static inline const char *mmn_case_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* Fails unless the `count` ids are those that the case has. */
static inline void mmn_check_tokens(const json_t *expected, const int32_t *ids, size_t count)
{
    const json_t *wanted = json_object_get(expected, "ids");
    char *name = json_dumps(expected, JSON_COMPACT);
    cr_assert_eq(count, json_array_size(wanted), "%s: %zu tokens", name, count);
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(ids[i], json_integer_value(json_array_get(wanted, i)), "%s: token %zu is %d",
                     name, i, (int)ids[i]);
    free(name);
}

/* Calls `check` for every case of the file, of which there are more than `least`, or for one of
 * `share`, whose checkpoint this build reads. */
static inline void mmn_check_cases(const char *file, size_t least, size_t share,
                                   void (*check)(const json_t *expected))
{
    json_error_t problem;
    json_t *document = json_load_file(file, 0, &problem);
    cr_assert(document, "%s", problem.text);
    const json_t *cases = json_object_get(document, "cases");
    cr_assert_gt(json_array_size(cases), least);
    for (size_t i = 0; i < json_array_size(cases); i += share)
        if (mmn_build_reads(mmn_case_text(json_array_get(cases, i), "checkpoint")))
            check(json_array_get(cases, i));
    json_decref(document);
}

#endif
