/* Which of the files in data/files this build can read. */
#ifndef MMN_TESTS_IMAGE_READABLE_H
#define MMN_TESTS_IMAGE_READABLE_H

#include <stdbool.h>
#include <string.h>

/* Whether this build has the library that a file of this name needs. */
static inline bool can_read(const char *name)
{
    static const char *const lacking[] = {
#ifndef HAVE_LIBPNG
        ".png",
#endif
#ifndef HAVE_LIBWEBP
        ".webp",
#endif
#ifndef HAVE_LIBTIFF
        ".tif",
#endif
#ifndef HAVE_GIFLIB
        ".gif",
#endif
        NULL,
    };
    for (size_t i = 0; lacking[i]; i++)
        if (strstr(name, lacking[i]))
            return false;
    return true;
}

#endif
