/* Neuron lists: the neurons of each module and domain that a neurons.json file names. */
#include "neurons/neuron_lists.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file_kind.h"
#include "base/memory.h"
#include "format/list.h"

/* More than the 4 million values that a document may have take. */
#define FILE_LIMIT ((size_t)256 << 20)

enum { LAYER_LIMIT = 100000 };
#define NEURON_LIMIT (INT64_C(1) << 31)

void mmn_neuron_lists_free(mmn_neuron_lists *lists)
{
    if (!lists)
        return;
    for (size_t m = 0; m < lists->module_count; m++) {
        for (size_t d = 0; d < lists->domain_count && lists->modules[m].lists; d++)
            mmn_free(lists->modules[m].lists[d].numbers);
        mmn_free(lists->modules[m].lists);
    }
    for (size_t d = 0; d < lists->domain_count && lists->domains; d++)
        mmn_free(lists->domains[d]);
    mmn_free(lists->domains);
    mmn_free(lists);
}

size_t mmn_neuron_lists_domain(const mmn_neuron_lists *lists, const char *name)
{
    for (size_t d = 0; d < lists->domain_count; d++)
        if (strcmp(lists->domains[d], name) == 0)
            return d;
    return SIZE_MAX;
}

const mmn_listed_module *mmn_neuron_lists_module(const mmn_neuron_lists *lists, const char *name)
{
    for (size_t m = 0; m < lists->module_count; m++)
        if (strcmp(lists->modules[m].name, name) == 0)
            return &lists->modules[m];
    return NULL;
}

size_t mmn_neuron_list_common(const mmn_neuron_list *a, const mmn_neuron_list *b)
{
    size_t common = 0;
    for (size_t i = 0, j = 0; i < a->count && j < b->count;) {
        const uint64_t x = a->numbers[i], y = b->numbers[j];
        common += x == y;
        i += x <= y;
        j += y <= x;
    }
    return common;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Takes the domains from the keys of one module. */
static mmn_status read_domains(mmn_neuron_lists *lists, const mmn_json_object *domains,
                               mmn_error *error)
{
    size_t count = json_object_size(domains->value);
    if (count == 0 || count > MMN_DOMAIN_LIMIT)
        return mmn_fail(error, MMN_INPUT, domains->file, domains->prefix,
                        "there must be 1 to %d domains and there are %zu", MMN_DOMAIN_LIMIT, count);
    if (!(lists->domains = mmn_allocate(count, sizeof(*lists->domains), error)))
        return MMN_SYSTEM;
    const char *name;
    json_t *value;
    json_object_foreach(domains->value, name, value) {
        if (!mmn_is_domain(name))
            return mmn_fail(error, MMN_INPUT, domains->file, domains->prefix,
                            "holds a name that no domain can have");
        if (!(lists->domains[lists->domain_count] = mmn_copy_text(name, error)))
            return MMN_SYSTEM;
        lists->domain_count++;
    }
    qsort(lists->domains, count, sizeof(*lists->domains), compare_texts);
    return MMN_OK;
}

/* The number of a pair [layer, neuron], or UINT64_MAX if it is something else. */
static uint64_t pair_number(const json_t *pair, const mmn_listed_module *module)
{
    if (!json_is_array(pair) || json_array_size(pair) != 2)
        return UINT64_MAX;
    const json_t *layer = json_array_get(pair, 0), *neuron = json_array_get(pair, 1);
    if (!json_is_integer(layer) || !json_is_integer(neuron))
        return UINT64_MAX;
    json_int_t at = json_integer_value(layer), index = json_integer_value(neuron);
    if (at < 0 || at >= module->layers || index < 0 || index >= module->neurons)
        return UINT64_MAX;
    return (uint64_t)at * module->neurons + (uint64_t)index;
}

static mmn_status read_list(mmn_neuron_list *list, const mmn_listed_module *module,
                            const mmn_json_object *domains, const char *domain, mmn_error *error)
{
    json_t *pairs = NULL;
    mmn_status status = mmn_json_require(domains, domain, error);
    if (status == MMN_OK)
        status = mmn_json_get_array(&pairs, domains, domain, error);
    if (status != MMN_OK)
        return status;
    list->numbers = mmn_allocate(json_array_size(pairs), sizeof(*list->numbers), error);
    if (!list->numbers)
        return MMN_SYSTEM;
    for (; list->count < json_array_size(pairs); list->count++) {
        uint64_t number = pair_number(json_array_get(pairs, list->count), module);
        if (number == UINT64_MAX)
            return mmn_json_fail(domains, domain, error,
                                 "entry %zu must be [layer, neuron] with a layer below %" PRIu32
                                 " and a neuron below %" PRIu32,
                                 list->count, module->layers, module->neurons);
        if (list->count > 0 && number <= list->numbers[list->count - 1])
            return mmn_json_fail(domains, domain, error,
                                 "entry %zu is not behind the one before it", list->count);
        list->numbers[list->count] = number;
    }
    return MMN_OK;
}

static mmn_status read_module(mmn_neuron_lists *lists, const mmn_json_object *modules,
                              const char *name, mmn_error *error)
{
    mmn_listed_module *module = &lists->modules[lists->module_count];
    mmn_json_object object, domains = {0};
    int64_t layers = 0, neurons = 0;
    json_t *inert = NULL;
    module->name = name;
    mmn_status status = mmn_json_get_object(&object, modules, name, error);
    if (status == MMN_OK)
        status = mmn_json_require(&object, "layers", error);
    if (status == MMN_OK)
        status = mmn_json_get_i64(&layers, &object, "layers", 1, LAYER_LIMIT, error);
    if (status == MMN_OK)
        status = mmn_json_require(&object, "neurons", error);
    if (status == MMN_OK)
        status = mmn_json_get_i64(&neurons, &object, "neurons", 1, NEURON_LIMIT, error);
    if (status == MMN_OK)
        status = mmn_json_get_u32(&module->selected, &object, "selected", 0, UINT32_MAX, error);
    if (status == MMN_OK)
        status = mmn_json_get_array(&inert, &object, "inert", error);
    if (status == MMN_OK && json_array_size(inert) > (size_t)layers)
        status = mmn_json_fail(&object, "inert", error, "are more layers than there are");
    if (status == MMN_OK)
        status = mmn_json_require(&object, "domains", error);
    if (status == MMN_OK)
        status = mmn_json_get_object(&domains, &object, "domains", error);
    if (status == MMN_OK && !lists->domains)
        status = read_domains(lists, &domains, error);
    if (status != MMN_OK)
        return status;
    if (json_object_size(domains.value) != lists->domain_count)
        return mmn_json_fail(&object, "domains", error,
                             "must be the same domains as in the other modules");
    module->layers = (uint32_t)layers;
    module->neurons = (uint32_t)neurons;
    module->inert = json_array_size(inert);
    module->lists = mmn_allocate(lists->domain_count, sizeof(*module->lists), error);
    if (!module->lists)
        return MMN_SYSTEM;
    lists->module_count++;
    for (size_t d = 0; d < lists->domain_count && status == MMN_OK; d++)
        status = read_list(&module->lists[d], module, &domains, lists->domains[d], error);
    return status;
}

static mmn_status make_digest(char text[MMN_DIGEST_SIZE], const mmn_neuron_lists *lists,
                              mmn_error *error)
{
    mmn_digest *digest = NULL;
    mmn_status status = mmn_digest_begin(&digest, error);
    if (status != MMN_OK)
        return status;
    mmn_digest_add_text(digest, "mmneuron-neurons-1");
    mmn_digest_add_u64(digest, lists->module_count);
    for (size_t m = 0; m < lists->module_count; m++) {
        const mmn_listed_module *module = &lists->modules[m];
        mmn_digest_add_text(digest, module->name);
        mmn_digest_add_u64(digest, module->layers);
        mmn_digest_add_u64(digest, module->neurons);
        mmn_digest_add_u64(digest, lists->domain_count);
        for (size_t d = 0; d < lists->domain_count; d++) {
            const mmn_neuron_list *list = &module->lists[d];
            mmn_digest_add_text(digest, lists->domains[d]);
            mmn_digest_add_u64(digest, list->count);
            for (size_t i = 0; i < list->count; i++) {
                mmn_digest_add_u64(digest, list->numbers[i] / module->neurons);
                mmn_digest_add_u64(digest, list->numbers[i] % module->neurons);
            }
        }
    }
    mmn_digest_finish(digest, text);
    mmn_digest_free(digest);
    return MMN_OK;
}

/* The model that `rank` notes beside its counts; files from elsewhere may lack it. */
static mmn_status read_model(mmn_neuron_lists *lists, const mmn_json_object *document,
                             mmn_error *error)
{
    mmn_json_object counts;
    const char *model = "";
    mmn_status status = mmn_json_get_object(&counts, document, "counts", error);
    if (status == MMN_OK)
        status = mmn_json_get_text(&model, &counts, "model", error);
    if (status == MMN_OK && model[0] != '\0' && !mmn_digest_is_whole(model))
        status = mmn_json_fail(&counts, "model", error, "must be a digest of 32 hex digits");
    if (status == MMN_OK)
        memcpy(lists->model, model, strlen(model) + 1);
    return status;
}

static mmn_status read_document(mmn_neuron_lists *lists, const mmn_json_object *document,
                                mmn_error *error)
{
    const char *format = "", *digest = "";
    mmn_json_object modules;
    mmn_status status = mmn_json_get_text(&format, document, "format", error);
    if (status == MMN_OK && strcmp(format, "mmneuron-neurons-1") != 0)
        status = mmn_json_fail(document, "format", error, "must be \"mmneuron-neurons-1\"");
    if (status == MMN_OK)
        status = mmn_json_get_text(&digest, document, "digest", error);
    if (status == MMN_OK)
        status = read_model(lists, document, error);
    if (status == MMN_OK)
        status = mmn_json_get_object(&modules, document, "modules", error);
    for (size_t i = 0; i < MMN_MODULES && status == MMN_OK; i++)
        if (mmn_json_has(&modules, mmn_module_kinds[i].name))
            status = read_module(lists, &modules, mmn_module_kinds[i].name, error);
    if (status == MMN_OK && (lists->module_count == 0 ||
                             lists->module_count != json_object_size(modules.value)))
        status = mmn_json_fail(document, "modules", error, "must be modules that hold neurons");
    if (status == MMN_OK)
        status = make_digest(lists->digest, lists, error);
    if (status == MMN_OK && strcmp(digest, lists->digest) != 0)
        status = mmn_json_fail(document, "digest", error,
                               "is not that of the neurons listed, which is %s", lists->digest);
    return status;
}

mmn_status mmn_neuron_lists_from_json(mmn_neuron_lists **lists, const mmn_json_object *document,
                                      mmn_error *error)
{
    if (!(*lists = mmn_allocate(1, sizeof(**lists), error)))
        return MMN_SYSTEM;
    mmn_status status = read_document(*lists, document, error);
    if (status != MMN_OK) {
        mmn_neuron_lists_free(*lists);
        *lists = NULL;
    }
    return status;
}

mmn_status mmn_neuron_lists_read(mmn_neuron_lists **lists, const char *file, mmn_error *error)
{
    json_t *value;
    mmn_json_object document;
    *lists = NULL;
    mmn_status status = mmn_json_load(&value, file, FILE_LIMIT, error);
    if (status != MMN_OK)
        return mmn_file_kind_explain(error, status, file, MMN_KIND_NEURONS);
    status = mmn_json_as_object(&document, value, file, error);
    if (status == MMN_OK)
        status = mmn_neuron_lists_from_json(lists, &document, error);
    json_decref(value);
    return mmn_file_kind_explain(error, status, file, MMN_KIND_NEURONS);
}
