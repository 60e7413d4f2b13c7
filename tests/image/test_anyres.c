/* The geometry of LLaVA-NeXT's images: every size as transformers computes it. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "image/anyres.h"

#define DATA MMN_SOURCE_DIR "/tests/image/data/"

static mmn_error error;

Test(anyres, is_that_of_transformers)
{
    char line[512], name[64], folder[512];
    unsigned side, patch;
    mmn_resolution image, pinpoint, scaled;
    size_t first_row, rows, first_column, columns, total, count = 0;
    FILE *table = fopen(DATA "anyres.tsv", "r");
    cr_assert_not_null(table);
    while (fgets(line, sizeof(line), table)) {
        if (sscanf(line, "%63s %u %u %u %u %u %u %u %u %zu %zu %zu %zu %zu", name, &side, &patch,
                   &image.height, &image.width, &pinpoint.height, &pinpoint.width, &scaled.height,
                   &scaled.width, &first_row, &rows, &first_column, &columns, &total) != 14)
            continue;
        mmn_image_settings settings;
        mmn_image_model model = {.processor = MMN_PROCESSOR_LLAVA_NEXT, .image_size = side};
        snprintf(folder, sizeof(folder), DATA "settings/%s", name);
        cr_assert_eq(mmn_image_settings_read(&settings, folder, &model, &error), MMN_OK);
        mmn_resolution best =
            mmn_anyres_select(settings.grid_pinpoints, settings.grid_pinpoint_count, image);
        mmn_resolution resized = mmn_anyres_resized(best, image);
        mmn_anyres_features features = mmn_anyres_features_of(&settings, image, side, patch);
        cr_assert(best.height == pinpoint.height && best.width == pinpoint.width, "%s", line);
        cr_assert(resized.height == scaled.height && resized.width == scaled.width, "%s", line);
        cr_assert(features.first_row == first_row && features.rows == rows, "%s", line);
        cr_assert(features.first_column == first_column && features.columns == columns, "%s", line);
        cr_assert(features.total == total, "%s", line);
        cr_assert(features.tiles == 1 + (best.height / side) * (best.width / side));
        count++;
    }
    fclose(table);
    cr_assert_eq(count, 900);
}

/* A 100 x 50 image in a 1 x 2 grid: all rows, all columns; known by hand. */
Test(anyres, keeps_everything_when_nothing_is_padded)
{
    mmn_image_settings settings = {.grid_pinpoint_count = 1, .grid_pinpoints = {{336, 672}}};
    mmn_anyres_features features =
        mmn_anyres_features_of(&settings, (mmn_resolution){50, 100}, 336, 14);
    cr_expect_eq(features.grid_height, 1);
    cr_expect_eq(features.grid_width, 2);
    cr_expect_eq(features.tiles, 3);
    cr_expect_eq(features.rows, 24);
    cr_expect_eq(features.columns, 48);
    cr_expect_eq(features.total, 576 + 24 * 49);
}
