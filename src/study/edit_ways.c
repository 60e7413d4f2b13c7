/* The ways of making an edit: their names, and which are alike. */
#include "study/edit_list.h"

const char *const mmn_edit_chosen_names[MMN_EDIT_CHOSEN] = {
    [MMN_EDIT_TOP] = "top", [MMN_EDIT_RANDOM] = "random", [MMN_EDIT_LAYER] = "layer"};
const char *const mmn_edit_measure_names[MMN_EDIT_MEASURES] = {[MMN_EDIT_RELIABILITY] =
                                                                   "reliability",
                                                               [MMN_EDIT_GENERALITY] = "generality",
                                                               [MMN_EDIT_LOCALITY] = "locality",
                                                               [MMN_EDIT_FALL] = "fall"};

uint64_t mmn_edit_seed(const mmn_edit_way *way, uint64_t line)
{
    return way->seed + (line << 32);
}

bool mmn_edit_alike(const mmn_edit_way *a, const mmn_edit_way *b)
{
    return a->optimised == b->optimised && a->chosen == b->chosen;
}
