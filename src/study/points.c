/* Points: settings whose neurons are ranked at a rate and a bar of their own, from counts. */
#include "study/points.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/memory.h"

/* A number above 0 and at most 1, written with digits and one point, that ends where `end` does.
 * Made of the digits, so that no locale changes it. */
static bool read_share(double *share, const char *text, const char *end)
{
    double number = 0, scale = 1;
    bool behind = false, any = false;
    if (end - text > 16)
        return false;
    for (; text < end; text++) {
        if (*text == '.' && !behind) {
            behind = true;
            continue;
        }
        if (*text < '0' || *text > '9')
            return false;
        any = true;
        number = 10 * number + (*text - '0');
        scale *= behind ? 10 : 1;
    }
    *share = number / scale;
    return any && *share > 0 && *share <= 1;
}

mmn_status mmn_point_read(double *rate, double *bar, size_t *length, const char *setting,
                          mmn_error *error)
{
    const char *at = strchr(setting, '@');
    *rate = *bar = 0;
    *length = at ? (size_t)(at - setting) : strlen(setting);
    if (!at)
        return MMN_OK;
    const char *slash = strchr(at, '/'), *end = at + strlen(at);
    if (*length > 0 && read_share(rate, at + 1, slash ? slash : end) &&
        (!slash || read_share(bar, slash + 1, end)))
        return MMN_OK;
    return mmn_fail(
        error, MMN_USAGE, NULL, NULL,
        "the setting \"%.100s\" is not MODULES@RATE or MODULES@RATE/BAR, with a rate and "
        "a bar above 0 and at most 1",
        setting);
}

static mmn_status make_point(struct mmn_point *point, const char *setting, const mmn_counts *counts,
                             mmn_error *error)
{
    mmn_rank_options options = {.size = sizeof(options)};
    size_t length;
    MMN_TRY(mmn_point_read(&options.rate, &options.bar, &length, setting, error));
    MMN_NEED(point->modules = mmn_copy_bytes(setting, length, error));
    return mmn_neurons_rank(&point->neurons, counts, &options, error);
}

mmn_status mmn_points_make(mmn_points *points, const mmn_settings *settings,
                           const mmn_counts *counts, mmn_error *error)
{
    mmn_digest *digest = NULL;
    for (; points->count < settings->count; points->count++) {
        const mmn_status status =
            make_point(&points->of[points->count], settings->names[points->count], counts, error);
        if (status != MMN_OK) {
            points->count++; /* what is there of it is freed with the others */
            return status;
        }
    }
    MMN_TRY(mmn_digest_begin(&digest, error));
    for (size_t i = 0; i < points->count; i++)
        mmn_digest_add_text(digest, points->of[i].neurons->digest);
    mmn_digest_finish(digest, points->digest);
    mmn_digest_free(digest);
    return MMN_OK;
}

void mmn_points_free(mmn_points *points)
{
    for (size_t i = 0; i < points->count; i++) {
        mmn_free(points->of[i].modules);
        mmn_neurons_free(points->of[i].neurons);
    }
    *points = (mmn_points){.count = 0};
}
