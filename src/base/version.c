/* The library's version, as configure.ac states it. */
#include "mmneuron.h"

const char *mmn_version(void)
{
    return PACKAGE_VERSION;
}
