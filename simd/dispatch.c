/* The choice of a kernel table by name or by what the processor can do. */
#include <string.h>

#include "kernels.h"

const mmn_kernels *mmn_kernels_select(const char *name)
{
    const mmn_kernels *table = mmn_kernels_reference();

    if (!name || strcmp(name, "auto") == 0 || strcmp(name, table->name) == 0)
        return table;
    return NULL;
}

const char *const *mmn_kernels_names(void)
{
    static const char *const names[] = {"reference", NULL};
    return names;
}
