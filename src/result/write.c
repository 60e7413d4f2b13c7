/* Results as texts and files. */
#include <string.h>

#include "base/file.h"
#include "base/given.h"
#include "base/memory.h"
#include "result/template.h"

static mmn_status fill_in(char **made, const mmn_result *result, const char *template, bool quotes,
                          mmn_error *error)
{
    mmn_text text = {0};
    mmn_template_add(&text, result, template, quotes);
    return mmn_text_finish(&text, made, error);
}

mmn_status mmn_result_json(const mmn_result *result, char **text, mmn_error *error)
{
    if (text)
        *text = NULL;
    if (MMN_MISSING(error, result, text))
        return MMN_USAGE;
    return fill_in(text, result, result->form->json, true, error);
}

mmn_status mmn_result_table(const mmn_result *result, char **text, mmn_error *error)
{
    if (text)
        *text = NULL;
    if (MMN_MISSING(error, result, text))
        return MMN_USAGE;
    if (result->was_read)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "a result that was read has no table");
    return fill_in(text, result, result->form->people, false, error);
}

/* Writes all of a text, but for the name that it takes at the end. */
static mmn_status prepare(mmn_writer **writer, const char *file, const char *text, mmn_error *error)
{
    mmn_status status = mmn_writer_open(writer, file, error);
    return status == MMN_OK ? mmn_writer_write(*writer, text, strlen(text), error) : status;
}

static mmn_status finish(mmn_writer **writer, mmn_error *error)
{
    mmn_writer *finished = *writer;
    *writer = NULL;
    return mmn_writer_commit(finished, error);
}

mmn_status mmn_result_write(const mmn_result *result, const char *file, mmn_error *error)
{
    if (MMN_MISSING(error, result, file))
        return MMN_USAGE;
    char *json = NULL, *beside = NULL, *beside_file = NULL;
    mmn_status status = MMN_OK;
    if (result->form->beside && !result->was_read)
        status = result->form->beside_file(&beside_file, file, error);
    if (status == MMN_OK)
        status = mmn_result_json(result, &json, error);
    if (status == MMN_OK && beside_file)
        status = fill_in(&beside, result, result->form->beside, false, error);
    /* Both are written before either takes its name, so that a full disk leaves the old ones. The file
     * itself comes last: where it is, what is beside it belongs to it. */
    mmn_writer *second = NULL, *first = NULL;
    if (status == MMN_OK && beside)
        status = prepare(&second, beside_file, beside, error);
    if (status == MMN_OK)
        status = prepare(&first, file, json, error);
    if (status == MMN_OK && second)
        status = finish(&second, error);
    if (status == MMN_OK)
        status = finish(&first, error);
    mmn_writer_abandon(second);
    mmn_writer_abandon(first);
    mmn_free(json);
    mmn_free(beside);
    mmn_free(beside_file);
    return status;
}
