/* The softmax of one row, shared by the softmax and the attention kernels. */
#ifndef MMN_REFERENCE_SOFTMAX_H
#define MMN_REFERENCE_SOFTMAX_H

#include <stddef.h>

/* Softmax over values[begin..end), in place. Lane j of the sum takes the elements whose index, not
 * their distance from `begin`, is j modulo 16. */
void mmn_softmax_row(float *values, size_t begin, size_t end);

#endif
