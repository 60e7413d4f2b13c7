/* A neuron's activation at the patches of a picture, drawn over it. */
#ifndef MMN_REPORT_ACTIVATION_MAP_H
#define MMN_REPORT_ACTIVATION_MAP_H

#include "report/figure.h"

typedef struct mmn_activation_map {
    mmn_json_object object; /* value NULL: there is none */
    const char *module;
    uint32_t layer, neuron;
    int64_t grid[2]; /* rows, columns */
    double *values;  /* row by row; freed with mmn_free, after a failure too */
    double maximum;  /* at least 0 */
    double bar;      /* patches above it are framed; NaN: none are */
} mmn_activation_map;

/* Reads the object under `key` of a result, if it is there. */
mmn_status mmn_activation_map_read(mmn_activation_map *map, const mmn_json_object *parent,
                                   const char *key, mmn_error *error);

/* A panel: the pictures of `sample`, where they are found, under the patches, and the scale. The
 * title is the neuron's name. */
mmn_status mmn_activation_map_draw(mmn_figure *figure, const mmn_results *results,
                                   const mmn_json_object *sample, const mmn_activation_map *map,
                                   mmn_text *words, mmn_error *error);

#endif
