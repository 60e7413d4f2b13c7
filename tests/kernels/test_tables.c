/* Compares every kernel of every table with the reference, bit for bit: for each a test
 * TABLE::KERNEL, which is skipped where the processor lacks the table's instructions. */
#include <criterion/criterion.h>
#include <string.h>

#include "checks.h"

/* Enough for every count of elements that choose_count() knows, several times. */
enum { ROUNDS = 288 };

#define TABLE_TEST(table, kernel)                                                                  \
    Test(table, kernel)                                                                            \
    {                                                                                              \
        trial_run(#table, #kernel, ROUNDS, check_##kernel);                                        \
    }

/* What the reference's own tests show: its result is the same however the work is cut. */
#define REFERENCE_TEST(kernel, arguments) TABLE_TEST(reference, kernel)
MMN_KERNELS(REFERENCE_TEST)
#ifdef USE_SIMD
#define PORTABLE_TEST(kernel, arguments) TABLE_TEST(portable, kernel)
MMN_KERNELS(PORTABLE_TEST)
#endif
#ifdef HAVE_AVX2
#define AVX2_TEST(kernel, arguments) TABLE_TEST(avx2, kernel)
MMN_KERNELS(AVX2_TEST)
#endif
#ifdef HAVE_AVX512
#define AVX512_TEST(kernel, arguments) TABLE_TEST(avx512, kernel)
MMN_KERNELS(AVX512_TEST)
#endif
#ifdef HAVE_NEON
#define NEON_TEST(kernel, arguments) TABLE_TEST(neon, kernel)
MMN_KERNELS(NEON_TEST)
#endif

static const char *const tested[] = {
    "reference",
#ifdef USE_SIMD
    "portable",
#endif
#ifdef HAVE_AVX2
    "avx2",
#endif
#ifdef HAVE_AVX512
    "avx512",
#endif
#ifdef HAVE_NEON
    "neon",
#endif
};

Test(tables, are_all_tested)
{
    const char *const *names = mmn_kernels_names();
    size_t count = sizeof tested / sizeof *tested;

    for (size_t i = 0; i < count; i++)
        cr_assert(names[i] && strcmp(names[i], tested[i]) == 0, "%s", tested[i]);
    cr_expect_null(names[count]);
}

Test(tables, names)
{
    const char *const *names = mmn_kernels_names();

    cr_assert_str_eq(names[0], "reference");
    cr_expect_eq(mmn_kernels_select("reference"), mmn_kernels_reference());
    cr_expect_null(mmn_kernels_select("no such table"));
    cr_expect_not_null(mmn_kernels_select(NULL));
    cr_expect_eq(mmn_kernels_select("auto"), mmn_kernels_select(NULL));
    for (; *names; names++)
        if (mmn_kernels_select(*names))
            cr_expect_str_eq(mmn_kernels_select(*names)->name, *names);
}

/* No pointer of a table is missing. */
Test(tables, are_complete)
{
    for (const char *const *name = mmn_kernels_names(); *name; name++) {
        const mmn_kernels *table = mmn_kernels_select(*name);

#define CHECK_KERNEL(kernel, arguments) cr_expect(table->kernel != NULL, "%s: " #kernel, *name);
        if (table) {
            MMN_KERNELS(CHECK_KERNEL)
        }
#undef CHECK_KERNEL
    }
}
