/* Rankings as files: neurons.json, and ranking.tsv next to it. */
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text_buffer.h"
#include "neurons/ranking.h"

/* The selected neurons in the order of the ranking, a line each; columns are separated by tabs. */
static mmn_status make_tsv(char **tsv, const mmn_ranking *ranking, mmn_error *error)
{
    mmn_text text = {0};
    mmn_text_add(&text, "module\trank\tlayer\tneuron\tentropy");
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

mmn_status mmn_ranking_write(const mmn_ranking *ranking, const char *file, mmn_error *error)
{
    const char *slash = strrchr(file, '/');
    if (strcmp(slash ? slash + 1 : file, "ranking.tsv") == 0)
        return mmn_fail(error, MMN_USAGE, file, NULL,
                        "the ranking's table has this name; give the neurons another one");
    char *json = NULL, *tsv = NULL, *folder = NULL, *tsv_file = NULL;
    mmn_status status = mmn_ranking_json(ranking, &json, error);
    if (status == MMN_OK)
        status = make_tsv(&tsv, ranking, error);
    if (status == MMN_OK)
        status = mmn_path_folder(&folder, file, error);
    if (status == MMN_OK)
        status = mmn_path_join(&tsv_file, folder, "ranking.tsv", error);
    /* neurons.json comes last: where it is, ranking.tsv belongs to it. */
    if (status == MMN_OK)
        status = mmn_write_file(tsv_file, tsv, strlen(tsv), error);
    if (status == MMN_OK)
        status = mmn_write_file(file, json, strlen(json), error);
    mmn_free(json);
    mmn_free(tsv);
    mmn_free(folder);
    mmn_free(tsv_file);
    return status;
}
