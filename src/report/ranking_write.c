/* Rankings as files: neurons.json, and the ranking's table next to it. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/given.h"
#include "base/memory.h"
#include "base/text_buffer.h"
#include "neurons/ranking.h"

/* What every table begins with. */
#define TITLE "module\trank\tlayer\tneuron\tentropy"

/* The selected neurons in the order of the ranking, a line each; columns are separated by tabs. */
static mmn_status make_tsv(char **tsv, const mmn_ranking *ranking, mmn_error *error)
{
    mmn_text text = {0};
    mmn_text_add(&text, TITLE);
    for (size_t d = 0; d < ranking->domain_count; d++)
        mmn_text_add(&text, "\tp %s", ranking->domains[d]);
    mmn_text_add(&text, "\n");
    for (size_t m = 0; m < ranking->module_count; m++) {
        const mmn_module_ranking *module = &ranking->modules[m];
        const mmn_rank_result *result = &module->result;
        for (size_t rank = 0; rank < result->selected; rank++) {
            mmn_text_add(&text, "%s\t%zu\t%zu\t%zu\t", module->module.name, rank + 1,
                         result->ranked[rank] / module->module.neurons,
                         result->ranked[rank] % module->module.neurons);
            mmn_text_add_real(&text, result->entropy[rank]);
            for (size_t d = 0; d < result->domains; d++) {
                mmn_text_add(&text, "\t");
                mmn_text_add_real(&text, result->probability[rank * result->domains + d]);
            }
            mmn_text_add(&text, "\n");
        }
    }
    return mmn_text_finish(&text, tsv, error);
}

/* Whether the file is absent, or begins as this table does. */
static mmn_status check_table(const char *file, mmn_error *error)
{
    char start[sizeof(TITLE)] = "";
    FILE *stream = fopen(file, "rb");
    if (!stream)
        return MMN_OK;
    size_t size = fread(start, 1, strlen(TITLE), stream);
    fclose(stream);
    if (size == 0 || strcmp(start, TITLE) == 0)
        return MMN_OK;
    return mmn_fail(error, MMN_USAGE, file, NULL,
                    "is not a ranking's table, which would be written over it; give the neurons "
                    "another name");
}

mmn_status mmn_ranking_table_file(char **table, const char *file, mmn_error *error)
{
    if (table)
        *table = NULL;
    if (MMN_MISSING(error, table, file))
        return MMN_USAGE;
    const char *name = mmn_path_name(file);
    size_t length = strlen(name), end = strlen(".json");
    bool has_end = length >= end && strcmp(name + length - end, ".json") == 0;
    if (strcmp(name, "ranking.tsv") == 0)
        return mmn_fail(error, MMN_USAGE, file, NULL,
                        "the ranking's table has this name; give the neurons another one");
    char *base = mmn_copy_bytes(file, strlen(file) - (has_end ? end : 0), error);
    char *folder = NULL;
    mmn_status status = base ? mmn_path_folder(&folder, file, error) : MMN_SYSTEM;
    if (status == MMN_OK && strcmp(name, "neurons.json") == 0)
        status = mmn_path_join(table, folder, "ranking.tsv", error);
    else if (status == MMN_OK)
        status = mmn_path_beside(table, base, has_end ? ".ranking.tsv" : "-ranking.tsv", error);
    mmn_free(base);
    mmn_free(folder);
    if (status == MMN_OK)
        status = check_table(*table, error);
    if (status != MMN_OK) {
        mmn_free(*table);
        *table = NULL;
    }
    return status;
}

mmn_status mmn_ranking_write(const mmn_ranking *ranking, const char *file, mmn_error *error)
{
    if (MMN_MISSING(error, ranking, file))
        return MMN_USAGE;
    char *json = NULL, *tsv = NULL, *tsv_file = NULL;
    mmn_status status = mmn_ranking_table_file(&tsv_file, file, error);
    if (status == MMN_OK)
        status = mmn_ranking_json(ranking, &json, error);
    if (status == MMN_OK)
        status = make_tsv(&tsv, ranking, error);
    /* neurons.json comes last: where it is, the table beside it belongs to it. */
    if (status == MMN_OK)
        status = mmn_write_file(tsv_file, tsv, strlen(tsv), error);
    if (status == MMN_OK)
        status = mmn_write_file(file, json, strlen(json), error);
    mmn_free(json);
    mmn_free(tsv);
    mmn_free(tsv_file);
    return status;
}
