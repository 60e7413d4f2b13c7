/* The canonical product in binary64: of a matrix as it would be transposed with another one, added
 * to what there is. */
#include <math.h>

#include "reference.h"

/* Outputs whose chains run side by side. */
enum { CHAINS = 8 };

/* Adds `length` terms, a panel at most, to up to CHAINS outputs of one row. */
static void add_panel(double *output, const double *a, size_t a_stride, const double *b,
                      size_t b_stride, size_t outputs, size_t length)
{
    double chains[CHAINS] = {0.0};

    for (size_t k = 0; k < length; k++)
        for (size_t n = 0; n < outputs; n++)
            chains[n] = fma(a[k * a_stride], b[k * b_stride + n], chains[n]);
    for (size_t n = 0; n < outputs; n++)
        output[n] = output[n] + chains[n];
}

void mmn_product_f64_reference(double *output, size_t output_stride, const double *a,
                               size_t a_stride, const double *b, size_t b_stride, size_t rows,
                               size_t outputs, size_t depth, double *scratch)
{
    (void)scratch; /* for kernels that pack */
    for (size_t row = 0; row < rows; row++) {
        for (size_t n = 0; n < outputs; n += CHAINS) {
            size_t count = outputs - n < CHAINS ? outputs - n : CHAINS;

            for (size_t k = 0; k < depth; k += MMN_PANEL)
                add_panel(output + row * output_stride + n, a + k * a_stride + row, a_stride,
                          b + k * b_stride + n, b_stride, count,
                          depth - k < MMN_PANEL ? depth - k : MMN_PANEL);
        }
    }
}
