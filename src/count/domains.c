/* Domains: the names that the samples of a list belong to. */
#include "count/domains.h"

#include <string.h>

#include "base/memory.h"
#include "count/counts.h"

size_t mmn_domains_find(const mmn_domains *domains, const char *name)
{
    for (size_t d = 0; d < domains->domain_count; d++)
        if (strcmp(domains->domains[d].name, name) == 0)
            return d;
    return SIZE_MAX;
}

mmn_status mmn_domains_add(mmn_domains *domains, const char *name, mmn_error *error)
{
    size_t count = domains->domain_count, place = count;
    if (mmn_domains_find(domains, name) != SIZE_MAX)
        return MMN_OK;
    if (count == MMN_DOMAIN_LIMIT)
        return mmn_fail(error, MMN_INPUT, NULL, name, "there are more than %d domains",
                        MMN_DOMAIN_LIMIT);
    mmn_domain domain = {.name = mmn_copy_text(name, error)};
    mmn_status status = domain.name ? mmn_reserve(&domains->domains, &domains->domain_capacity,
                                                  count + 1, sizeof(domain), error)
                                    : MMN_SYSTEM;
    if (status != MMN_OK) {
        mmn_free(domain.name);
        return status;
    }
    for (; place > 0 && strcmp(domains->domains[place - 1].name, name) > 0; place--)
        domains->domains[place] = domains->domains[place - 1];
    domains->domains[place] = domain;
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
