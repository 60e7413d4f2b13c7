/* The geometry of LLaVA-NeXT's "any resolution" images. */
#include "image/anyres.h"

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

mmn_resolution mmn_anyres_select(const mmn_resolution *pinpoints, size_t count,
                                 mmn_resolution image)
{
    mmn_resolution best = pinpoints[0];
    int64_t best_effective = 0, best_wasted = INT64_MAX;
    int64_t image_area = (int64_t)image.width * (int64_t)image.height;
    for (size_t i = 0; i < count; i++) {
        double width = pinpoints[i].width, height = pinpoints[i].height;
        double scale = smaller(width / image.width, height / image.height);
        int64_t scaled_width = (int64_t)(image.width * scale);
        int64_t scaled_height = (int64_t)(image.height * scale);
        int64_t effective = scaled_width * scaled_height;
        if (effective > image_area)
            effective = image_area;
        int64_t wasted = (int64_t)pinpoints[i].width * (int64_t)pinpoints[i].height - effective;
        if (effective > best_effective || (effective == best_effective && wasted < best_wasted)) {
            best_effective = effective;
            best_wasted = wasted;
            best = pinpoints[i];
        }
    }
    return best;
}

/* The smallest integer >= x >= 0, but at most `limit`. */
static uint32_t round_up(double x, uint32_t limit)
{
    if (x >= limit)
        return limit;
    uint32_t whole = (uint32_t)x;
    return whole < x ? whole + 1 : whole;
}

mmn_resolution mmn_anyres_resized(mmn_resolution target, mmn_resolution image)
{
    double scale_width = (double)target.width / image.width;
    double scale_height = (double)target.height / image.height;
    mmn_resolution resized = target;
    if (scale_width < scale_height)
        resized.height = round_up(image.height * scale_width, target.height);
    else
        resized.width = round_up(image.width * scale_height, target.width);
    return resized;
}

/* Python's int(round(x, 7)) for 0 <= x < 2^26. round gives the decimal nearest to x's exact value,
 * so this is the next integer exactly when x lies less than 0.5e-7 below it. The difference is
 * exact in binary64 (it is 1 at most, and a multiple of x's last place), and no such multiple lies
 * between the decimal 0.5e-7 and the binary64 number next to it: the comparison is exact too. */
static size_t truncate_rounded(double x)
{
    size_t whole = (size_t)x;
    return (double)(whole + 1) - x < 0.5e-7 ? whole + 1 : whole;
}

mmn_anyres_features mmn_anyres_features_of(const mmn_image_settings *settings, mmn_resolution image,
                                           uint32_t tile, uint32_t patch)
{
    mmn_resolution best =
        mmn_anyres_select(settings->grid_pinpoints, settings->grid_pinpoint_count, image);
    mmn_anyres_features features = {
        .grid_height = best.height / tile,
        .grid_width = best.width / tile,
        .base_height = tile / patch,
        .base_width = tile / patch,
    };
    features.tiles = features.grid_height * features.grid_width + 1;
    features.rows = features.grid_height * features.base_height;
    features.columns = features.grid_width * features.base_width;

    double rows = (double)features.rows, columns = (double)features.columns;
    if ((double)image.width / image.height > columns / rows) {
        size_t kept = truncate_rounded(image.height * (columns / image.width));
        features.first_row = (features.rows - kept) / 2;
        features.rows -= 2 * features.first_row;
    } else {
        size_t kept = truncate_rounded(image.width * (rows / image.height));
        features.first_column = (features.columns - kept) / 2;
        features.columns -= 2 * features.first_column;
    }
    features.total =
        features.base_height * features.base_width + features.rows * (features.columns + 1);
    return features;
}
