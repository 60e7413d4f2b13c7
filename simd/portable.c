/* The vector kernels for any processor. They prove the template where no other vocabulary can run,
 * and are not meant to be fast. */
#include "vector_portable.h"

#define KERNEL(name) mmn_##name##_portable

#include "kernels_template.h"
#include "tables.h"

const mmn_kernels *mmn_kernels_portable(void)
{
    static const mmn_kernels table = TABLE("portable");
    return &table;
}
