/* Neurons: those of each module and domain of a model, read from neurons.json or ranked from
 * counts. */
#ifndef MMN_COUNT_NEURONS_H
#define MMN_COUNT_NEURONS_H

#include <stdbool.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/json.h"
#include "count/counts.h"
#include "count/rank.h"
#include "result/result.h"

/* Neurons numbered layer * neurons + neuron, ascending. */
typedef struct mmn_neuron_list {
    uint64_t *numbers;
    size_t count;
} mmn_neuron_list;

typedef struct mmn_listed_module {
    char name[MMN_MODULE_NAME_SIZE];
    uint32_t layers, neurons;
    uint32_t selected;      /* how many neurons the ranking selected, for any of the domains */
    size_t inert;           /* so many layers at the end do not influence the model's output */
    mmn_neuron_list *lists; /* [domain_count] */
    mmn_rank_result result; /* of neurons that were ranked here; else nothing */
} mmn_listed_module;

struct mmn_neurons {
    char *file; /* that they were read from, or their counts, for messages; NULL: none */
    size_t domain_count;
    char **domains; /* in the bytewise order of their names */
    size_t module_count;
    mmn_listed_module modules[MMN_MODULES]; /* in the order of the forward pass */
    char digest[MMN_DIGEST_SIZE];
    char model[MMN_DIGEST_SIZE]; /* of the model that was counted; "": the file does not say */

    mmn_selection selection; /* by which they were found */
    bool ranked;             /* whether they were ranked here; then: */
    mmn_rank_rule rule;
    char second[MMN_DIGEST_SIZE]; /* of the model with which it was compared; "": none */
    char version[32], data[MMN_DIGEST_SIZE], inputs[MMN_DIGEST_SIZE]; /* of the counts */
    uint64_t samples, nonfinite;
    bool unchecked;
};

/* As mmn_neurons_read, of the document of a file that was read already, of which the neurons keep
 * nothing. */
mmn_status mmn_neurons_from_json(mmn_neurons **neurons, json_t *document, const char *file,
                                 mmn_error *error);
/* As mmn_neurons_rank, of a file of counts. */
mmn_status mmn_neurons_rank_file(mmn_neurons **neurons, const char *counts_file,
                                 const mmn_rank_options *options, mmn_error *error);
/* Fills in the digest of the lists. */
mmn_status mmn_neurons_make_digest(mmn_neurons *neurons, mmn_error *error);

/* The number of the domain called `name`, or SIZE_MAX. */
size_t mmn_neurons_find_domain(const mmn_neurons *neurons, const char *name);
/* The module called `name`, or NULL. */
const mmn_listed_module *mmn_neurons_find_module(const mmn_neurons *neurons, const char *name);

/* Marks in domains [domain_count] those that `names` names, separated by commas; NULL: all.
 * MMN_USAGE for one that there is not. */
mmn_status mmn_neurons_choose_domains(uint8_t *domains, const mmn_neurons *neurons,
                                      const char *names, mmn_error *error);
/* MMN_USAGE unless `setting` is "all", "none", or modules that have neurons, joined by "+". */
mmn_status mmn_neurons_check_setting(const mmn_neurons *neurons, const char *setting,
                                     mmn_error *error);
/* Whether `setting` has the module called `name`. */
bool mmn_setting_has(const char *setting, const char *name);
/* Marks in marks [layers][neurons], all 0, the module's neurons of the domains that are marked. */
void mmn_neurons_mark(uint8_t *marks, const mmn_listed_module *module, const uint8_t *domains,
                      size_t domain_count);

/* Whether the list has the neuron of this number. */
bool mmn_neuron_list_has(const mmn_neuron_list *list, uint64_t number);
/* How many neurons are in both lists of one module. */
size_t mmn_neuron_list_common(const mmn_neuron_list *a, const mmn_neuron_list *b);
/* Fills by_domains [domain_count]: how many of the module's neurons belong to 1, 2, ... of the
 * domains. */
void mmn_neurons_by_domains(size_t *by_domains, const mmn_listed_module *module,
                            size_t domain_count);

extern const mmn_form mmn_ranking_form; /* of neurons that were ranked, as a result */

#endif
