/* failing_allocator.h: lets a chosen allocation of the library fail, and says how much it has asked
 * for, by the allocator that a caller may set. */
#ifndef TESTS_TOOLS_FAILING_ALLOCATOR_H
#define TESTS_TOOLS_FAILING_ALLOCATOR_H

#include <stddef.h>

/* The library's allocation with this number from now on (1 is the next) fails; 0: none does. */
void fail_allocation_at(unsigned long number);

/* Bytes that the library has asked for since the process began, freed ones among them. */
size_t bytes_asked_for(void);

#endif
