/* A neuron's activation at the patches of a picture, drawn over it. */
#ifndef MMN_REPORT_ACTIVATION_MAP_H
#define MMN_REPORT_ACTIVATION_MAP_H

#include "page/figure.h"
#include "page/rows.h"

typedef struct mmn_activation_map {
    const char *module;
    double layer, neuron;
    double grid_rows, grid_columns;
    const char *table; /* whose rows' "value" are the activations, row by row of the grid */
    mmn_rows values;
    double bar; /* patches above it are framed; NaN: none are */
} mmn_activation_map;

/* A panel: the pictures, rows of the table "images", where they are found, under the patches, and
 * the scale. The title is the neuron's name; `words` tell why pictures are not shown. The figure fails
 * with MMN_INPUT unless there are values for each patch of a grid that is not too large. */
void mmn_activation_map_draw(mmn_figure *figure, const mmn_results *results,
                             const mmn_result_file *file, const mmn_activation_map *map,
                             mmn_rows images, mmn_text *words);

#endif
