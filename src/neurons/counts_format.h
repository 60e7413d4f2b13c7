/* Counts files: what their writer and their reader agree on. */
#ifndef MMN_NEURONS_COUNTS_FORMAT_H
#define MMN_NEURONS_COUNTS_FORMAT_H

/* The metadata's "format", of counts and of the state of an unfinished run. */
#define MMN_COUNTS_FORMAT "mmneuron-counts-1"
#define MMN_COUNTS_STATE_FORMAT "mmneuron-counts-state-1"

#endif
