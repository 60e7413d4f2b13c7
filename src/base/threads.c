/* Threads: how many OpenMP threads a model uses, with and without OpenMP. */
#include "base/threads.h"

#ifdef _OPENMP
#include <omp.h>
#include <pthread.h>

#include "base/memory.h"

int mmn_threads(int requested)
{
    int threads = requested > 0 ? requested : omp_get_max_threads();
    return threads < MMN_THREAD_LIMIT ? threads : MMN_THREAD_LIMIT;
}

/* A thread that is there until the gate is unlocked. */
static void *wait_at_gate(void *gate)
{
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

mmn_status mmn_threads_to_be_had(int *to_be_had, int wanted, mmn_error *error)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t *threads = mmn_allocate((size_t)wanted, sizeof(*threads), error);
    int started = 0;
    MMN_NEED(threads);
    pthread_mutex_lock(&gate);
    while (started < wanted - 1 &&
           pthread_create(&threads[started], NULL, wait_at_gate, &gate) == 0)
        started++;
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    mmn_free(threads);
    pthread_mutex_destroy(&gate);
    *to_be_had = started == wanted - 1 ? wanted : (started + 2) / 2;
    return MMN_OK;
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

mmn_status mmn_threads_to_be_had(int *threads, int wanted, mmn_error *error)
{
    (void)error;
    *threads = wanted;
    return MMN_OK;
}

int mmn_thread_number(void)
{
    return 0;
}

#endif
