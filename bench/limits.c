/* Limits: the most arithmetic and the most memory traffic that this machine is seen to do.
 *
 * Functions for instruction sets beyond the baseline are compiled for them one by one, by an
 * attribute, and called where the processor has them. */
#include "limits.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "measure.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

enum { RUNS = 5, LINE_WORDS = 4, NOW_ROUNDS = 1 << 19 };

static const double run_seconds = 0.02; /* long enough that starting threads does not count */

/* Written with every result, so that the compiler cannot leave the work out. */
static volatile float arithmetic_sink;
static volatile uint64_t reading_sink;

/* --- arithmetic --- */

/* Twelve chains hide a latency of 6 with two units and fit into 16 registers; twenty are for
 * machines with 32 registers and up to four units. */
#define TWELVE(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define TWENTY(X) TWELVE(X) X(12) X(13) X(14) X(15) X(16) X(17) X(18) X(19)

/* Chains that began alike would be one to the compiler. */
#define START(i) sum##i = start + (float)i;
#define STEP(i) sum##i = MULTIPLY_ADD(sum##i, factor, addend);
#define FINISH(i) start += sum##i;
#define DECLARE(i) sum##i,

/* `rounds` multiply-adds in each of the chains; their limit, addend / (1 - factor), is finite. Four
 * rounds at once, because counting them takes a unit that multiply-adds want. */
#define ARITHMETIC_KERNEL(name, attribute, vector, chains)                                         \
    attribute static float name(size_t rounds)                                                     \
    {                                                                                              \
        const vector zero = {0.0f}, factor = zero + 0.875f, addend = zero + 0.125f;                \
        vector chains(DECLARE) start = zero + (float)rounds;                                       \
                                                                                                   \
        chains(START)                                                                              \
        for (size_t round = 0; round < rounds; round += 4) {                                       \
            chains(STEP) chains(STEP) chains(STEP) chains(STEP)                                    \
        }                                                                                          \
        chains(FINISH)                                                                             \
        return start[0];                                                                           \
    }

typedef float four_floats __attribute__((vector_size(16)));

#define MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
ARITHMETIC_KERNEL(arithmetic_baseline, , four_floats, TWELVE)
#undef MULTIPLY_ADD

#if defined(__x86_64__)
#define MULTIPLY_ADD(a, b, c) _mm256_fmadd_ps(a, b, c)
ARITHMETIC_KERNEL(arithmetic_avx2, __attribute__((target("avx2,fma"))), __m256, TWELVE)
#undef MULTIPLY_ADD
#define MULTIPLY_ADD(a, b, c) _mm512_fmadd_ps(a, b, c)
ARITHMETIC_KERNEL(arithmetic_avx512, __attribute__((target("avx512f"))), __m512, TWENTY)
#undef MULTIPLY_ADD
#elif defined(__aarch64__)
#define MULTIPLY_ADD(a, b, c) vfmaq_f32(c, a, b)
ARITHMETIC_KERNEL(arithmetic_neon, , float32x4_t, TWENTY)
#undef MULTIPLY_ADD
#endif

typedef struct arithmetic {
    const char *instructions, *table; /* the kernel table that uses them */
    float (*run)(size_t rounds);
    double operations; /* of one round */
} arithmetic;

/* Those that the processor can run; returns their number. */
static size_t available_arithmetic(arithmetic list[3])
{
    size_t count = 0;

    list[count++] = (arithmetic){"baseline", "reference", arithmetic_baseline, 2 * 12 * 4};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        list[count++] = (arithmetic){"AVX2", "avx2", arithmetic_avx2, 2 * 12 * 8};
    if (__builtin_cpu_supports("avx512f"))
        list[count++] = (arithmetic){"AVX-512", "avx512", arithmetic_avx512, 2 * 20 * 16};
#elif defined(__aarch64__)
    list[count++] = (arithmetic){"NEON", "neon", arithmetic_neon, 2 * 20 * 4};
#endif
    return count;
}

static double time_arithmetic(const arithmetic *kernel, int threads, size_t rounds)
{
    double start = bench_seconds();

    MMN_PARALLEL_FOR(threads, static, 1)
    for (int thread = 0; thread < threads; thread++)
        arithmetic_sink = kernel->run(rounds);
    return bench_seconds() - start;
}

double bench_peak_arithmetic(int threads, const char **instructions)
{
    arithmetic list[3];
    size_t count = available_arithmetic(list);
    double best = 0.0;

    for (size_t i = 0; i < count; i++) {
        size_t rounds = 1 << 16;

        while (time_arithmetic(&list[i], threads, rounds) < run_seconds)
            rounds *= 2;
        for (int run = 0; run < RUNS; run++) {
            double seconds = time_arithmetic(&list[i], threads, rounds);
            double rate = 1e-9 * list[i].operations * (double)rounds * threads / seconds;

            if (rate > best) {
                best = rate;
                *instructions = list[i].instructions;
            }
        }
    }
    return best;
}

double bench_arithmetic_now(int threads)
{
    arithmetic list[3];
    const arithmetic *widest = &list[available_arithmetic(list) - 1];

    return 1e-9 * widest->operations * NOW_ROUNDS * threads /
           time_arithmetic(widest, threads, NOW_ROUNDS);
}

double bench_burst_arithmetic(const char *table, size_t rounds)
{
    arithmetic list[3];
    size_t count = available_arithmetic(list), chosen = 0;

    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].table, table) == 0)
            chosen = i;
    double start = bench_thread_seconds();

    arithmetic_sink = list[chosen].run(rounds);
    return 1e-9 * list[chosen].operations * (double)rounds / (bench_thread_seconds() - start);
}

/* --- reading --- */

typedef uint64_t word __attribute__((vector_size(16)));

/* Each function adds up `lines` cache lines of LINE_WORDS words. */
typedef word (*reading_kernel)(const word *data, size_t lines);

static word read_ascending(const word *data, size_t lines)
{
    word sums[LINE_WORDS] = {{0}};

    for (size_t line = 0; line < lines; line++, data += LINE_WORDS)
        for (int i = 0; i < LINE_WORDS; i++)
            sums[i] += data[i];
    return sums[0] + sums[1] + sums[2] + sums[3];
}

static word read_prefetched(const word *data, size_t lines)
{
    word sums[LINE_WORDS] = {{0}};

    for (size_t line = 0; line < lines; line++, data += LINE_WORDS) {
        __builtin_prefetch((const char *)data + 2048);
        for (int i = 0; i < LINE_WORDS; i++)
            sums[i] += data[i];
    }
    return sums[0] + sums[1] + sums[2] + sums[3];
}

/* Reads the four quarters side by side. */
static word read_quarters(const word *data, size_t lines)
{
    word sums[LINE_WORDS] = {{0}};
    size_t quarter = lines / 4 * LINE_WORDS;

    for (size_t first = 0; first < quarter; first += LINE_WORDS)
        for (size_t part = 0; part < 4; part++)
            for (int i = 0; i < LINE_WORDS; i++)
                sums[i] += data[part * quarter + first + (size_t)i];
    return sums[0] + sums[1] + sums[2] + sums[3];
}

/* By the threads that will read it, so that each finds its part in the memory next to it. */
static void fill(word *data, int threads, size_t lines)
{
    size_t part = lines / (size_t)threads;

    MMN_PARALLEL_FOR(threads, static, 1)
    for (int thread = 0; thread < threads; thread++)
        memset(data + (size_t)thread * part * LINE_WORDS, 1, part * LINE_WORDS * sizeof(word));
}

static double time_reading(reading_kernel kernel, int threads, const word *data, size_t lines)
{
    size_t part = lines / (size_t)threads;
    double start = bench_seconds();

    MMN_PARALLEL_FOR(threads, static, 1)
    for (int thread = 0; thread < threads; thread++) {
        word sum = kernel(data + (size_t)thread * part * LINE_WORDS, part);
        reading_sink = sum[0] + sum[1];
    }
    double seconds = bench_seconds() - start;
    return 1e-9 * (double)(part * (size_t)threads * LINE_WORDS * sizeof(word)) / seconds;
}

/* Reads the four quarters side by side, a cache line of each at a time. */
#define READ_LINES(name, attribute, vector)                                                        \
    attribute static uint64_t name(const void *data, size_t lines)                                 \
    {                                                                                              \
        enum { WORDS = 64 / sizeof(vector) };                                                      \
        const vector *words = data;                                                                \
        vector sums[4] = {{0}};                                                                    \
        size_t quarter = lines / 4 * WORDS;                                                        \
                                                                                                   \
        for (size_t first = 0; first < quarter; first += WORDS)                                    \
            for (size_t part = 0; part < 4; part++)                                                \
                for (size_t i = 0; i < WORDS; i++)                                                 \
                    sums[part] += words[part * quarter + first + i];                               \
        sums[0] += sums[1] + sums[2] + sums[3];                                                    \
        return sums[0][0] + sums[0][1];                                                            \
    }

READ_LINES(read_lines, , word)
#if defined(__x86_64__)
typedef uint64_t word_of_64_bytes __attribute__((vector_size(64)));
READ_LINES(read_lines_avx512, __attribute__((target("avx512f"))), word_of_64_bytes)
#endif

double bench_burst_reading(const void *data, size_t bytes)
{
    size_t lines = bytes / 64;
    uint64_t (*read)(const void *data, size_t lines) = read_lines;

#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        read = read_lines_avx512;
#endif
    double start = bench_thread_seconds();

    reading_sink = read(data, lines);
    return 1e-9 * (double)(lines * 64) / (bench_thread_seconds() - start);
}

double bench_peak_reading(int threads, size_t bytes)
{
    const reading_kernel kernels[] = {read_ascending, read_prefetched, read_quarters};
    size_t lines = bytes / (LINE_WORDS * sizeof(word));
    word *data = aligned_alloc(64, lines * LINE_WORDS * sizeof(word));
    double best = 0.0;

    if (!data)
        return 0.0;
    fill(data, threads, lines);
    for (int run = 0; run < RUNS; run++) {
        for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
            double rate = time_reading(kernels[i], threads, data, lines);
            best = rate > best ? rate : best;
        }
    }
    free(data);
    return best;
}
