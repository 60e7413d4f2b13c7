/* A sample's pictures, as the model saw them, and numbers of their patches drawn over them: a
 * neuron's activation, or where a word is seen. */
#include "page/map.h"

#include <math.h>
#include <stdio.h>

#include "base/file.h"
#include "base/memory.h"
#include "format/image_file.h"

/* ---- Pictures -------------------------------------------------------------------------------- */

/* The most pictures of a sample, and bytes of one, that go into a page. */
enum { PICTURES = 16, PICTURE_BYTES = 4 << 20 };

/* A file and its size as a picture, upright, which tells that it is one. */
typedef struct picture {
    mmn_mapping bytes;
    size_t width, height;
} picture;

/* The path of the picture `name` if it is a file inside `folder`, where links lead too; else NULL.
 * A result may come from a stranger, and the page be shown to others: no result names a file
 * elsewhere. */
static char *find_inside(const char *folder, const char *name)
{
    const char *const places[2] = {folder, ""}; /* beside the list, or as the command line had it */
    for (size_t i = 0; i < 2; i++) {
        char *path = NULL;
        if (mmn_path_join(&path, places[i], name, NULL) == MMN_OK &&
            mmn_path_is_inside(path, folder))
            return path;
        mmn_free(path);
    }
    return NULL;
}

static char *find_beside(const char *file, const char *name)
{
    char *folder, *path;
    if (!file || mmn_path_folder(&folder, file, NULL) != MMN_OK)
        return NULL;
    path = find_inside(folder, name);
    mmn_free(folder);
    return path;
}

/* In the folder that the caller gives; else beside the lists, or beside the results. */
static char *find_picture(const mmn_results *results, const char *name)
{
    static const mmn_result_kind kinds[] = {MMN_RESULT_LENS,          MMN_RESULT_EVAL,
                                            MMN_RESULT_CONTRIBUTIONS, MMN_RESULT_DETECT,
                                            MMN_RESULT_LOCATE,        MMN_RESULT_HALLUCINATIONS};
    char *path = NULL;
    if (results->images)
        return find_inside(results->images, name);
    for (size_t i = 0; i < MMN_LENGTH(kinds) && !path; i++) {
        const mmn_result_file *file = &results->of[kinds[i]];
        path = find_beside(mmn_result_text(file->result, "result", 0, "list"), name);
        if (!path)
            path = find_beside(file->file, name);
    }
    return path;
}

static mmn_status check_picture(picture *opened, const char *path, mmn_error *error)
{
    mmn_image image = {0};
    if (opened->bytes.size > PICTURE_BYTES)
        return mmn_fail(error, MMN_INPUT, path, NULL, "has %zu bytes, more than %d",
                        opened->bytes.size, PICTURE_BYTES);
    MMN_TRY(mmn_error_in_file(error,
                              mmn_image_decode(&image, opened->bytes.data, opened->bytes.size,
                                               MMN_RESIZE_HORIZONTAL_FIRST, error),
                              path));
    opened->width = image.width;
    opened->height = image.height;
    mmn_image_free(&image);
    return MMN_OK;
}

/* On failure nothing needs to be closed. */
static mmn_status open_picture(picture *opened, const mmn_results *results, const char *name,
                               mmn_error *error)
{
    char *path = find_picture(results, name);
    if (!path)
        return mmn_fail(error, MMN_INPUT, name, NULL,
                        results->images ? "was not found in the folder of pictures"
                                        : "was not found in the folder of the list or of the "
                                          "result; a folder of pictures can be given");
    mmn_status status = mmn_map_file(&opened->bytes, path, error);
    if (status == MMN_OK && (status = check_picture(opened, path, error)) != MMN_OK)
        mmn_unmap(&opened->bytes);
    mmn_free(path);
    return status;
}

/* Side by side, as wide as a panel; how high they are. */
static double draw_pictures(mmn_svg *svg, const picture *pictures, size_t count)
{
    size_t width = 0, highest = 0;
    double x = 0;
    for (size_t i = 0; i < count; i++) {
        width += pictures[i].width;
        highest = pictures[i].height > highest ? pictures[i].height : highest;
    }
    const double scale = MMN_PANEL_WIDTH / (double)width;
    for (size_t i = 0; i < count; i++) {
        const mmn_mapping *bytes = &pictures[i].bytes;
        mmn_svg_image(svg, x, MMN_MAP_TOP, (double)pictures[i].width * scale,
                      (double)pictures[i].height * scale, mmn_image_type(bytes->data, bytes->size),
                      bytes->data, bytes->size);
        x += (double)pictures[i].width * scale;
    }
    return (double)highest * scale;
}

static void tell_missing(mmn_text *words, const char *name, const mmn_error *reason)
{
    mmn_text_add(words, " Its picture is not shown: %s %s.", name, reason->message);
}

/* Draws the pictures and stores how high they are; where that cannot be, `height` stays. */
static mmn_status add_pictures(double *height, mmn_svg *svg, const mmn_results *results,
                               const mmn_result_file *file, mmn_rows images, mmn_text *words,
                               mmn_error *error)
{
    picture pictures[PICTURES];
    const size_t count = images.end - images.first;
    size_t opened = 0;
    mmn_error reason;
    if (count > PICTURES)
        return mmn_fail(error, MMN_INPUT, file->file, "images",
                        "has %zu items; a report shows at most %d", count, PICTURES);
    for (; opened < count; opened++) {
        const char *name = mmn_result_text(file->result, "images", images.first + opened, "file");
        if (open_picture(&pictures[opened], results, name, &reason) != MMN_OK) {
            tell_missing(words, name, &reason);
            break;
        }
    }
    if (opened == count && count > 0)
        *height = draw_pictures(svg, pictures, count);
    while (opened > 0)
        mmn_unmap(&pictures[--opened].bytes);
    return MMN_OK;
}

mmn_status mmn_map_draw_pictures(mmn_figure *figure, const mmn_results *results,
                                 const mmn_result_file *file, mmn_rows images)
{
    mmn_svg svg = {.width = MMN_PANEL_WIDTH};
    double height = -1;
    MMN_TRY(add_pictures(&height, &svg, results, file, images, &figure->words, figure->error));
    svg.height = MMN_MAP_TOP + height;
    return height < 0 ? MMN_OK : mmn_figure_panel(figure, &svg, "picture");
}

void mmn_map_add_picture(mmn_svg *svg, const mmn_results *results, const char *name, double width,
                         double height, mmn_text *words)
{
    picture opened;
    mmn_error reason;
    mmn_status status = open_picture(&opened, results, name, &reason);
    if (status != MMN_OK) {
        tell_missing(words, name, &reason);
        return;
    }
    if ((double)opened.width == width && (double)opened.height == height)
        draw_pictures(svg, &opened, 1);
    else
        mmn_text_add(words,
                     " Its picture is not shown: %s has %zu by %zu pixels, not %.0f by %.0f.", name,
                     opened.width, opened.height, width, height);
    mmn_unmap(&opened.bytes);
}

/* ---- Maps ------------------------------------------------------------------------------------ */

enum { PATCHES = 1 << 16 };

static mmn_status check_grid(const mmn_result_file *file, const mmn_map *map, mmn_error *error)
{
    const double patches = map->grid_rows * map->grid_columns;
    const size_t values = map->values.end - map->values.first;
    if (!(patches <= PATCHES))
        return mmn_fail(error, MMN_INPUT, file->file, map->table,
                        "must be a grid of at most %d patches", PATCHES);
    if (patches != (double)values || values == 0)
        return mmn_fail(error, MMN_INPUT, file->file, map->table,
                        "must have %.0f numbers and has %zu", patches, values);
    return MMN_OK;
}

/* Whether two rows are of the same neuron. */
static bool have_one_owner(const mmn_result *result, const char *table, size_t a, size_t b,
                           const mmn_map_owner *owner)
{
    const char *const columns[] = {owner->layer, owner->neuron};
    bool same = !owner->module || mmn_row_is(result, table, b, owner->module,
                                             mmn_result_text(result, table, a, owner->module));
    for (size_t i = 0; i < 2; i++)
        same = same && mmn_result_number(result, table, a, columns[i]) ==
                           mmn_result_number(result, table, b, columns[i]);
    return same;
}

double mmn_map_scale(const mmn_result *result, const char *table, size_t row, const char *map,
                     const mmn_map_owner *owner)
{
    double maximum = 0;
    for (size_t other = 0; other < mmn_result_rows(result, table); other++) {
        if (!have_one_owner(result, table, row, other, owner))
            continue;
        const mmn_rows values = mmn_rows_below(result, map, table, other);
        for (size_t i = values.first; i < values.end; i++)
            maximum = mmn_chart_maximum(maximum, mmn_result_number(result, map, i, "value"));
    }
    return maximum;
}

double mmn_map_shade(double share)
{
    return 0.8 * share;
}

/* The scale's end has the full shade. */
static void draw_patches(mmn_svg *svg, const mmn_result *result, const mmn_map *map, double height)
{
    const size_t columns = (size_t)map->grid_columns;
    const double width = MMN_PANEL_WIDTH / map->grid_columns, high = height / map->grid_rows;
    for (size_t row = map->values.first; row < map->values.end; row++) {
        const size_t patch = row - map->values.first;
        const double value = mmn_result_number(result, map->table, row, "value");
        const double x = (double)(patch % columns) * width;
        const double y = MMN_MAP_TOP + (double)(patch / columns) * high;
        if (value > 0)
            mmn_svg_heat(svg, "patch", x, y, width, high, mmn_map_shade(value / map->maximum));
        if (value > map->bar)
            mmn_svg_rectangle(svg, "frame", x, y, width, high);
    }
}

void mmn_map_draw_scale(mmn_svg *svg, double top, double maximum, const char *unit)
{
    enum { STEPS = 12, STEP = 10 };
    for (int i = 0; i < STEPS; i++)
        mmn_svg_heat(svg, "patch", 34 + i * STEP, top, STEP, 10,
                     mmn_map_shade((i + 1) / (double)STEPS));
    mmn_svg_text(svg, "tick", 28, top + 9, MMN_ANCHOR_END, 0, "0");
    mmn_svg_number(svg, "tick", 40 + STEPS * STEP, top + 9, MMN_ANCHOR_START, maximum, 3, unit);
}

/* The panel of a grid that has been checked. */
static mmn_status finish(mmn_figure *figure, mmn_svg *svg, double height,
                         const mmn_result_file *file, const mmn_map *map)
{
    char name[120] = "";
    draw_patches(svg, file->result, map, height);
    mmn_map_draw_scale(svg, MMN_MAP_TOP + height + 10, map->maximum,
                       map->word ? " weight" : " activation");
    svg->height = MMN_MAP_TOP + height + MMN_MAP_SCALE;
    if (!map->word)
        snprintf(name, sizeof(name), "%.40s layer %.0f, neuron %.0f", map->module, map->layer,
                 map->neuron);
    return mmn_figure_panel(figure, svg, map->word ? map->word : name);
}

mmn_status mmn_map_draw_over(mmn_figure *figure, mmn_svg *svg, double height,
                             const mmn_result_file *file, const mmn_map *map)
{
    mmn_status status = check_grid(file, map, figure->error);
    if (status == MMN_OK)
        return finish(figure, svg, height, file, map);
    mmn_text_free(&svg->body);
    return status;
}

mmn_status mmn_map_draw(mmn_figure *figure, const mmn_results *results, const mmn_result_file *file,
                        const mmn_map *map, mmn_rows images, mmn_text *words)
{
    mmn_svg svg = {.width = MMN_PANEL_WIDTH};
    double height = MMN_PANEL_WIDTH * map->grid_rows / map->grid_columns;
    MMN_TRY(check_grid(file, map, figure->error));
    MMN_TRY(add_pictures(&height, &svg, results, file, images, words, figure->error));
    return finish(figure, &svg, fmin(height, 4 * MMN_PANEL_WIDTH), file, map);
}
