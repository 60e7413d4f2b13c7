/* Numbers for readers: a fixed number of decimals whatever the locale, and round steps of axes. */
#include "page/numbers.h"

#include <inttypes.h>
#include <math.h>

void mmn_number_fixed(mmn_text *text, double value, int decimals)
{
    double scale = 1;
    for (int i = 0; i < decimals; i++)
        scale *= 10;
    double scaled = floor(fabs(value) * scale + 0.5);
    if (!isfinite(value))
        return;
    if (scaled > 9e15) {
        mmn_text_add_real(text, value);
        return;
    }
    const uint64_t units = (uint64_t)scaled, whole = units / (uint64_t)scale;
    mmn_text_add(text, "%s%" PRIu64, value < 0 && units > 0 ? "-" : "", whole);
    if (decimals > 0)
        mmn_text_add(text, ".%0*" PRIu64, decimals, units % (uint64_t)scale);
}

double mmn_number_step(double maximum, int ticks)
{
    double step = 1;
    if (!(maximum > 0) || !isfinite(maximum))
        return step;
    while (maximum / step > ticks)
        step *= 10;
    while (maximum / (step / 10) <= ticks)
        step /= 10;
    if (maximum / (step / 5) <= ticks)
        return step / 5;
    return maximum / (step / 2) <= ticks ? step / 2 : step;
}

int mmn_number_step_decimals(double step)
{
    int decimals = 0;
    for (; decimals < 9 && step < 1 - 1e-9; decimals++)
        step *= 10;
    return decimals;
}
