/* Neurons: those of each module and domain of a model, and the files that list them. */
#include "count/neurons.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file_kind.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/reader.h"
#include "format/list.h"

/* More than the 4 million values that a document may have take. */
#define FILE_LIMIT ((size_t)256 << 20)

enum { LAYER_LIMIT = 100000 };
#define NEURON_LIMIT (INT64_C(1) << 31)

void mmn_neurons_free(mmn_neurons *neurons)
{
    if (!neurons)
        return;
    for (size_t m = 0; m < neurons->module_count; m++) {
        mmn_listed_module *module = &neurons->modules[m];
        for (size_t d = 0; d < neurons->domain_count && module->lists; d++)
            mmn_free(module->lists[d].numbers);
        mmn_free(module->lists);
        mmn_rank_result_free(&module->result);
    }
    for (size_t d = 0; d < neurons->domain_count && neurons->domains; d++)
        mmn_free(neurons->domains[d]);
    mmn_free(neurons->domains);
    mmn_free(neurons->file);
    mmn_free(neurons);
}

/* ---- Looking up ------------------------------------------------------------------------------ */

size_t mmn_neurons_find_domain(const mmn_neurons *neurons, const char *name)
{
    for (size_t d = 0; d < neurons->domain_count; d++)
        if (strcmp(neurons->domains[d], name) == 0)
            return d;
    return SIZE_MAX;
}

const mmn_listed_module *mmn_neurons_find_module(const mmn_neurons *neurons, const char *name)
{
    for (size_t m = 0; m < neurons->module_count; m++)
        if (strcmp(neurons->modules[m].name, name) == 0)
            return &neurons->modules[m];
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

bool mmn_neuron_list_has(const mmn_neuron_list *list, uint64_t number)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (list->numbers[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list->count && list->numbers[low] == number;
}

void mmn_neurons_by_domains(size_t *by_domains, const mmn_listed_module *module,
                            size_t domain_count)
{
    memset(by_domains, 0, domain_count * sizeof(*by_domains));
    for (size_t d = 0; d < domain_count; d++)
        for (size_t i = 0; i < module->lists[d].count; i++) {
            size_t before = 0, after = 0;
            for (size_t other = 0; other < domain_count; other++)
                if (other != d &&
                    mmn_neuron_list_has(&module->lists[other], module->lists[d].numbers[i]))
                    *(other < d ? &before : &after) += 1;
            by_domains[after] += before == 0; /* where its first domain's list has it */
        }
}

/* ---- Choosing -------------------------------------------------------------------------------- */

static mmn_status refuse_domain(const mmn_item *given, const mmn_neurons *neurons, mmn_error *error)
{
    char name[100];
    snprintf(name, sizeof(name), "%.*s", MMN_ITEM(*given));
    const char *nearest =
        mmn_nearest_name(name, neurons->domains, sizeof(*neurons->domains), neurons->domain_count);
    if (nearest)
        return mmn_fail(error, MMN_USAGE, neurons->file, NULL,
                        "there is no domain \"%s\"; did you mean \"%s\"?", name, nearest);
    return mmn_fail(error, MMN_USAGE, neurons->file, NULL,
                    "there is no domain \"%s\"; the first of %zu is \"%s\"", name,
                    neurons->domain_count, neurons->domains[0]);
}

mmn_status mmn_neurons_choose_domains(uint8_t *domains, const mmn_neurons *neurons,
                                      const char *names, mmn_error *error)
{
    for (size_t d = 0; d < neurons->domain_count; d++)
        domains[d] = !names;
    mmn_item name;
    while (mmn_next_item(&name, &names, ',')) {
        size_t d = 0;
        while (d < neurons->domain_count && !mmn_item_is(&name, neurons->domains[d]))
            d++;
        if (d == neurons->domain_count)
            return refuse_domain(&name, neurons, error);
        domains[d] = 1;
    }
    return MMN_OK;
}

mmn_status mmn_neurons_check_setting(const mmn_neurons *neurons, const char *setting,
                                     mmn_error *error)
{
    if (strcmp(setting, "all") == 0 || strcmp(setting, "none") == 0)
        return MMN_OK;
    mmn_item item;
    while (mmn_next_item(&item, &setting, '+')) {
        bool known = false;
        for (size_t m = 0; m < neurons->module_count && !known; m++)
            known = mmn_item_is(&item, neurons->modules[m].name);
        if (!known)
            return mmn_fail(error, MMN_USAGE, neurons->file, NULL,
                            "no neurons of a module \"%.*s\" are listed; a setting is \"none\", "
                            "\"all\", or modules joined by \"+\"",
                            MMN_ITEM(item));
    }
    return MMN_OK;
}

bool mmn_setting_has(const char *setting, const char *name)
{
    mmn_item item;
    if (strcmp(setting, "all") == 0)
        return true;
    while (mmn_next_item(&item, &setting, '+'))
        if (mmn_item_is(&item, name))
            return true;
    return false;
}

void mmn_neurons_mark(uint8_t *marks, const mmn_listed_module *module, const uint8_t *domains,
                      size_t domain_count)
{
    for (size_t d = 0; d < domain_count; d++)
        for (size_t i = 0; domains[d] && i < module->lists[d].count; i++)
            marks[module->lists[d].numbers[i]] = 1;
}

/* ---- Reading from outside -------------------------------------------------------------------- */

const char *mmn_neurons_digest(const mmn_neurons *neurons)
{
    return neurons ? neurons->digest : "";
}

const char *mmn_neurons_model(const mmn_neurons *neurons)
{
    return neurons ? neurons->model : "";
}

const char *mmn_neurons_domain(const mmn_neurons *neurons, size_t index)
{
    return neurons && index < neurons->domain_count ? neurons->domains[index] : NULL;
}

int mmn_neurons_module(const mmn_neurons *neurons, size_t index, mmn_module *module)
{
    if (!neurons || !module || index >= neurons->module_count)
        return 0;
    const mmn_listed_module *listed = &neurons->modules[index];
    *module = (mmn_module){.name = listed->name,
                           .layers = listed->layers,
                           .neurons = listed->neurons,
                           .first_inert_layer = listed->layers - (uint32_t)listed->inert};
    return 1;
}

/* What the ranking found of the neuron that has this number. */
static void add_ranked(mmn_neuron *neuron, const mmn_rank_result *result, uint64_t number)
{
    size_t low = 0, high = result->selected;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (result->ranked[result->by_number[middle]] < number)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < result->selected) {
        const size_t rank = result->by_number[low];
        neuron->entropy = result->entropy[rank];
        neuron->p = result->probability + rank * result->domains;
    }
}

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Appends a module's neurons of the domains that are marked. `numbers` and `list` have room. */
static void list_module(mmn_neuron *list, size_t *count, uint64_t *numbers,
                        const mmn_listed_module *module, const uint8_t *domains,
                        size_t domain_count)
{
    size_t used = 0;
    for (size_t d = 0; d < domain_count; d++)
        for (size_t i = 0; domains[d] && i < module->lists[d].count; i++)
            numbers[used++] = module->lists[d].numbers[i];
    qsort(numbers, used, sizeof(*numbers), compare_numbers);
    for (size_t i = 0; i < used; i++) {
        if (i > 0 && numbers[i] == numbers[i - 1])
            continue;
        mmn_neuron *neuron = &list[(*count)++];
        *neuron = (mmn_neuron){.module = module->name,
                               .layer = (uint32_t)(numbers[i] / module->neurons),
                               .neuron = (uint32_t)(numbers[i] % module->neurons),
                               .entropy = NAN};
        add_ranked(neuron, &module->result, numbers[i]);
    }
}

/* Lists what `setting`, which is checked, has. */
static mmn_status list_setting(mmn_neuron **list, size_t *count, const mmn_neurons *neurons,
                               const uint8_t *domains, const char *setting, mmn_error *error)
{
    size_t room = 0;
    for (size_t m = 0; m < neurons->module_count; m++)
        for (size_t d = 0; d < neurons->domain_count; d++)
            room += domains[d] ? neurons->modules[m].lists[d].count : 0;
    uint64_t *numbers = mmn_allocate(room, sizeof(*numbers), error);
    *list = mmn_allocate(room, sizeof(**list), error);
    for (size_t m = 0; numbers && *list && m < neurons->module_count; m++)
        if (mmn_setting_has(setting, neurons->modules[m].name))
            list_module(*list, count, numbers, &neurons->modules[m], domains,
                        neurons->domain_count);
    if (!numbers) {
        mmn_free(*list);
        *list = NULL;
    }
    mmn_free(numbers);
    return *list ? MMN_OK : MMN_SYSTEM;
}

mmn_status mmn_neurons_list(mmn_neuron **list, size_t *count, const mmn_neurons *neurons,
                            const char *domain, const char *setting, mmn_error *error)
{
    MMN_CLEAR(list);
    if (count)
        *count = 0;
    MMN_GIVEN(error, list, count, neurons, setting);
    uint8_t *domains = mmn_allocate(neurons->domain_count, 1, error);
    MMN_NEED(domains);
    mmn_status status = mmn_neurons_choose_domains(domains, neurons, domain, error);
    if (status == MMN_OK)
        status = mmn_neurons_check_setting(neurons, setting, error);
    if (status == MMN_OK)
        status = list_setting(list, count, neurons, domains, setting, error);
    mmn_free(domains);
    return status;
}

/* ---- The digest ------------------------------------------------------------------------------ */

/* doc/formats.md states the layout. */
mmn_status mmn_neurons_make_digest(mmn_neurons *neurons, mmn_error *error)
{
    mmn_digest *digest = NULL;
    MMN_TRY(mmn_digest_begin(&digest, error));
    mmn_digest_add_text(digest, "mmneuron-neurons-1");
    mmn_digest_add_u64(digest, neurons->module_count);
    for (size_t m = 0; m < neurons->module_count; m++) {
        const mmn_listed_module *module = &neurons->modules[m];
        mmn_digest_add_text(digest, module->name);
        mmn_digest_add_u64(digest, module->layers);
        mmn_digest_add_u64(digest, module->neurons);
        mmn_digest_add_u64(digest, neurons->domain_count);
        for (size_t d = 0; d < neurons->domain_count; d++) {
            const mmn_neuron_list *list = &module->lists[d];
            mmn_digest_add_text(digest, neurons->domains[d]);
            mmn_digest_add_u64(digest, list->count);
            for (size_t i = 0; i < list->count; i++) {
                mmn_digest_add_u64(digest, list->numbers[i] / module->neurons);
                mmn_digest_add_u64(digest, list->numbers[i] % module->neurons);
            }
        }
    }
    mmn_digest_finish(digest, neurons->digest);
    mmn_digest_free(digest);
    return MMN_OK;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* An array of `count` elements of this size, or NULL. */
static void *allocate(const mmn_object *object, size_t count, size_t size)
{
    void *array = mmn_allocate(count, size, object->reader->error);
    if (!array)
        mmn_read_failed(object, MMN_SYSTEM);
    return array;
}

/* Takes the domains from the keys of one module. */
static void read_domains(mmn_neurons *neurons, const mmn_object *domains)
{
    mmn_error *error = domains->reader->error;
    size_t count = json_object_size(domains->value);
    const char *name;
    json_t *value;
    if (count == 0 || count > MMN_DOMAIN_LIMIT) {
        mmn_read_failed(domains, mmn_fail(error, MMN_INPUT, domains->file, domains->prefix,
                                          "there must be 1 to %d domains and there are %zu",
                                          MMN_DOMAIN_LIMIT, count));
        return;
    }
    if (!(neurons->domains = allocate(domains, count, sizeof(*neurons->domains))))
        return;
    json_object_foreach(domains->value, name, value)
    {
        if (!mmn_is_domain(name))
            mmn_read_failed(domains, mmn_fail(error, MMN_INPUT, domains->file, domains->prefix,
                                              "holds a name that no domain can have"));
        else if (!(neurons->domains[neurons->domain_count] = mmn_copy_text(name, error)))
            mmn_read_failed(domains, MMN_SYSTEM);
        if (!mmn_read_fine(domains))
            return;
        neurons->domain_count++;
    }
    qsort(neurons->domains, count, sizeof(*neurons->domains), compare_texts);
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

static void read_list(mmn_neuron_list *list, const mmn_listed_module *module,
                      const mmn_object *domains, const char *domain)
{
    json_t *pairs = NULL;
    mmn_read_required(domains, domain);
    mmn_read_array(&pairs, domains, domain);
    if (!mmn_read_fine(domains) ||
        !(list->numbers = allocate(domains, json_array_size(pairs), sizeof(*list->numbers))))
        return;
    for (; list->count < json_array_size(pairs); list->count++) {
        uint64_t number = pair_number(json_array_get(pairs, list->count), module);
        if (number == UINT64_MAX)
            mmn_read_wrong(domains, domain,
                           "entry %zu must be [layer, neuron] with a layer below %" PRIu32
                           " and a neuron below %" PRIu32,
                           list->count, module->layers, module->neurons);
        else if (list->count > 0 && number <= list->numbers[list->count - 1])
            mmn_read_wrong(domains, domain, "entry %zu is not behind the one before it",
                           list->count);
        if (!mmn_read_fine(domains))
            return;
        list->numbers[list->count] = number;
    }
}

static void read_module(mmn_neurons *neurons, const mmn_object *modules, const char *name)
{
    static const char *const keys[] = {"layers", "neurons"};
    const int64_t most[] = {LAYER_LIMIT, NEURON_LIMIT};
    mmn_listed_module *module = &neurons->modules[neurons->module_count];
    const mmn_object object = mmn_read_object(modules, name);
    int64_t sizes[2] = {0, 0};
    json_t *inert = NULL;
    memcpy(module->name, name, strlen(name) + 1);
    for (size_t i = 0; i < 2; i++) {
        mmn_read_required(&object, keys[i]);
        mmn_read_i64(&sizes[i], &object, keys[i], 1, most[i]);
    }
    mmn_read_u32(&module->selected, &object, "selected", 0, UINT32_MAX);
    mmn_read_array(&inert, &object, "inert");
    if (json_array_size(inert) > (size_t)sizes[0])
        mmn_read_wrong(&object, "inert", "are more layers than there are");
    mmn_read_required(&object, "domains");
    const mmn_object domains = mmn_read_object(&object, "domains");
    if (mmn_read_fine(&object) && !neurons->domains)
        read_domains(neurons, &domains);
    if (json_object_size(domains.value) != neurons->domain_count)
        mmn_read_wrong(&object, "domains", "must be the same domains as in the other modules");
    if (!mmn_read_fine(&object))
        return;
    module->layers = (uint32_t)sizes[0];
    module->neurons = (uint32_t)sizes[1];
    module->inert = json_array_size(inert);
    module->lists = allocate(&object, neurons->domain_count, sizeof(*module->lists));
    if (!module->lists)
        return;
    neurons->module_count++;
    for (size_t d = 0; d < neurons->domain_count; d++)
        read_list(&module->lists[d], module, &domains, neurons->domains[d]);
}

/* The model that `rank` notes beside its counts; files from elsewhere may lack it. */
static void read_model(mmn_neurons *neurons, const mmn_object *document)
{
    const mmn_object counts = mmn_read_object(document, "counts");
    const char *model = "";
    mmn_read_text(&model, &counts, "model");
    if (model[0] != '\0' && !mmn_digest_is_whole(model))
        mmn_read_wrong(&counts, "model", "must be a digest of 32 hex digits");
    if (mmn_read_fine(document))
        memcpy(neurons->model, model, strlen(model) + 1);
}

/* What they were selected by; files from elsewhere and rankings by entropy do not say. */
static void read_selection(mmn_neurons *neurons, const mmn_object *document)
{
    const mmn_object settings = mmn_read_object(document, "settings");
    const char *name = mmn_selection_names[MMN_SELECT_ENTROPY];
    mmn_read_text(&name, &settings, "by");
    const size_t selection = MMN_NAME_INDEX(name, mmn_selection_names);
    if (selection == MMN_SELECTIONS)
        mmn_read_wrong(&settings, "by", "is not what neurons can be selected by");
    else
        neurons->selection = (mmn_selection)selection;
}

static void read_document(mmn_neurons *neurons, const mmn_object *document)
{
    const char *format = "", *digest = "";
    mmn_read_text(&format, document, "format");
    if (strcmp(format, "mmneuron-neurons-1") != 0)
        mmn_read_wrong(document, "format", "must be \"mmneuron-neurons-1\"");
    mmn_read_text(&digest, document, "digest");
    read_selection(neurons, document);
    read_model(neurons, document);
    const mmn_object modules = mmn_read_object(document, "modules");
    for (size_t i = 0; i < MMN_MODULES; i++)
        if (mmn_read_fine(document) && mmn_object_has(&modules, mmn_module_kinds[i].name))
            read_module(neurons, &modules, mmn_module_kinds[i].name);
    if (neurons->module_count == 0 || neurons->module_count != json_object_size(modules.value))
        mmn_read_wrong(document, "modules", "must be modules that hold neurons");
    if (mmn_read_fine(document))
        mmn_read_failed(document, mmn_neurons_make_digest(neurons, document->reader->error));
    if (strcmp(digest, neurons->digest) != 0)
        mmn_read_wrong(document, "digest", "is not that of the neurons listed, which is %s",
                       neurons->digest);
}

mmn_status mmn_neurons_from_json(mmn_neurons **neurons, json_t *document, const char *file,
                                 mmn_error *error)
{
    mmn_reader reader = {.error = error};
    const mmn_object object = mmn_read_document(&reader, document, file);
    *neurons = NULL;
    if (mmn_read_fine(&object) && (*neurons = allocate(&object, 1, sizeof(**neurons)))) {
        if (!((*neurons)->file = mmn_copy_text(file, error)))
            mmn_read_failed(&object, MMN_SYSTEM);
        read_document(*neurons, &object);
    }
    if (reader.status != MMN_OK) {
        mmn_neurons_free(*neurons);
        *neurons = NULL;
    }
    return reader.status;
}

mmn_status mmn_neurons_read(mmn_neurons **neurons, const char *file, mmn_error *error)
{
    json_t *document;
    MMN_CLEAR(neurons);
    MMN_GIVEN(error, neurons, file);
    mmn_status status = mmn_json_load(&document, file, FILE_LIMIT, error);
    if (status == MMN_OK)
        status = mmn_neurons_from_json(neurons, document, file, error);
    json_decref(document);
    return mmn_file_kind_explain(error, status, file, MMN_KIND_NEURONS);
}
