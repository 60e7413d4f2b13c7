/* The matrices of what becomes of every domain while the neurons of each are off. */
#ifndef MMN_PAGE_FIGURE_CROSS_H
#define MMN_PAGE_FIGURE_CROSS_H

#include "page/figure.h"

/* Of accuracies and of likelihoods, a panel for each setting; of perplexities, one; and of
 * languages that samples are steered to, a panel for each setting. */
mmn_figure_drawer mmn_draw_cross, mmn_draw_likelihood_cross, mmn_draw_perplexity_cross,
    mmn_draw_steered;

#endif
