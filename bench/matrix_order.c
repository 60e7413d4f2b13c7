/* The experiment behind the order of sums in a matrix product: accuracy and speed of one ascending
 * chain against panels of 256 and 512.
 *
 *     make bench/matrix_order && nice bench/matrix_order
 *
 * Accuracy: the root mean square of the error against binary64, relative to that of the truth, over
 * products of uniform pseudo-random numbers. Speed (built for AVX2): one thread, tiles of 6 x 16
 * accumulators, operands packed and blocked along k by 256 for the caches, as fast implementations
 * do. A chain takes each tile up from memory again after every block, panels start it at zero and
 * add. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#define HAVE_TILES 1
#else
#define HAVE_TILES 0
#endif

enum { PRODUCTS = 4096, TILE_ROWS = 6, TILE_COLUMNS = 16, BLOCK = 256, RUNS = 7 };

/* Uniform in [-1, 1). */
static float next_value(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)(int32_t)(*state >> 32) * 0x1p-31f;
}

static float product_in_panels(const float *a, const float *b, size_t depth, size_t panel)
{
    float total = 0.0f;

    for (size_t first = 0; first < depth; first += panel) {
        size_t end = depth - first < panel ? depth : first + panel;
        float chain = 0.0f;

        for (size_t k = first; k < end; k++)
            chain = fmaf(a[k], b[k], chain);
        total += chain;
    }
    return total;
}

static void compare_accuracy(size_t depth)
{
    const size_t panels[] = {depth, 512, 256};
    double errors[3] = {0.0}, truths = 0.0;
    uint64_t state = depth;
    float *a = malloc(2 * depth * sizeof *a), *b = a + depth;

    if (!a)
        return;
    for (size_t i = 0; i < PRODUCTS; i++) {
        double truth = 0.0;

        for (size_t k = 0; k < depth; k++) {
            a[k] = next_value(&state);
            b[k] = next_value(&state);
            truth += (double)a[k] * (double)b[k];
        }
        truths += truth * truth;
        for (size_t j = 0; j < 3; j++) {
            double error = (double)product_in_panels(a, b, depth, panels[j]) - truth;
            errors[j] += error * error;
        }
    }
    printf("accuracy  depth %5zu  one chain %.2e  panels of 512 %.2e  of 256 %.2e\n", depth,
           sqrt(errors[0] / truths), sqrt(errors[1] / truths), sqrt(errors[2] / truths));
    free(a);
}

#if HAVE_TILES

/* One tile and one block: c (row stride c_stride) from a [k][6] and b [k][16]. Inline, so
 * that `panels` is a constant. */
static inline void add_tile(float *c, size_t c_stride, const float *a, const float *b, size_t depth,
                            _Bool panels)
{
    __m256 sums[TILE_ROWS][2];

    for (size_t m = 0; m < TILE_ROWS; m++) {
        sums[m][0] = panels ? _mm256_setzero_ps() : _mm256_loadu_ps(c + m * c_stride);
        sums[m][1] = panels ? _mm256_setzero_ps() : _mm256_loadu_ps(c + m * c_stride + 8);
    }
    for (size_t k = 0; k < depth; k++) {
        __m256 low = _mm256_loadu_ps(b + k * TILE_COLUMNS);
        __m256 high = _mm256_loadu_ps(b + k * TILE_COLUMNS + 8);

        for (size_t m = 0; m < TILE_ROWS; m++) {
            __m256 x = _mm256_broadcast_ss(a + k * TILE_ROWS + m);
            sums[m][0] = _mm256_fmadd_ps(x, low, sums[m][0]);
            sums[m][1] = _mm256_fmadd_ps(x, high, sums[m][1]);
        }
    }
    for (size_t m = 0; m < TILE_ROWS; m++) {
        float *row = c + m * c_stride;

        if (panels) {
            sums[m][0] = _mm256_add_ps(_mm256_loadu_ps(row), sums[m][0]);
            sums[m][1] = _mm256_add_ps(_mm256_loadu_ps(row + 8), sums[m][1]);
        }
        _mm256_storeu_ps(row, sums[m][0]);
        _mm256_storeu_ps(row + 8, sums[m][1]);
    }
}

/* c = a b for packed operands: a in [depth / BLOCK][rows / 6][BLOCK][6], b in
 * [depth / BLOCK][columns / 16][BLOCK][16]. */
static void multiply(float *c, const float *a, const float *b, size_t rows, size_t columns,
                     size_t depth, _Bool panels)
{
    memset(c, 0, rows * columns * sizeof *c);
    for (size_t k = 0; k < depth; k += BLOCK) {
        for (size_t n = 0; n < columns; n += TILE_COLUMNS) {
            for (size_t m = 0; m < rows; m += TILE_ROWS) {
                float *tile = c + m * columns + n;
                const float *left = a + k * rows + m * BLOCK;
                const float *right = b + k * columns + n * BLOCK;

                if (panels)
                    add_tile(tile, columns, left, right, BLOCK, 1);
                else
                    add_tile(tile, columns, left, right, BLOCK, 0);
            }
        }
    }
}

static double processor_seconds(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* The best of several runs of both orders in turn. */
static void compare_speed(size_t rows, size_t columns, size_t depth)
{
    float *a = malloc(rows * depth * sizeof *a), *b = malloc(columns * depth * sizeof *b);
    float *c = malloc(rows * columns * sizeof *c);
    double best[2] = {HUGE_VAL, HUGE_VAL};
    uint64_t state = 1;

    if (a && b && c) {
        for (size_t i = 0; i < rows * depth; i++)
            a[i] = next_value(&state);
        for (size_t i = 0; i < columns * depth; i++)
            b[i] = next_value(&state);
        for (int run = 0; run < 2 * RUNS; run++) {
            double start = processor_seconds();
            multiply(c, a, b, rows, columns, depth, run % 2);
            double seconds = processor_seconds() - start;
            best[run % 2] = seconds < best[run % 2] ? seconds : best[run % 2];
        }
        double work = 2e-9 * (double)rows * (double)columns * (double)depth;
        printf("speed  %zu x %zu x %zu  one chain %.1f  panels of 256 %.1f  GFLOP/s\n", rows,
               columns, depth, work / best[0], work / best[1]);
    }
    free(a);
    free(b);
    free(c);
}

#endif

int main(void)
{
    compare_accuracy(1024);
    compare_accuracy(4096);
    compare_accuracy(11008);
#if HAVE_TILES
    compare_speed(600, 1024, 4096);
    compare_speed(600, 1024, 11008);
#endif
    return 0;
}
