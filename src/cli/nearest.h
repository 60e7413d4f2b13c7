/* nearest.h: the name that a mistyped one was probably meant to be. */
#ifndef MMN_CLI_NEAREST_H
#define MMN_CLI_NEAREST_H

#include <stddef.h>

/* The name among `count` that is nearest to `text`, or NULL if none is near. `names` points to the
 * first name's pointer and the next is `stride` bytes further, so that a member of any table's
 * entries can be searched. */
const char *mmn_cli_nearest(const char *text, const void *names, size_t stride, size_t count);

#endif
