/* Counts files: what their writer and their reader agree on. */
#ifndef MMN_NEURONS_COUNTS_FORMAT_H
#define MMN_NEURONS_COUNTS_FORMAT_H

/* The metadata's "format", of counts and of the state of an unfinished run; and of counts of before
 * there were checksums. */
#define MMN_COUNTS_FORMAT "mmneuron-counts-2"
#define MMN_COUNTS_STATE_FORMAT "mmneuron-counts-state-2"
#define MMN_COUNTS_UNCHECKED_FORMAT "mmneuron-counts-1"

/* The metadata's key of mmn_tensors_checksum over all the rest. */
#define MMN_COUNTS_CHECKSUM "checksum"

#endif
