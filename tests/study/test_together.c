/* How many ways go side by side: by memory, at least one, and never more than gain something. */
#include <criterion/criterion.h>

#include "base/memory_left.h"
#include "study/together.h"

Test(together, as_many_as_fit)
{
    static const struct {
        uint64_t together, bytes;
        size_t count;
    } cases[] = {
        {0, 1, 1},           {999, 1000, 1},    {1000, 1000, 1},
        {2999, 1000, 2},     {63999, 1000, 63}, {64000, 1000, 64},
        {UINT64_MAX, 1, 64}, {5, 0, 64},        {1, UINT64_MAX, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect_eq(mmn_together_count(cases[i].together, cases[i].bytes), cases[i].count,
                     "case %zu", i);
}

/* A model of a few kilobytes leaves half of what is left, or less than 2 GiB are told of. */
Test(together, leaves_memory_to_others)
{
    mmn_error error;
    mmn_model *model;
    const char *folder = MMN_SOURCE_DIR "/golden/checkpoints/llava-1.5";
    cr_assert_eq(mmn_model_open(&model, folder, NULL, &error), MMN_OK, "%s", error.message);
    const uint64_t left = mmn_memory_left(""), together = mmn_together_bytes(model);
    cr_expect_gt(together, 0);
    cr_expect(left == 0 || together < left - left / 4, "%lu of %lu bytes", (unsigned long)together,
              (unsigned long)left);
    mmn_model_close(model);
}
