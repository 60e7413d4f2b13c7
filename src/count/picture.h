/* The pictures of a sample as files: their bytes, checked by decoding, and their sizes. */
#ifndef MMN_NEURONS_PICTURE_H
#define MMN_NEURONS_PICTURE_H

#include <stdint.h>

#include "base/file.h"

typedef struct mmn_picture {
    mmn_mapping bytes;    /* the file */
    const char *type;     /* "image/jpeg" or "image/png" */
    size_t width, height; /* upright */
} mmn_picture;

/* Opens an image file of at most `limit` bytes. MMN_INPUT when it is larger or no such
 * picture, MMN_SYSTEM when it cannot be read; then nothing needs to be closed. */
mmn_status mmn_picture_open(mmn_picture *picture, const char *path, size_t limit,
                            mmn_error *error);
void mmn_picture_close(mmn_picture *picture);

#endif
