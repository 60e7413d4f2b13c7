/* The choice of a kernel table by name or by what the processor can do. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "tables.h"

#ifdef HAVE_AVX2
static _Bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#endif

static _Bool always(void)
{
    return 1;
}

/* Slowest first. */
static const struct {
    const char *name;
    const mmn_kernels *(*table)(void);
    _Bool (*runs_here)(void);
} tables[] = {
    {"reference", mmn_kernels_reference, always},
#ifdef HAVE_AVX2
    {"avx2", mmn_kernels_avx2, has_avx2},
#endif
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
        "reference",
#ifdef HAVE_AVX2
        "avx2",
#endif
        NULL,
    };
    return names;
}
