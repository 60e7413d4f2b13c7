/* Where the patches of a picture stand among the positions of a prompt. */
#ifndef MMN_STUDY_PATCH_GRID_H
#define MMN_STUDY_PATCH_GRID_H

#include "model/input.h"

/* Positions `first` to first + side * side - 1 are the patches of one picture, row by row; side 0:
 * they do not lie so. */
typedef struct mmn_patch_grid {
    size_t side, first;
} mmn_patch_grid;

/* Of the input's first picture: the whole of it, where its tiles follow. */
mmn_patch_grid mmn_patch_grid_of(const mmn_model *model, const mmn_input *input);

#endif
