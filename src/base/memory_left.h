/* How much memory the system has left for who wants to choose how much to take. */
#ifndef MMN_BASE_MEMORY_LEFT_H
#define MMN_BASE_MEMORY_LEFT_H

#include <stdint.h>

/* The bytes that the process could take without that anything is swapped out: what Linux calls
 * available, and no more than the limits of the process's control groups (of either version, of
 * those above too) leave; 0: it is not known. Pages of files count as left, since the system gives
 * them up. `root` is where the folders proc and sys lie: "" but in tests. */
uint64_t mmn_memory_left(const char *root);

#endif
