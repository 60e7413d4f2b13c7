/* Measuring: time, the spread of repetitions, and what machine this is. */
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

enum { CACHE_LEVELS = 5, GUESSED_CACHE = 32 << 20 };

double bench_seconds(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

double bench_thread_seconds(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

long bench_thread_switches(void)
{
    struct rusage usage;

    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw + usage.ru_nivcsw;
}

void bench_pause(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

bench_spread bench_spread_of(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return (bench_spread){
        .minimum = values[0],
        .median = 0.5 * (values[(count - 1) / 2] + values[count / 2]),
        .maximum = values[count - 1],
    };
}

bench_spread bench_quartiles_of(double *values, size_t count)
{
    bench_spread spread = bench_spread_of(values, count);

    spread.minimum = values[count / 4];
    spread.maximum = values[count - 1 - count / 4];
    return spread;
}

/* The first line of a file, without its end; "" when there is no such file. */
static void read_line(char *line, int size, const char *path)
{
    FILE *file = fopen(path, "r");

    line[0] = '\0';
    if (!file)
        return;
    if (!fgets(line, size, file))
        line[0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    fclose(file);
}

static void read_processor(bench_machine *machine)
{
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[256];
    struct utsname names;

    if (uname(&names) == 0)
        snprintf(machine->processor, sizeof machine->processor, "%.100s processor", names.machine);
    if (!file)
        return;
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':')) {
            line[strcspn(line, "\n")] = '\0';
            snprintf(machine->processor, sizeof machine->processor, "%.120s",
                     strchr(line, ':') + 2);
            break;
        }
    }
    fclose(file);
}

static void read_caches(bench_machine *machine)
{
    for (int index = 0; index < 8; index++) {
        const char *folder = "/sys/devices/system/cpu/cpu0/cache/index";
        char path[96], type[32], level[32], size[32], *unit;

        snprintf(path, sizeof path, "%s%d/type", folder, index);
        read_line(type, sizeof type, path);
        snprintf(path, sizeof path, "%s%d/level", folder, index);
        read_line(level, sizeof level, path);
        snprintf(path, sizeof path, "%s%d/size", folder, index);
        read_line(size, sizeof size, path);
        int number = atoi(level);
        if (strcmp(type, "Instruction") == 0 || number < 1 || number > CACHE_LEVELS)
            continue;
        size_t bytes = strtoul(size, &unit, 10);
        machine->caches[number - 1] = bytes << (*unit == 'K' ? 10 : *unit == 'M' ? 20 : 0);
        if (machine->caches[number - 1] > machine->largest_cache)
            machine->largest_cache = machine->caches[number - 1];
    }
    if (machine->largest_cache == 0)
        machine->largest_cache = GUESSED_CACHE;
}

void bench_machine_read(bench_machine *machine)
{
    *machine = (bench_machine){.cores = (int)sysconf(_SC_NPROCESSORS_ONLN)};
    read_processor(machine);
    read_caches(machine);
}

void bench_machine_print(const bench_machine *machine)
{
    printf("Machine: %s, %d cores; data caches", machine->processor, machine->cores);
    for (int level = 0; level < CACHE_LEVELS; level++)
        if (machine->caches[level] > 0)
            printf(" L%d %zu KiB", level + 1, machine->caches[level] >> 10);
    printf(".\n");
}

void bench_memory_reset(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");

    if (!file)
        return;
    fputs("5\n", file); /* forgets the peak */
    fclose(file);
}

bench_memory bench_memory_read(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    bench_memory memory = {0};
    char line[128];
    size_t kibibytes;

    if (!file)
        return memory;
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "VmHWM: %zu", &kibibytes) == 1)
            memory.peak = kibibytes << 10;
        else if (sscanf(line, "RssFile: %zu", &kibibytes) == 1)
            memory.mapped = kibibytes << 10;
    }
    fclose(file);
    return memory;
}

json_t *bench_machine_json(const bench_machine *machine)
{
    json_t *caches = json_array();

    for (int level = 0; level < CACHE_LEVELS && machine->caches[level] > 0; level++)
        json_array_append_new(caches, json_integer((json_int_t)machine->caches[level]));
    return json_pack("{s:s, s:i, s:o}", "processor", machine->processor, "cores", machine->cores,
                     "caches", caches);
}

json_t *bench_spread_json(const bench_spread *spread)
{
    return json_pack("[f, f, f]", spread->minimum, spread->median, spread->maximum);
}

int bench_json_write(json_t *results, const char *file)
{
    int failed = json_dump_file(results, file, JSON_INDENT(2)) != 0;

    if (failed)
        fprintf(stderr, "%s: cannot be written\n", file);
    json_decref(results);
    return failed;
}
