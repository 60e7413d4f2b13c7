/* BLAS: other people's matrix products, loaded at run time where they are installed. */
#include "blas.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The values of these enumerations in cblas.h. */
enum { ROW_MAJOR = 101, NOT_TRANSPOSED = 111, TRANSPOSED = 112 };

/* Copies the address of a function to the pointer `function`, which C does not let one cast. */
static void find(void *function, void *library, const char *name)
{
    void *address = dlsym(library, name);
    memcpy(function, &address, sizeof address);
}

static void set_up_openblas(bench_blas *blas, void *library, int threads)
{
    void (*set_threads)(int);
    char *(*describe)(void);

    find(&set_threads, library, "openblas_set_num_threads");
    find(&describe, library, "openblas_get_config");
    if (set_threads)
        set_threads(threads);
    else
        blas->sgemm = NULL;
    if (describe)
        snprintf(blas->version, sizeof blas->version, "%s", describe());
}

static void set_up_blis(bench_blas *blas, void *library, int threads)
{
    void (*set_threads)(long); /* BLIS's dim_t is as wide as a pointer */
    const char *(*describe)(void);

    find(&set_threads, library, "bli_thread_set_num_threads");
    find(&describe, library, "bli_info_get_version_str");
    if (set_threads)
        set_threads(threads);
    else
        blas->sgemm = NULL;
    if (describe)
        snprintf(blas->version, sizeof blas->version, "BLIS %s", describe());
}

/* OpenBLAS takes processors that are younger than itself for the oldest of all. */
static void name_processor_to_openblas(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        setenv("OPENBLAS_CORETYPE", "SkylakeX", 0);
    else if (__builtin_cpu_supports("avx2"))
        setenv("OPENBLAS_CORETYPE", "Haswell", 0);
#endif
}

void bench_blas_load(bench_blas libraries[BENCH_BLAS_COUNT], int threads)
{
    libraries[0] = (bench_blas){.name = "OpenBLAS", .file = "libopenblas.so.0"};
    libraries[1] = (bench_blas){.name = "BLIS", .file = "libblis.so.4"};
    name_processor_to_openblas();
    for (size_t i = 0; i < BENCH_BLAS_COUNT; i++) {
        void *library = dlopen(libraries[i].file, RTLD_NOW | RTLD_LOCAL);

        if (!library)
            continue;
        find(&libraries[i].sgemm, library, "cblas_sgemm");
        if (i == 0)
            set_up_openblas(&libraries[i], library, threads);
        else
            set_up_blis(&libraries[i], library, threads);
    }
}

void bench_blas_multiply(const bench_blas *library, float *output, const float *input,
                         const float *weight, size_t rows, size_t outputs, size_t depth)
{
    library->sgemm(ROW_MAJOR, NOT_TRANSPOSED, TRANSPOSED, (int)rows, (int)outputs, (int)depth, 1.0f,
                   input, (int)depth, weight, (int)depth, 0.0f, output, (int)outputs);
}
