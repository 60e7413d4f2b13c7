/* Checks: for every kernel of the table one trial with random arguments. A kernel without one does
 * not link. */
#ifndef MMN_TESTS_KERNELS_CHECKS_H
#define MMN_TESTS_KERNELS_CHECKS_H

#include "trial.h"

/* The reference's result is put together from calls with parts of the arguments, cut at random, so
 * that it is the same for every division of the work; the table's comes from one call. */
#define MMN_KERNEL_CHECK(kernel, arguments) void check_##kernel(trial *t);
MMN_KERNELS(MMN_KERNEL_CHECK)
#undef MMN_KERNEL_CHECK

#endif
