/* failing_allocator.h: lets a chosen allocation of the library fail, by the allocator that a caller
 * may set. */
#ifndef TESTS_TOOLS_FAILING_ALLOCATOR_H
#define TESTS_TOOLS_FAILING_ALLOCATOR_H

/* The library's allocation with this number from now on (1 is the next) fails; 0: none does. */
void fail_allocation_at(unsigned long number);

#endif
