/* Reading results back: the template of a form's JSON says which values go to which columns. */
#ifndef MMN_RESULT_READ_H
#define MMN_RESULT_READ_H

#include "base/reader.h"
#include "result/result.h"

/* Makes a result of a document that has been read. Keys that it lacks are nothing; a value of another type
 * than its column's is MMN_INPUT, which names file and key. What JSON has not (tables that only people
 * are shown) is not there. */
mmn_status mmn_result_from_json(mmn_result **result, const mmn_form *form, json_t *document,
                                const char *file, mmn_error *error);

#endif
