/* Neuron lists: the neurons of each module and domain that a neurons.json file names. */
#ifndef MMN_NEURONS_NEURON_LISTS_H
#define MMN_NEURONS_NEURON_LISTS_H

#include "base/digest.h"
#include "base/error.h"
#include "base/json.h"
#include "count/counts.h"

/* Neurons numbered layer * neurons + neuron, ascending. */
typedef struct mmn_neuron_list {
    uint64_t *numbers;
    size_t count;
} mmn_neuron_list;

typedef struct mmn_listed_module {
    const char *name;
    uint32_t layers, neurons;
    uint32_t selected; /* how many neurons the ranking selected, for any of the domains */
    size_t inert; /* so many layers at the end do not influence the model's output */
    mmn_neuron_list *lists; /* [domain_count] */
} mmn_listed_module;

typedef struct mmn_neuron_lists {
    size_t domain_count;
    char **domains; /* in the bytewise order of their names */
    size_t module_count;
    mmn_listed_module modules[MMN_MODULES]; /* in the order of the forward pass */
    char digest[MMN_DIGEST_SIZE];
    char model[MMN_DIGEST_SIZE]; /* of the model that was counted; "": the file does not say */
} mmn_neuron_lists;

/* Reads neurons.json (doc/formats.md). MMN_INPUT when it is not such a file: a pair beyond its
 * module or out of order, modules that differ in their domains, or a digest that is not that of the
 * lists. Free with mmn_neuron_lists_free. */
mmn_status mmn_neuron_lists_read(mmn_neuron_lists **lists, const char *file, mmn_error *error);
/* The same of the document of a file that was read already, of which the lists keep nothing. */
mmn_status mmn_neuron_lists_from_json(mmn_neuron_lists **lists, json_t *document,
                                      const char *file, mmn_error *error);
void mmn_neuron_lists_free(mmn_neuron_lists *lists);

/* The number of the domain called `name`, or SIZE_MAX. */
size_t mmn_neuron_lists_domain(const mmn_neuron_lists *lists, const char *name);
/* The module called `name`, or NULL. */
const mmn_listed_module *mmn_neuron_lists_module(const mmn_neuron_lists *lists, const char *name);

/* How many neurons are in both lists of one module. */
size_t mmn_neuron_list_common(const mmn_neuron_list *a, const mmn_neuron_list *b);

#endif
