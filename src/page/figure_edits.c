/* The figure of edits over a list: what ways of editing do to the answer, to other pictures of the
 * thing and to everything else. */
#include "base/memory.h"
#include "page/figure_means.h"

static const struct {
    const char *measure, *title;
} panels[] = {{"reliability", "reliability: answers that are edited"},
              {"generality", "generality: other pictures that follow"},
              {"locality", "locality: other answers that stay"},
              {"fall", "fall of ln p per token of other answers"}};

static mmn_status draw(mmn_figure *figure, const mmn_results *results, size_t row)
{
    (void)row;
    for (size_t i = 0; i < MMN_LENGTH(panels); i++) {
        const mmn_figure_means means = {"summary", panels[i].measure, "method", "chosen", ""};
        MMN_TRY(mmn_figure_draw_means(figure, results->of[MMN_RESULT_EDITS].result, &means,
                                      panels[i].title));
    }
    return MMN_OK;
}

const mmn_figure_form mmn_edit_figures[] = {
    {.name = "edits",
     .title = "What edits do",
     .kind = MMN_RESULT_EDITS,
     .words =
         "A word of each answer is edited to be another, directly and by an optimiser, with the "
         "neurons that contribute most to it (coloured), with as many random ones and with all "
         "of one layer (grey): the share of edits whose answer has the other word, of other "
         "pictures of the thing whose answers have it then, and of everything else whose "
         "answers stay, and by how much ln p per token of those falls; with 95 % intervals "
         "over edits.",
     .rows = "summary",
     .columns = MMN_FIGURE_COLUMNS({"domain", 0, "domain"}, {"method", 0, "method"},
                                   {"neurons", 0, "chosen"}, {"measure", 0, "measure"},
                                   {"edits", 0, "count"}, {"mean", 4, "mean"},
                                   {"95 % from", 4, "low"}, {"95 % to", 4, "high"}),
     .draw = draw},
    {0}};
