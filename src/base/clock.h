/* The clock by which work measures how long it takes. */
#ifndef MMN_BASE_CLOCK_H
#define MMN_BASE_CLOCK_H

/* Seconds, from a beginning that is not specified; it never goes back. */
double mmn_clock(void);

#endif
