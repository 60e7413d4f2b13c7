/* Domains, and counts: how often each neuron was active in each of them, in memory. */
#include "count/counts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

static const struct {
    const char *name;
    bool per_neuron, of_sequence;
} fields[MMN_FIELDS] = {
    [MMN_FIELD_COUNT] = {"count", true, false},
    [MMN_FIELD_SUM] = {"sum", true, false},
    [MMN_FIELD_TOKENS] = {"tokens", false, false},
    [MMN_FIELD_MAGNITUDE] = {"magnitude", true, false},
    [MMN_FIELD_IMAGE_COUNT] = {"image.count", true, true},
    [MMN_FIELD_IMAGE_SUM] = {"image.sum", true, true},
    [MMN_FIELD_IMAGE_TOKENS] = {"image.tokens", false, true},
};

/* ---- Domains --------------------------------------------------------------------------------- */

/* Of structures of `size` bytes that begin with a name, in the bytewise order of these: the index
 * of the first that is not before `name`, and whether it has that name. */
static size_t find(bool *found, const void *named, size_t count, size_t size, const char *name)
{
    const char *structures = named;
    size_t low = 0, high = count;
    *found = false;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(*(char *const *)(const void *)(structures + middle * size), name);
        *found = *found || order == 0;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static mmn_status check_room(size_t count, const char *name, mmn_error *error)
{
    if (count < MMN_DOMAIN_LIMIT)
        return MMN_OK;
    return mmn_fail(error, MMN_INPUT, NULL, name, "there are more than %d domains",
                    MMN_DOMAIN_LIMIT);
}

size_t mmn_domains_find(const mmn_domains *domains, const char *name)
{
    bool found;
    const size_t index =
        find(&found, domains->domains, domains->domain_count, sizeof(*domains->domains), name);
    return found ? index : SIZE_MAX;
}

mmn_status mmn_domains_add(mmn_domains *domains, const char *name, mmn_error *error)
{
    const size_t count = domains->domain_count;
    bool found;
    const size_t index = find(&found, domains->domains, count, sizeof(*domains->domains), name);
    if (found)
        return MMN_OK;
    MMN_TRY(check_room(count, name, error));
    MMN_TRY(MMN_RESERVE(domains->domains, domains->domain_capacity, count + 1, error));
    mmn_domain domain = {.name = mmn_copy_text(name, error)};
    MMN_NEED(domain.name);
    memmove(&domains->domains[index + 1], &domains->domains[index],
            (count - index) * sizeof(domain));
    domains->domains[index] = domain;
    domains->domain_count++;
    return MMN_OK;
}

void mmn_domains_free(mmn_domains *domains)
{
    for (size_t d = 0; d < domains->domain_count; d++)
        mmn_free(domains->domains[d].name);
    mmn_free(domains->domains);
    *domains = (mmn_domains){0};
}

/* ---- Cells ----------------------------------------------------------------------------------- */

bool mmn_field_exists(const mmn_counted_module *module, mmn_count_field field)
{
    mmn_module_number number = mmn_module_number_of(module->name);
    if (field == MMN_FIELD_MAGNITUDE)
        return module->magnitudes;
    return !fields[field].of_sequence ||
           (number < MMN_MODULES && mmn_module_kinds[number].reads_sequence);
}

bool mmn_field_is_matrix(mmn_count_field field)
{
    return fields[field].per_neuron;
}

size_t mmn_field_size(const mmn_counted_module *module, mmn_count_field field)
{
    return fields[field].per_neuron ? (size_t)module->layers * module->neurons : 1;
}

const char *mmn_field_name(mmn_count_field field)
{
    return fields[field].name;
}

mmn_status mmn_count_cell_create(mmn_count_cell *cell, const mmn_counted_module *module,
                                 mmn_error *error)
{
    *cell = (mmn_count_cell){{0}};
    size_t total = 0;
    for (int field = 0; field < MMN_FIELDS; field++)
        if (mmn_field_exists(module, field))
            total += mmn_field_size(module, field);
    int64_t *values = mmn_allocate(total, sizeof(*values), error);
    MMN_NEED(values);
    for (int field = 0; field < MMN_FIELDS; field++)
        if (mmn_field_exists(module, field)) {
            cell->fields[field] = values;
            values += mmn_field_size(module, field);
        }
    return MMN_OK;
}

void mmn_count_cell_clear(mmn_count_cell *cell, const mmn_counted_module *module)
{
    for (int field = 0; field < MMN_FIELDS; field++)
        if (cell->fields[field])
            memset(cell->fields[field], 0, mmn_field_size(module, field) * sizeof(int64_t));
}

void mmn_count_cell_free(mmn_count_cell *cell)
{
    mmn_free(cell->fields[0]);
    *cell = (mmn_count_cell){{0}};
}

static bool add_checked(int64_t *sum, int64_t value)
{
    if (value > 0 ? *sum > INT64_MAX - value : *sum < INT64_MIN - value)
        return false;
    *sum += value;
    return true;
}

mmn_status mmn_count_cell_add(mmn_count_cell *sum, const mmn_count_cell *cell,
                              const mmn_counted_module *module, mmn_error *error)
{
    for (int field = 0; field < MMN_FIELDS; field++) {
        if (!mmn_field_exists(module, field))
            continue;
        size_t size = mmn_field_size(module, field);
        for (size_t i = 0; i < size; i++)
            if (!add_checked(&sum->fields[field][i], cell->fields[field][i]))
                return mmn_fail(error, MMN_INPUT, NULL, module->name,
                                "the %s of layer %zu, neuron %zu does not fit into 64 bits: "
                                "count fewer samples",
                                fields[field].name, i / module->neurons, i % module->neurons);
    }
    return MMN_OK;
}

/* ---- Counts ---------------------------------------------------------------------------------- */

mmn_status mmn_counts_create(mmn_counts **created, const mmn_counted_module *modules,
                             size_t module_count, mmn_error *error)
{
    mmn_counts *counts = mmn_allocate(1, sizeof(*counts), error);
    *created = counts;
    MMN_NEED(counts);
    counts->module_count = module_count;
    memcpy(counts->modules, modules, module_count * sizeof(*modules));
    counts->shard = counts->shards = 1;
    return MMN_OK;
}

static void free_domain(mmn_counted_domain *domain, size_t module_count)
{
    if (domain->cells)
        for (size_t i = 0; i < module_count; i++)
            mmn_count_cell_free(&domain->cells[i]);
    mmn_free(domain->cells);
    mmn_free(domain->name);
}

void mmn_counts_free(mmn_counts *counts)
{
    if (!counts)
        return;
    for (size_t i = 0; i < counts->domain_count; i++)
        free_domain(&counts->domains[i], counts->module_count);
    mmn_free(counts->domains);
    mmn_free(counts->file);
    mmn_free(counts->settings);
    mmn_free(counts->skipped);
    mmn_free(counts);
}

size_t mmn_counts_find_domain(const mmn_counts *counts, const char *name)
{
    bool found;
    const size_t index =
        find(&found, counts->domains, counts->domain_count, sizeof(*counts->domains), name);
    return found ? index : SIZE_MAX;
}

static mmn_status make_cells(mmn_counted_domain *domain, const mmn_counts *counts, mmn_error *error)
{
    MMN_NEED(domain->name && domain->cells);
    for (size_t m = 0; m < counts->module_count; m++)
        MMN_TRY(mmn_count_cell_create(&domain->cells[m], &counts->modules[m], error));
    return MMN_OK;
}

mmn_status mmn_counts_add_domain(mmn_counts *counts, const char *name, mmn_error *error)
{
    bool found;
    const size_t index =
        find(&found, counts->domains, counts->domain_count, sizeof(*counts->domains), name);
    if (found)
        return MMN_OK;
    MMN_TRY(check_room(counts->domain_count, name, error));
    MMN_TRY(MMN_RESERVE(counts->domains, counts->domain_capacity, counts->domain_count + 1, error));
    mmn_counted_domain domain = {
        .name = mmn_copy_text(name, error),
        .cells = mmn_allocate(counts->module_count, sizeof(*domain.cells), error)};
    const mmn_status status = make_cells(&domain, counts, error);
    if (status != MMN_OK) {
        free_domain(&domain, counts->module_count);
        return status;
    }
    memmove(&counts->domains[index + 1], &counts->domains[index],
            (counts->domain_count - index) * sizeof(domain));
    counts->domains[index] = domain;
    counts->domain_count++;
    return MMN_OK;
}

mmn_status mmn_counts_add_skipped(mmn_counts *counts, uint64_t line, mmn_error *error)
{
    size_t index = counts->skipped_count;
    while (index > 0 && counts->skipped[index - 1] > line)
        index--;
    if (index > 0 && counts->skipped[index - 1] == line)
        return MMN_OK;
    MMN_TRY(
        MMN_RESERVE(counts->skipped, counts->skipped_capacity, counts->skipped_count + 1, error));
    memmove(&counts->skipped[index + 1], &counts->skipped[index],
            (counts->skipped_count - index) * sizeof(*counts->skipped));
    counts->skipped[index] = line;
    counts->skipped_count++;
    return MMN_OK;
}

size_t mmn_counts_tensors(const mmn_counts *counts)
{
    size_t expected = 0;
    for (size_t m = 0; m < counts->module_count; m++)
        for (int field = 0; field < MMN_FIELDS; field++)
            expected += mmn_field_exists(&counts->modules[m], field);
    return expected * counts->domain_count;
}

uint64_t mmn_counts_samples(const mmn_counts *counts)
{
    uint64_t samples = 0;
    for (size_t i = 0; i < counts->domain_count; i++)
        samples += counts->domains[i].samples;
    return samples;
}

mmn_status mmn_counts_check_left(const mmn_counts *counts, const char *file, mmn_error *error)
{
    if (counts->skipped_count == 0 || counts->shards > 1)
        return MMN_OK;
    if (mmn_counts_samples(counts) == 0)
        return mmn_fail(error, MMN_INPUT, file, NULL,
                        "nothing is left: all of its %zu samples were skipped as bad",
                        counts->skipped_count);
    for (size_t d = 0; d < counts->domain_count; d++)
        if (counts->domains[d].samples == 0)
            return mmn_fail(error, MMN_INPUT, file, NULL,
                            "nothing is left of the domain \"%s\": its samples were skipped as bad",
                            counts->domains[d].name);
    return MMN_OK;
}

/* ---- Runs ------------------------------------------------------------------------------------ */

static bool same_modules(const mmn_counts *a, const mmn_counts *b)
{
    if (a->module_count != b->module_count)
        return false;
    for (size_t i = 0; i < a->module_count; i++) {
        const mmn_counted_module *one = &a->modules[i], *other = &b->modules[i];
        if (strcmp(one->name, other->name) != 0 || one->layers != other->layers ||
            one->neurons != other->neurons || one->first_inert_layer != other->first_inert_layer ||
            one->magnitudes != other->magnitudes)
            return false;
    }
    return true;
}

static bool same_domains(const mmn_counts *a, const mmn_counts *b)
{
    if (a->domain_count != b->domain_count)
        return false;
    for (size_t i = 0; i < a->domain_count; i++)
        if (strcmp(a->domains[i].name, b->domains[i].name) != 0)
            return false;
    return true;
}

enum { VALUE_SIZE = 200 };

/* Appends to a list of at most VALUE_SIZE bytes, which ends in "..." when it is longer. */
static void add_to_list(char list[VALUE_SIZE], const char *text)
{
    size_t used = strlen(list);
    if (used + strlen(text) + strlen(", ...") < VALUE_SIZE)
        snprintf(list + used, VALUE_SIZE - used, "%s%s", used > 0 ? ", " : "", text);
    else if (used < 3 || strcmp(list + used - 3, "...") != 0)
        snprintf(list + used, VALUE_SIZE - used, "...");
}

static void list_modules(char list[VALUE_SIZE], const mmn_counts *counts)
{
    list[0] = '\0';
    for (size_t i = 0; i < counts->module_count; i++) {
        const mmn_counted_module *module = &counts->modules[i];
        char text[64];
        snprintf(text, sizeof(text), "%s of %" PRIu32 " x %" PRIu32, module->name, module->layers,
                 module->neurons);
        add_to_list(list, text);
    }
}

static void list_domains(char list[VALUE_SIZE], const mmn_counts *counts)
{
    list[0] = '\0';
    for (size_t i = 0; i < counts->domain_count; i++)
        add_to_list(list, counts->domains[i].name);
}

bool mmn_counts_same_run(const mmn_counts *a, const mmn_counts *b, const char **what,
                         const char *where, char difference[MMN_DIFFERENCE_SIZE])
{
    char modules_a[VALUE_SIZE], modules_b[VALUE_SIZE], domains_a[VALUE_SIZE], domains_b[VALUE_SIZE];
    const struct {
        const char *what, *a, *b;
        bool same;
    } parts[] = {{"program version", a->version, b->version, strcmp(a->version, b->version) == 0},
                 {"model", a->model, b->model, strcmp(a->model, b->model) == 0},
                 {"list", a->data, b->data, strcmp(a->data, b->data) == 0},
                 {"settings", a->settings, b->settings, strcmp(a->settings, b->settings) == 0},
                 {"modules", modules_a, modules_b, same_modules(a, b)},
                 {"domains", domains_a, domains_b, same_domains(a, b)}};
    list_modules(modules_a, a);
    list_modules(modules_b, b);
    list_domains(domains_a, a);
    list_domains(domains_b, b);
    for (size_t i = 0; i < MMN_LENGTH(parts); i++)
        if (!parts[i].same) {
            *what = parts[i].what;
            snprintf(difference, MMN_DIFFERENCE_SIZE, " (%.*s, %s %.*s)", VALUE_SIZE, parts[i].a,
                     where, VALUE_SIZE, parts[i].b);
            return false;
        }
    return true;
}

/* ---- Reading from outside -------------------------------------------------------------------- */

const mmn_counts_info *mmn_counts_describe(const mmn_counts *counts)
{
    return counts ? &counts->info : NULL;
}

int mmn_counts_module(const mmn_counts *counts, size_t index, mmn_module *module)
{
    if (!counts || !module || index >= counts->module_count)
        return 0;
    const mmn_counted_module *counted = &counts->modules[index];
    *module = (mmn_module){.name = counted->name,
                           .layers = counted->layers,
                           .neurons = counted->neurons,
                           .first_inert_layer = counted->first_inert_layer};
    return 1;
}

const char *mmn_counts_domain(const mmn_counts *counts, size_t index, uint64_t *samples)
{
    const bool there = counts && index < counts->domain_count;
    if (samples)
        *samples = there ? counts->domains[index].samples : 0;
    return there ? counts->domains[index].name : NULL;
}

int mmn_counts_activity(const mmn_counts *counts, size_t module, size_t domain,
                        mmn_activity *activity)
{
    if (!counts || !activity || module >= counts->module_count || domain >= counts->domain_count)
        return 0;
    const mmn_count_cell *cell = &counts->domains[domain].cells[module];
    *activity = (mmn_activity){.positions = (uint64_t)cell->fields[MMN_FIELD_TOKENS][0],
                               .active = cell->fields[MMN_FIELD_COUNT],
                               .sum = cell->fields[MMN_FIELD_SUM],
                               .magnitude = cell->fields[MMN_FIELD_MAGNITUDE]};
    return 1;
}

mmn_status mmn_counts_probabilities(const mmn_counts *counts, const char *module, uint32_t layer,
                                    uint32_t neuron, double *p, mmn_error *error)
{
    MMN_GIVEN(error, counts, module, p);
    size_t m = 0;
    while (m < counts->module_count && strcmp(counts->modules[m].name, module) != 0)
        m++;
    if (m == counts->module_count || layer >= counts->modules[m].layers ||
        neuron >= counts->modules[m].neurons)
        return mmn_fail(error, MMN_USAGE, counts->file, NULL,
                        "no neuron %" PRIu32 " of layer %" PRIu32 " of module \"%s\" was counted",
                        neuron, layer, module);
    const size_t number = (size_t)layer * counts->modules[m].neurons + neuron;
    for (size_t d = 0; d < counts->domain_count; d++) {
        const mmn_count_cell *cell = &counts->domains[d].cells[m];
        const double positions = (double)cell->fields[MMN_FIELD_TOKENS][0];
        p[d] = positions > 0 ? (double)cell->fields[MMN_FIELD_COUNT][number] / positions : NAN;
    }
    return MMN_OK;
}
