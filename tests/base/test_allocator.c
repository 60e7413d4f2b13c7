/* The caller's allocator: all memory comes from it, and goes back to it. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mmneuron.h"

#define RESULT MMN_SOURCE_DIR "/tests/page/data/perturb.json"

static size_t live, made;

static void *allocate(void *context, size_t size, size_t alignment)
{
    cr_assert_str_eq(context, "mine");
    cr_assert_neq(size, 0);
    void *pointer = NULL;
    cr_assert_eq(posix_memalign(&pointer, alignment, size), 0);
    memset(pointer, 0xa5, size);
    live++;
    made++;
    return pointer;
}

static void release(void *context, void *pointer)
{
    cr_assert_str_eq(context, "mine");
    cr_assert_not_null(pointer);
    live--;
    free(pointer);
}

Test(allocator, serves_every_allocation)
{
    static char mine[] = "mine";
    const mmn_allocator allocator = {allocate, release, mine};
    mmn_error error;
    cr_assert_eq(mmn_set_allocator(&allocator, &error), MMN_OK);
    mmn_result *result;
    char *text;
    cr_assert_eq(mmn_result_read(&result, RESULT, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_result_json(result, &text, &error), MMN_OK, "%s", error.message);
    cr_assert_gt(made, 10);
    mmn_release(text);
    mmn_result_free(result);
    cr_assert_eq(live, 0);
}

static void *never(void *context, size_t size, size_t alignment)
{
    (void)context;
    (void)size;
    (void)alignment;
    return NULL;
}

Test(allocator, may_have_no_memory)
{
    const mmn_allocator allocator = {never, release, NULL};
    mmn_error error;
    cr_assert_eq(mmn_set_allocator(&allocator, &error), MMN_OK);
    mmn_result *result;
    cr_assert_eq(mmn_result_read(&result, RESULT, &error), MMN_SYSTEM);
    cr_assert_null(result);
}

Test(allocator, is_chosen_before_it_is_needed)
{
    const mmn_allocator half = {allocate, NULL, NULL}, allocator = {never, release, NULL};
    mmn_error error;
    cr_assert_eq(mmn_set_allocator(&half, &error), MMN_USAGE);
    cr_assert_eq(mmn_set_allocator(&allocator, &error), MMN_OK);
    cr_assert_eq(mmn_set_allocator(NULL, &error), MMN_OK);
    mmn_result *result;
    cr_assert_eq(mmn_result_read(&result, RESULT, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_set_allocator(&allocator, &error), MMN_USAGE);
    mmn_result_free(result);
}
