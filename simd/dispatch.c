/* The choice of a kernel table by name and by what the processor can run. */
#include <string.h>

#include "kernels.h"

static const char *const names[] = {"reference", NULL};

const char *const *mmn_kernels_names(void)
{
    return names;
}

const mmn_kernels *mmn_kernels_select(const char *name)
{
    if (!name || strcmp(name, "auto") == 0 || strcmp(name, "reference") == 0)
        return mmn_kernels_reference();
    return NULL;
}
