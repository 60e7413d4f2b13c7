/* Allowances: what a run was let do that would be an error else, as its results record it. */
#include "mask/allowances.h"

#include <stdio.h>
#include <string.h>

mmn_status mmn_allowances_check(mmn_allowances *allowances, const char *found, const char *model,
                                const char *file, mmn_error *error)
{
    if (strcmp(found, model) == 0)
        return MMN_OK;
    if (found[0] != '\0' && !allowances->other_model)
        return mmn_fail(error, MMN_INPUT, file, NULL,
                        "is of another model, whose digest is %.32s and not %s "
                        "(--other-model uses it all the same)",
                        found, model);
    /* Of two files that are foreign, the one that says what model it is of tells more. */
    if (!allowances->foreign || found[0] != '\0')
        snprintf(allowances->neurons_model, sizeof(allowances->neurons_model), "%.32s", found);
    allowances->foreign = true;
    return MMN_OK;
}
