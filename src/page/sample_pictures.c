/* A sample's pictures in a graphic, side by side as the model saw them. */
#include "page/sample_pictures.h"

#include "base/file.h"
#include "base/memory.h"
#include "count/picture.h"
#include "page/base64.h"
#include "page/figure.h"

/* The most pictures of a sample, and bytes of one, that go into a page. */
enum { PICTURES = 16, PICTURE_BYTES = 4 << 20 };

/* The path of the picture `name` if it is a file inside `folder`, where links lead too; else NULL. A result
 * may come from a stranger, and the page be shown to others: no result names a file elsewhere. */
static char *find_inside(const char *folder, const char *name)
{
    const char *const places[2] = {folder, ""}; /* beside the list, or as the command line had it */
    for (size_t i = 0; i < 2; i++) {
        char *path = NULL;
        if (mmn_path_join(&path, places[i], name, NULL) == MMN_OK && mmn_path_is_inside(path, folder))
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

/* In the folder that the caller gives; else beside the list, or beside the results. */
static char *find_picture(const mmn_results *results, const char *name)
{
    const mmn_result_file *lens = &results->of[MMN_RESULT_LENS];
    if (results->images)
        return find_inside(results->images, name);
    char *path = find_beside(mmn_result_text(lens->result, "result", 0, "list"), name);
    if (!path)
        path = find_beside(lens->file, name);
    return path ? path : find_beside(results->of[MMN_RESULT_CONTRIBUTIONS].file, name);
}

static mmn_status open_picture(mmn_picture *picture, const mmn_results *results, const char *name,
                               mmn_error *error)
{
    char *path = find_picture(results, name);
    if (!path)
        return mmn_fail(error, MMN_INPUT, name, NULL,
                        results->images ? "was not found in the folder of pictures"
                                        : "was not found in the folder of the list or of the result; a "
                                          "folder of pictures can be given");
    mmn_status status = mmn_picture_open(picture, path, PICTURE_BYTES, error);
    mmn_free(path);
    return status;
}

static void draw(mmn_svg *svg, const mmn_picture *picture, double x, double top, double scale)
{
    mmn_text_add(&svg->body, "<image x=\"");
    mmn_svg_coordinate(&svg->body, x);
    mmn_text_add(&svg->body, "\" y=\"");
    mmn_svg_coordinate(&svg->body, top);
    mmn_text_add(&svg->body, "\" width=\"");
    mmn_svg_coordinate(&svg->body, (double)picture->width * scale);
    mmn_text_add(&svg->body, "\" height=\"");
    mmn_svg_coordinate(&svg->body, (double)picture->height * scale);
    mmn_text_add(&svg->body, "\" preserveAspectRatio=\"none\" href=\"data:%s;base64,",
                 picture->type);
    mmn_base64_add(&svg->body, picture->bytes.data, picture->bytes.size);
    mmn_text_add(&svg->body, "\"/>\n");
}

mmn_status mmn_sample_pictures(bool *drawn, double *height, mmn_svg *svg, double top,
                               const mmn_results *results, const mmn_result_file *file,
                               mmn_rows images, mmn_text *words, mmn_error *error)
{
    mmn_picture pictures[PICTURES];
    const size_t count = images.end - images.first;
    size_t opened = 0, width = 0, highest = 0;
    mmn_error reason;
    *drawn = false;
    if (count > PICTURES)
        return mmn_fail(error, MMN_INPUT, file->file, "images",
                        "has %zu items; a report shows at most %d", count, PICTURES);
    for (; opened < count; opened++) {
        const char *name = mmn_result_text(file->result, "images", images.first + opened, "file");
        mmn_picture *picture = &pictures[opened];
        if (open_picture(picture, results, name, &reason) != MMN_OK) {
            mmn_text_add(words, " Its picture is not shown: %s %s.", name, reason.message);
            break;
        }
        width += picture->width;
        highest = picture->height > highest ? picture->height : highest;
    }
    if (opened == count && count > 0) {
        const double scale = MMN_PANEL_WIDTH / (double)width;
        double x = 0;
        for (size_t i = 0; i < opened; i++) {
            draw(svg, &pictures[i], x, top, scale);
            x += (double)pictures[i].width * scale;
        }
        *height = (double)highest * scale;
        *drawn = true;
    }
    while (opened > 0)
        mmn_picture_close(&pictures[--opened]);
    return MMN_OK;
}
