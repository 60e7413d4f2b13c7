/* Where the patches of a picture stand among the positions of a prompt. */
#include "study/patch_grid.h"

#include "model/model.h"

/* The patches of one picture are the first image positions, without the class token. */
mmn_patch_grid mmn_patch_grid_of(const mmn_model *model, const mmn_input *input)
{
    const mmn_vision_config *vision = &model->config.vision;
    size_t length = mmn_input_length(input), side = vision->grid, first = 0;

    if (mmn_input_image_positions(input) < side * side || side == 0 ||
        mmn_vision_feature_tokens(vision) != side * side)
        return (mmn_patch_grid){0};
    while (first < length && !mmn_input_is_image(input, first))
        first++;
    if (first + side * side > length)
        return (mmn_patch_grid){0};
    return (mmn_patch_grid){side, first};
}
