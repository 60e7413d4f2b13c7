/* The two models of a joint one. */
#ifndef MMN_TESTS_STUDY_OPEN_TWO_H
#define MMN_TESTS_STUDY_OPEN_TWO_H

#include <criterion/criterion.h>

#include "mmneuron.h"

static inline mmn_model *open_with_two_threads(const char *folder)
{
    const mmn_model_options options = {.size = sizeof(options), .threads = 2};
    mmn_error error;
    mmn_model *model;
    cr_assert_eq(mmn_model_open(&model, folder, &options, &error), MMN_OK, "%s", error.message);
    return model;
}

#endif
