/* The figures of how many domains neurons have: how many they belong to, and in how many they are
 * active by their entropy. */
#include "base/memory.h"
#include "count/neurons.h"
#include "page/figure.h"
#include "page/text.h"

/* A panel of columns over the numbers of domains from 1 on. */
static mmn_chart chart_of(mmn_svg *svg, size_t domains, size_t largest)
{
    *svg = (mmn_svg){.width = MMN_PANEL_WIDTH, .height = 200};
    return (mmn_chart){.svg = svg,
                       .left = 44,
                       .top = 40,
                       .headroom = 22,
                       .width = MMN_PANEL_WIDTH - 56,
                       .height = 120,
                       .x_minimum = 0.5,
                       .x_maximum = (double)domains + 0.5,
                       .y_maximum = largest > 0 ? (double)largest : 1};
}

static size_t largest_of(const size_t *numbers, size_t count)
{
    size_t largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = numbers[i] > largest ? numbers[i] : largest;
    return largest;
}

/* The column of `neurons` at number `n` of domains: one of `columns` beside each other. */
static void draw_column(const mmn_chart *chart, const char *classes, size_t n, size_t column,
                        size_t columns, size_t neurons)
{
    const double slot = mmn_chart_x(chart, 2) - mmn_chart_x(chart, 1);
    const double bar = slot * 0.7 / (double)columns < 28 ? slot * 0.7 / (double)columns : 28;
    const double left = mmn_chart_x(chart, (double)n) - bar * (double)columns / 2;
    mmn_chart_column(chart, classes, left + bar * (double)column, bar - 1, (double)neurons);
}

/* ---- Domains that neurons belong to ---------------------------------------------------------- */

/* of[n]: how many neurons of the module belong to n + 1 domains. The lists ascend, so the least
 * number that any of them still has is the next neuron. */
static void count_belonging(size_t of[MMN_REPORT_DOMAINS], const mmn_listed_module *module,
                            size_t domains)
{
    size_t next[MMN_REPORT_DOMAINS] = {0};
    for (;;) {
        uint64_t least = UINT64_MAX;
        size_t belongs = 0;
        for (size_t d = 0; d < domains; d++)
            if (next[d] < module->lists[d].count && module->lists[d].numbers[next[d]] < least)
                least = module->lists[d].numbers[next[d]];
        if (least == UINT64_MAX)
            return;
        for (size_t d = 0; d < domains; d++)
            if (next[d] < module->lists[d].count && module->lists[d].numbers[next[d]] == least) {
                next[d]++;
                belongs++;
            }
        of[belongs - 1]++;
    }
}

static mmn_status draw_belonging(mmn_figure *figure, const mmn_results *results, size_t row)
{
    const size_t domains = results->lists->domain_count;
    (void)row;
    for (size_t m = 0; m < results->lists->module_count; m++) {
        const mmn_listed_module *module = &results->lists->modules[m];
        size_t of[MMN_REPORT_DOMAINS] = {0};
        mmn_svg svg;
        count_belonging(of, module, domains);
        mmn_chart chart = chart_of(&svg, domains, largest_of(of, domains));
        mmn_chart_make_room(&chart, 4, true);
        mmn_chart_grid_y(&chart, "neurons", 4, true);
        for (size_t n = 1; n <= domains; n++) {
            draw_column(&chart, "s0", n, 0, 1, of[n - 1]);
            MMN_CELLS(&figure->table, mmn_as_text(module->name), mmn_as_whole(n),
                      mmn_as_whole(of[n - 1]));
        }
        mmn_chart_axis_x(&chart, "domains", 8, true);
        MMN_TRY(mmn_figure_panel(figure, &svg, module->name));
    }
    return MMN_OK;
}

/* ---- Domains that neurons are active in ------------------------------------------------------ */

/* The whole number of domains that exp(entropy) is nearest to: n from ln(n - 1/2) on, which is
 * taken as ln(2n - 1) - ln 2. */
static size_t active_in(double entropy, size_t domains)
{
    size_t n = 1;
    while (n < domains &&
           entropy >= mmn_rank_highest_entropy(2 * n + 1) - mmn_rank_highest_entropy(2))
        n++;
    return n;
}

static mmn_status draw_module(mmn_figure *figure, const mmn_listed_module *module,
                              uint32_t selected, size_t domains)
{
    size_t above[MMN_REPORT_DOMAINS] = {0}, chosen[MMN_REPORT_DOMAINS] = {0};
    const mmn_rank_result *result = &module->result;
    mmn_svg svg;
    for (size_t i = 0; i < result->selected; i++) {
        const size_t n = active_in(result->entropy[i], domains) - 1;
        above[n]++;
        chosen[n] += i < selected;
    }
    mmn_chart chart = chart_of(&svg, domains, largest_of(above, domains));
    mmn_chart_make_room(&chart, 4, true);
    mmn_chart_grid_y(&chart, "neurons", 4, true);
    for (size_t n = 1; n <= domains; n++) {
        draw_column(&chart, "other", n, 0, 2, above[n - 1]);
        draw_column(&chart, "s0", n, 1, 2, chosen[n - 1]);
        MMN_CELLS(&figure->table, mmn_as_text(module->name), mmn_as_whole(n),
                  mmn_as_whole(above[n - 1]), mmn_as_whole(chosen[n - 1]));
    }
    mmn_chart_axis_x(&chart, "active in about so many domains", 8, true);
    return mmn_figure_panel(figure, &svg, module->name);
}

static mmn_status draw_active(mmn_figure *figure, const mmn_results *results, size_t row)
{
    const mmn_neurons *ranking = results->ranking;
    (void)row;
    for (size_t m = 0; m < ranking->module_count; m++) {
        const mmn_listed_module *module = &ranking->modules[m];
        const mmn_listed_module *listed = mmn_neurons_find_module(results->lists, module->name);
        if (listed)
            MMN_TRY(draw_module(figure, module, listed->selected, ranking->domain_count));
    }
    return MMN_OK;
}

const mmn_figure_form mmn_domain_figures[] = {
    {.name = "domains",
     .title = "Neurons by the number of domains that they belong to",
     .kind = MMN_RESULT_NEURONS,
     .words = "How many of a module's neurons belong to one domain only, to two, ...",
     .columns = MMN_FIGURE_COLUMNS({"module", 0, NULL}, {"domains", 0, NULL}, {"neurons", 0, NULL}),
     .draw = draw_belonging},
    {.name = "active-domains",
     .title = "Neurons by the number of domains that they are active in",
     .kind = MMN_RESULT_COUNTS,
     .words = "The exponential of a neuron's entropy over domains is 1 where the neuron is active "
              "in one domain only, 2 where in two alike, and so on up to all of them; here it is "
              "rounded to a whole number. Grey: neurons above the bar; coloured: those that the "
              "ranking selects.",
     .columns = MMN_FIGURE_COLUMNS({"module", 0, NULL}, {"active in domains", 0, NULL},
                                   {"neurons above the bar", 0, NULL}, {"selected", 0, NULL}),
     .draw = draw_active},
    {0}};
