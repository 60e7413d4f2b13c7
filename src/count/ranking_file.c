/* The name of the table beside the file of a ranking. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "count/ranking.h"

/* Whether the file is absent, or begins as this table does. */
static mmn_status check_table(const char *file, mmn_error *error)
{
    char start[sizeof(MMN_RANKING_TITLE)] = "";
    FILE *stream = fopen(file, "rb");
    if (!stream)
        return MMN_OK;
    size_t size = fread(start, 1, strlen(MMN_RANKING_TITLE), stream);
    fclose(stream);
    if (size == 0 || strcmp(start, MMN_RANKING_TITLE) == 0)
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
    if (*name == '\0')
        return mmn_fail(error, MMN_USAGE, file, NULL,
                        "cannot be written to: expected the name of a file");
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
