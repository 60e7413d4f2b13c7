/* Threads: how many OpenMP threads a model uses, with and without OpenMP. */
#include "base/threads.h"

#ifdef _OPENMP
#include <omp.h>

int mmn_threads(int requested)
{
    return requested > 0 ? requested : omp_get_max_threads();
}

int mmn_thread_number(void)
{
    return omp_get_thread_num();
}

#else

int mmn_threads(int requested)
{
    (void)requested;
    return 1;
}

int mmn_thread_number(void)
{
    return 0;
}

#endif
