/* The figure of what becomes of each language's texts over the rates and bars of a sweep. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "page/lines.h"

/* What a domain's texts are with neurons off, in nats per token; NaN: not known. */
typedef struct effect {
    double own, random; /* of random ones the sum, then the mean */
    size_t seeds;
} effect;

typedef struct sweep {
    const mmn_result *result;
    size_t points, domains;
    double nothing[MMN_REPORT_DOMAINS]; /* with nothing off */
    effect *effects;                    /* [points][domains] */
} sweep;

/* The point with this setting; `points` if there is none. */
static size_t find_point(const sweep *of, const char *setting)
{
    size_t point = 0;
    while (point < of->points && !mmn_row_is(of->result, "points", point, "setting", setting))
        point++;
    return point;
}

static void take_run(sweep *of, const mmn_results *results, size_t run)
{
    const mmn_result *result = of->result;
    const double nats = mmn_result_number(result, "runs", run, "nats");
    const size_t domain =
        mmn_results_domain(results, mmn_result_text(result, "runs", run, "domain"));
    if (mmn_row_is(result, "runs", run, "off", "nothing"))
        of->nothing[domain] = nats;
    const size_t point = find_point(of, mmn_result_text(result, "runs", run, "setting"));
    if (point == of->points)
        return;
    effect *found = &of->effects[point * of->domains + domain];
    if (mmn_row_is(result, "runs", run, "off", "domain"))
        found->own = nats;
    if (mmn_row_is(result, "runs", run, "off", "random")) {
        found->random += nats;
        found->seeds++;
    }
}

static void take_runs(sweep *of, const mmn_results *results)
{
    for (size_t d = 0; d < of->domains; d++)
        of->nothing[d] = (double)NAN;
    for (size_t i = 0; i < of->points * of->domains; i++)
        of->effects[i].own = (double)NAN;
    for (size_t run = 0; run < mmn_result_rows(of->result, "runs"); run++)
        take_run(of, results, run);
    for (size_t i = 0; i < of->points * of->domains; i++) {
        effect *found = &of->effects[i];
        found->random = found->seeds > 0 ? found->random / (double)found->seeds : (double)NAN;
    }
}

/* How many neurons of a domain are off at a point. */
static mmn_value neurons_of(const sweep *of, size_t point, const char *domain)
{
    const mmn_rows rows = mmn_rows_below(of->result, "neurons", "points", point);
    for (size_t row = rows.first; row < rows.end; row++)
        if (mmn_row_is(of->result, "neurons", row, "of", domain))
            return mmn_row_value(of->result, "neurons", row, "count");
    return mmn_as_nothing();
}

static void fill_table(mmn_report_table *table, const sweep *of, const mmn_results *results)
{
    for (size_t point = 0; point < of->points; point++)
        for (size_t d = 0; d < of->domains; d++) {
            const effect *found = &of->effects[point * of->domains + d];
            if (isfinite(found->own))
                MMN_CELLS(table, mmn_row_value(of->result, "points", point, "setting"),
                          mmn_row_value(of->result, "points", point, "rate"),
                          mmn_row_value(of->result, "points", point, "bar"),
                          mmn_as_text(results->domains[d]),
                          neurons_of(of, point, results->domains[d]), mmn_as_real(of->nothing[d]),
                          mmn_as_real(found->own), mmn_as_real(found->random),
                          mmn_as_whole(found->seeds));
        }
}

/* ---- Panels ---------------------------------------------------------------------------------- */

/* A panel's points: one number of theirs rises along its axis, the other is the same in all. */
typedef struct panel {
    const sweep *of;
    const char *along, *same;
    size_t count, points[MMN_REPORT_POINTS];
} panel;

/* Of mmn_lines_value: by how much the texts become less likely than with nothing off. */
static double rise_of(const void *context, size_t domain, bool random, size_t place)
{
    const panel *drawn = context;
    const sweep *of = drawn->of;
    const effect *found = &of->effects[drawn->points[place] * of->domains + domain];
    return (random ? found->random : found->own) - of->nothing[domain];
}

/* Of a setting, MODULES@RATE/BAR, the modules. */
static size_t modules_length(const char *setting)
{
    return strcspn(setting, "@");
}

static double number_of(const panel *drawn, const char *column, size_t point)
{
    return mmn_result_number(drawn->of->result, "points", point, column);
}

/* Whether two points, whose numbers are known, differ in the number along the axis at most. */
static bool go_together(const panel *drawn, size_t a, size_t b)
{
    const char *one = mmn_result_text(drawn->of->result, "points", a, "setting");
    const char *other = mmn_result_text(drawn->of->result, "points", b, "setting");
    const size_t length = modules_length(one);
    return length == modules_length(other) && strncmp(one, other, length) == 0 &&
           number_of(drawn, drawn->same, a) == number_of(drawn, drawn->same, b) &&
           isfinite(number_of(drawn, drawn->along, a) + number_of(drawn, drawn->along, b));
}

/* The panel that has this point, whose points ascend. */
static panel panel_with(const sweep *of, const char *along, const char *same, size_t point)
{
    panel made = {.of = of, .along = along, .same = same};
    for (size_t other = 0; other < of->points; other++) {
        size_t place = made.count;
        if (!go_together(&made, point, other))
            continue;
        for (; place > 0 &&
               number_of(&made, along, other) < number_of(&made, along, made.points[place - 1]);
             place--)
            made.points[place] = made.points[place - 1];
        made.points[place] = other;
        made.count++;
    }
    return made;
}

/* Whether the point is the one of its panel that the result has first. */
static bool is_first(const panel *drawn, size_t point)
{
    size_t i = 0;
    while (i < drawn->count && drawn->points[i] >= point)
        i++;
    return drawn->count > 0 && i == drawn->count;
}

/* The modules and the number that all points have: "all, bar 0.95". */
static mmn_status name_panel(char **title, const panel *drawn, mmn_error *error)
{
    const char *setting = mmn_result_text(drawn->of->result, "points", drawn->points[0], "setting");
    mmn_text text = {0};
    mmn_text_add(&text, "%.*s, %s ", (int)modules_length(setting), setting, drawn->same);
    mmn_text_add_real(&text, number_of(drawn, drawn->same, drawn->points[0]));
    return mmn_text_finish(&text, title, error);
}

static mmn_status draw_panel(mmn_figure *figure, const mmn_results *results, mmn_lines *lines,
                             const panel *drawn)
{
    double numbers[MMN_REPORT_POINTS];
    char *title;
    for (size_t i = 0; i < drawn->count; i++)
        numbers[i] = number_of(drawn, drawn->along, drawn->points[i]);
    MMN_TRY(name_panel(&title, drawn, figure->error));
    lines->title = title;
    lines->x_title = drawn->along;
    lines->places = drawn->count;
    lines->numbers = numbers;
    lines->context = drawn;
    const mmn_status status = mmn_lines_draw(figure, results, lines);
    mmn_free(title);
    return status;
}

/* A panel over the rates of each bar, and one over the bars of each rate that has several. */
static mmn_status draw_panels(mmn_figure *figure, const mmn_results *results, const sweep *of)
{
    mmn_lines lines = {.y_title = "more nats per token", .dashed = "random", .value = rise_of};
    for (size_t i = 0; i < of->points * of->domains; i++) { /* all panels have one scale */
        mmn_lines_widen(&lines, of->effects[i].own - of->nothing[i % of->domains]);
        mmn_lines_widen(&lines, of->effects[i].random - of->nothing[i % of->domains]);
    }
    for (size_t point = 0; point < of->points; point++) {
        const panel rates = panel_with(of, "rate", "bar", point);
        const panel bars = panel_with(of, "bar", "rate", point);
        if (is_first(&rates, point) && (rates.count > 1 || bars.count == 1))
            MMN_TRY(draw_panel(figure, results, &lines, &rates));
        if (is_first(&bars, point) && bars.count > 1)
            MMN_TRY(draw_panel(figure, results, &lines, &bars));
    }
    return MMN_OK;
}

static mmn_status draw_sweep(mmn_figure *figure, const mmn_results *results, size_t row)
{
    const mmn_result *result = results->of[MMN_RESULT_SWEEP].result;
    sweep of = {.result = result,
                .points = mmn_result_rows(result, "points"),
                .domains = results->domain_count};
    (void)row;
    if (of.points == 0 || of.domains == 0)
        return MMN_OK;
    MMN_NEED(of.effects = mmn_allocate(of.points * of.domains, sizeof(*of.effects), figure->error));
    take_runs(&of, results);
    fill_table(&figure->table, &of, results);
    const mmn_status status = draw_panels(figure, results, &of);
    mmn_free(of.effects);
    return status;
}

const mmn_figure_form mmn_sweep_figures[] = {
    {.name = "sweep",
     .title = "Effect over rate and bar",
     .kind = MMN_RESULT_SWEEP,
     .words = "By how many nats per token the texts of each domain become less likely than with "
              "nothing off, when its own neurons are off that were ranked at one rate and bar "
              "after another (solid, filled marks), and with as many random neurons of each layer "
              "off (dashed, empty marks, mean over seeds). A domain has the same mark in both.",
     .columns = MMN_FIGURE_COLUMNS({"setting", 0, NULL}, {"rate", 4, NULL}, {"bar", 4, NULL},
                                   {"domain", 0, NULL}, {"neurons", 0, NULL},
                                   {"nothing off (nats)", 4, NULL}, {"own off (nats)", 4, NULL},
                                   {"random off (nats)", 4, NULL}, {"seeds", 0, NULL}),
     .draw = draw_sweep},
    {0}};
