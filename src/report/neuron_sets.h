/* The neurons of neurons.json as sets of numbers, for the figures about them. */
#ifndef MMN_REPORT_NEURON_SETS_H
#define MMN_REPORT_NEURON_SETS_H

#include "report/results.h"

enum { MMN_SET_MODULES = 8 }; /* at most, in a file */

typedef struct mmn_neuron_set {
    size_t domain;     /* its number among the results' */
    uint64_t *numbers; /* layer * neurons + neuron, ascending */
    size_t count;
} mmn_neuron_set;

typedef struct mmn_module_sets {
    const char *name;
    uint32_t layers, neurons, selected;
    size_t inert; /* so many layers at the end do not influence the model's output */
    mmn_neuron_set *sets; /* [count], in the file's order */
    size_t count;
} mmn_module_sets;

typedef struct mmn_neuron_sets {
    mmn_module_sets modules[MMN_SET_MODULES];
    size_t count;
} mmn_neuron_sets;

/* Reads the document of the results' neurons. On failure nothing needs to be freed. */
mmn_status mmn_neuron_sets_read(mmn_neuron_sets *sets, mmn_results *results, mmn_error *error);
void mmn_neuron_sets_free(mmn_neuron_sets *sets);

/* How many numbers are in both. */
size_t mmn_neuron_set_common(const mmn_neuron_set *a, const mmn_neuron_set *b);

#endif
