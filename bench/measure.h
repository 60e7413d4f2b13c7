/* Measuring: time, the spread of repetitions, and what machine this is. */
#ifndef MMN_BENCH_MEASURE_H
#define MMN_BENCH_MEASURE_H

#include <jansson.h>
#include <stddef.h>

/* Seconds of a clock that never steps, the same for all processes. */
double bench_seconds(void);

/* Seconds that the calling thread has run, and how often it was switched out, by its own will or
 * not. */
double bench_thread_seconds(void);
long bench_thread_switches(void);

/* Lets other contestants' threads, which wait busily for more work, go to sleep. */
void bench_pause(void);

typedef struct bench_spread {
    double minimum, median, maximum;
} bench_spread;

/* Of count > 0 values, which are put into order. */
bench_spread bench_spread_of(double *values, size_t count);
/* The same with the quartiles in place of the ends. */
bench_spread bench_quartiles_of(double *values, size_t count);

typedef struct bench_machine {
    char processor[128];
    int cores;            /* that the operating system offers */
    size_t caches[5];     /* bytes of the data cache of level 1, 2, ...; 0 where unknown */
    size_t largest_cache; /* of them; a guess where all are unknown */
} bench_machine;

void bench_machine_read(bench_machine *machine);
void bench_machine_print(const bench_machine *machine);

/* Resident memory of this process in bytes: the most since bench_memory_reset, and the part that is
 * mapped files now; 0 where the operating system does not tell. */
typedef struct bench_memory {
    size_t peak, mapped;
} bench_memory;

void bench_memory_reset(void);
bench_memory bench_memory_read(void);

json_t *bench_machine_json(const bench_machine *machine);
json_t *bench_spread_json(const bench_spread *spread);

/* Writes `results`, and gives up the reference to it. Returns 0, or 1 after a message. */
int bench_json_write(json_t *results, const char *file);

#endif
