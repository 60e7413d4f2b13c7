/* A sample's pictures in a graphic, side by side as the model saw them. */
#ifndef MMN_REPORT_SAMPLE_PICTURES_H
#define MMN_REPORT_SAMPLE_PICTURES_H

#include "page/results.h"
#include "page/rows.h"
#include "page/svg.h"

/* Embeds the image files that rows of the table "images" name, as wide as a panel, with the upper left
 * corner at (0, top), and stores how high they are there. They are looked for in the folder that the
 * caller of the report gave, else in that of the lens' list, in that of the lens' result or of the
 * contributions, and where the path itself leads. *drawn is false, and nothing is drawn, where there
 * are no such rows or one cannot be embedded; `words` tells then why. */
mmn_status mmn_sample_pictures(bool *drawn, double *height, mmn_svg *svg, double top,
                               const mmn_results *results, const mmn_result_file *file,
                               mmn_rows images, mmn_text *words, mmn_error *error);

#endif
