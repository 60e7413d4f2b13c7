/* The clock by which work measures how long it takes. */
#include "base/clock.h"

#include <time.h>

double mmn_clock(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}
