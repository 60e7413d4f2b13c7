/* The choice of a kernel table by name or by what the processor can do. */
#include <string.h>
#ifdef HAVE_AVX2
#include <cpuid.h>
#endif

#include "tables.h"

static _Bool always(void)
{
    return 1;
}

#ifdef HAVE_AVX2
/* Asked of cpuid itself, since older compilers do not know the name "f16c"; that the system keeps
   the wide registers is in the answer for "avx2". */
static _Bool has_avx2(void)
{
    unsigned a, b, c, d;

    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __get_cpuid(1, &a, &b, &c, &d) && c & bit_F16C;
}
#endif

#ifdef HAVE_AVX512
static _Bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f");
}
#endif

/* Slowest first. */
#define REFERENCE_TABLE(TABLE) TABLE("reference", mmn_kernels_reference, always)
#ifdef USE_SIMD
#define PORTABLE_TABLE(TABLE) TABLE("portable", mmn_kernels_portable, always)
#else
#define PORTABLE_TABLE(TABLE)
#endif
#ifdef HAVE_AVX2
#define AVX2_TABLE(TABLE) TABLE("avx2", mmn_kernels_avx2, has_avx2)
#else
#define AVX2_TABLE(TABLE)
#endif
#ifdef HAVE_AVX512
#define AVX512_TABLE(TABLE) TABLE("avx512", mmn_kernels_avx512, has_avx512)
#else
#define AVX512_TABLE(TABLE)
#endif
#ifdef HAVE_NEON
#define NEON_TABLE(TABLE) TABLE("neon", mmn_kernels_neon, always)
#else
#define NEON_TABLE(TABLE)
#endif
#define TABLES(TABLE)                                                                              \
    REFERENCE_TABLE(TABLE) PORTABLE_TABLE(TABLE) AVX2_TABLE(TABLE) AVX512_TABLE(TABLE)             \
        NEON_TABLE(TABLE)

static const struct {
    const char *name;
    const mmn_kernels *(*table)(void);
    _Bool (*runs_here)(void);
} tables[] = {
#define TABLE_LINE(name, table, runs_here) {name, table, runs_here},
    TABLES(TABLE_LINE)
};

const mmn_kernels *mmn_kernels_select(const char *name)
{
    _Bool fastest = !name || strcmp(name, "auto") == 0;

    for (size_t i = sizeof tables / sizeof *tables; i-- > 0;)
        if ((fastest || strcmp(name, tables[i].name) == 0) && tables[i].runs_here())
            return tables[i].table();
    return NULL;
}

const char *const *mmn_kernels_names(void)
{
    static const char *const names[] = {
#define TABLE_NAME(name, table, runs_here) name,
        TABLES(TABLE_NAME) NULL,
    };
    return names;
}
