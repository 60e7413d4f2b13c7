/* Domains: the names that the samples of a list belong to. */
#ifndef MMN_NEURONS_DOMAINS_H
#define MMN_NEURONS_DOMAINS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct mmn_domain {
    char *name;
    uint64_t seen; /* samples of the list, or windows, so far */
    uint64_t left; /* that are to be taken; whoever runs them takes off those that are over */
    uint64_t samples; /* that a study has measured */
} mmn_domain;

/* Zero-initialise; free with mmn_domains_free. */
typedef struct mmn_domains {
    mmn_domain *domains; /* in the bytewise order of their names */
    size_t domain_count, domain_capacity;
} mmn_domains;

/* The index of domain `name`, or SIZE_MAX. */
size_t mmn_domains_find(const mmn_domains *domains, const char *name);
/* Adds a domain, unless it is there. Indices of others may change. MMN_INPUT when there are too
 * many. */
mmn_status mmn_domains_add(mmn_domains *domains, const char *name, mmn_error *error);
void mmn_domains_free(mmn_domains *domains);

#endif
