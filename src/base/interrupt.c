/* Long work: a request to stop it, the clock that times it, and the line that says how far it has
 * come. */
#include "base/interrupt.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static bool is_asked_to_stop(const mmn_interrupt *interrupt)
{
    return interrupt && interrupt->asked && interrupt->asked(interrupt->context) != 0;
}

static mmn_status stop(mmn_error *error)
{
    return mmn_fail(error, MMN_INTERRUPTED, NULL, NULL, "interrupted");
}

bool mmn_interrupt_ask(mmn_interrupt *interrupt)
{
    if (mmn_interrupt_said(interrupt))
        return true;
    if (!is_asked_to_stop(interrupt))
        return false;
    atomic_store_explicit(&interrupt->said, true, memory_order_relaxed);
    return true;
}

bool mmn_interrupt_said(const mmn_interrupt *interrupt)
{
    return interrupt && atomic_load_explicit(&interrupt->said, memory_order_relaxed);
}

mmn_status mmn_interrupt_check(mmn_interrupt *interrupt, mmn_error *error)
{
    return mmn_interrupt_ask(interrupt) ? stop(error) : MMN_OK;
}

mmn_status mmn_interrupt_check_now(const mmn_interrupt *interrupt, mmn_error *error)
{
    return is_asked_to_stop(interrupt) ? stop(error) : MMN_OK;
}

void mmn_interrupt_tell(mmn_interrupt *interrupt, uint32_t layer, uint32_t layers)
{
    if (!interrupt)
        return;
    interrupt->layer = layer;
    interrupt->layers = layers;
}

double mmn_interrupt_share(const mmn_interrupt *interrupt)
{
    return interrupt->layers > 0 ? (double)interrupt->layer / (double)interrupt->layers : 0;
}

double mmn_clock(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* ---- Progress -------------------------------------------------------------------------------- */

enum { SMALLEST_BAR = 8, LARGEST_BAR = 40, DURATION_SIZE = 32, PIECE_SIZE = 128 };

/* "0:28", "2:05:10"; 1000 hours and more are ">1000 h". */
static void format_duration(char text[DURATION_SIZE], double seconds)
{
    if (!(seconds < 3600.0 * 1000)) {
        snprintf(text, DURATION_SIZE, ">1000 h");
        return;
    }
    unsigned whole = (unsigned)(seconds + 0.5);
    unsigned hours = whole / 3600, minutes = whole / 60 % 60;
    if (hours > 0)
        snprintf(text, DURATION_SIZE, "%u:%02u:%02u", hours, minutes, whole % 60);
    else
        snprintf(text, DURATION_SIZE, "%u:%02u", minutes, whole % 60);
}

/* "  12/s  0:28 left", or "" while nothing is known. */
static void format_rate(char text[PIECE_SIZE], const mmn_progress *progress, double done)
{
    text[0] = '\0';
    if (!(done > (double)progress->already) || !(progress->seconds > 0))
        return;
    double rate = (done - (double)progress->already) / progress->seconds;
    char left[DURATION_SIZE];
    format_duration(left, ((double)progress->total - done) / rate);
    const char *unit = "/s";
    if (rate < 0.1) {
        rate *= 60;
        unit = "/min";
    }
    int decimals = rate < 10 ? 2 : rate < 100 ? 1 : 0;
    rate = rate < 1e12 ? rate : 1e12;
    snprintf(text, PIECE_SIZE, "  %.*f%s  %s left", decimals, rate, unit, left);
}

void mmn_progress_line(char *line, size_t size, const mmn_progress *progress, int columns)
{
    static const mmn_progress none = {.label = "", .unit = ""};
    if (!line || size == 0)
        return;
    if (!progress || !progress->label || !progress->unit)
        progress = &none;
    uint64_t done = progress->done < progress->total ? progress->done : progress->total;
    const double total = (double)progress->total;
    double with_begun = (double)done + (progress->begun > 0 ? progress->begun : 0);
    with_begun = with_begun < total ? with_begun : total;
    double share = progress->total > 0 ? with_begun / total : 1;
    char counted[PIECE_SIZE], rate[PIECE_SIZE];
    snprintf(counted, sizeof(counted), "%3d%%  %llu/%llu %s", (int)(100 * share),
             (unsigned long long)done, (unsigned long long)progress->total, progress->unit);
    format_rate(rate, progress, with_begun);

    size_t texts = strlen(progress->label) + strlen(" [] ") + strlen(counted) + strlen(rate);
    size_t available = columns > 0 ? (size_t)columns : 0;
    char bar[LARGEST_BAR + 6] = "";
    if (available >= texts + SMALLEST_BAR) {
        size_t width = available - texts < LARGEST_BAR ? available - texts : LARGEST_BAR;
        size_t filled = (size_t)(share * (double)width);
        char *end = bar;
        *end++ = ' ';
        *end++ = '[';
        memset(end, '=', filled);
        if (filled < width) {
            end[filled] = '>';
            memset(end + filled + 1, ' ', width - filled - 1);
        }
        end += width;
        memcpy(end, "]", sizeof("]"));
    }
    snprintf(line, size < available + 1 ? size : available + 1, "%s%s %s%s", progress->label, bar,
             counted, rate);
}
