/* The modules of all models that hold neurons: their names, and what is usually done with them.
 * Everything about neurons, results and the program goes through this table; a module that is added
 * to it needs no other edit there. */
#ifndef MMN_BASE_MODULES_H
#define MMN_BASE_MODULES_H

#include <stdbool.h>

#include "mmneuron.h"

/* In the order of the forward pass. */
typedef enum mmn_module_number {
    MMN_MODULE_VISION,
    MMN_MODULE_PROJECTOR,
    MMN_MODULE_QFORMER,
    MMN_MODULE_QUERY,
    MMN_MODULE_LANGUAGE,
    MMN_MODULES
} mmn_module_number;

typedef struct mmn_module_kind {
    const char *name;
    const char *published; /* the name in MMNeuron's code (arXiv 2406.11193), or NULL */
    const char *stages;    /* that show its neurons: "vision.layers.{i}.mlp.act" */
    bool reads_sequence;   /* its positions are the language model's, image features among them */
} mmn_module_kind;

extern const mmn_module_kind mmn_module_kinds[MMN_MODULES];

/* The number of the module of this name, or MMN_MODULES. */
mmn_module_number mmn_module_number_of(const char *name);

/* A model's module of that kind. Layers from `first_inert_layer` on cannot influence the output. */
mmn_module mmn_module_of(mmn_module_number number, uint32_t layers, uint32_t neurons,
                         uint32_t first_inert_layer);

/* The experiments of MMNeuron (section 4) on all families: sets of modules whose neurons are
 * switched off together, their names joined by "+". NULL ends them. */
extern const char *const mmn_usual_settings[];

#endif
