/* A sample's pictures, as the model saw them, and numbers of their patches drawn over them: a
 * neuron's activation, or where a word is seen. */
#ifndef MMN_PAGE_MAP_H
#define MMN_PAGE_MAP_H

#include "page/figure.h"

/* Where pictures lie in a panel, below its title. */
enum { MMN_MAP_TOP = 30 };

typedef struct mmn_map {
    const char *word;   /* whose weight it shows; NULL: a neuron's activation */
    const char *module; /* of the neuron */
    double layer, neuron;
    double grid_rows, grid_columns;
    const char *table; /* whose rows' "value" are the numbers, row by row of the grid */
    mmn_rows values;
    double maximum; /* the scale's end, the same in all maps of a neuron */
    double bar;     /* patches above it are framed; NaN: none are */
} mmn_map;

/* The columns that say of which neuron a row is; module NULL: there is but one. */
typedef struct mmn_map_owner {
    const char *module, *layer, *neuron;
} mmn_map_owner;

/* The end of the scale of a neuron's maps, which is the same in all of them: the largest value in
 * the rows of `map` below those rows of `table` that are of the same neuron as `row`. */
double mmn_map_scale(const mmn_result *result, const char *table, size_t row, const char *map,
                     const mmn_map_owner *owner);

/* A panel of the image files that rows of the table "images" name, side by side. They are looked
 * for in the folder that the caller of the report gave, else beside the lists of eval, lens
 * and hallucinations, beside these results and those of contrib, detect and locate, and where the
 * path itself leads. There is none where there are no such rows or one cannot be embedded; the
 * figure's words tell then why. */
mmn_status mmn_map_draw_pictures(mmn_figure *figure, const mmn_results *results,
                                 const mmn_result_file *file, mmn_rows images);

/* Draws the picture `name`, which is looked for in the same places and must have this size in
 * pixels, as wide as a panel; where that cannot be, `words` tell why. */
void mmn_map_add_picture(mmn_svg *svg, const mmn_results *results, const char *name, double width,
                         double height, mmn_text *words);

/* A panel: these pictures, where they are found, under the patches, and the scale. The title is the
 * word or the neuron's name; `words` tell why pictures are not shown. MMN_INPUT unless there are
 * values for each patch of a grid that is not too large. */
mmn_status mmn_map_draw(mmn_figure *figure, const mmn_results *results, const mmn_result_file *file,
                        const mmn_map *map, mmn_rows images, mmn_text *words);

/* The same over what has been drawn in `svg` from MMN_MAP_TOP on, so high, which empties `svg` also
 * after a failure. */
mmn_status mmn_map_draw_over(mmn_figure *figure, mmn_svg *svg, double height,
                             const mmn_result_file *file, const mmn_map *map);

/* The shades of a map: one of a share from 0 to 1, and the scale of them all, up to `maximum`,
 * which so much room is for. */
enum { MMN_MAP_SCALE = 28 };
double mmn_map_shade(double share);
void mmn_map_draw_scale(mmn_svg *svg, double top, double maximum, const char *unit);

#endif
