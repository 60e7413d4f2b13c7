/* The palette of pages: domains are told apart by those who see no red or no green, and everything
 * on its paper. Colours are read from a page that was written. */
#include <math.h>

#include "drawn.h"

TestSuite(palette, .init = make_folder, .fini = remove_folder);

enum { SERIES = 8 };

/* ---- Colours --------------------------------------------------------------------------------- */

typedef struct lab {
    double l, a, b;
} lab;

static double degrees(double radians)
{
    const double angle = radians * 180 / acos(-1);
    return angle < 0 ? angle + 360 : angle;
}

static double cosine(double angle)
{
    return cos(angle * acos(-1) / 180);
}

static double seventh(double chroma)
{
    return sqrt(pow(chroma, 7) / (pow(chroma, 7) + pow(25, 7)));
}

/* CIEDE2000, by Sharma, Wu and Dalal (2005), with all weights 1. */
static double difference(lab x, lab y)
{
    const double stretch = 1.5 - seventh((hypot(x.a, x.b) + hypot(y.a, y.b)) / 2) / 2;
    const double cx = hypot(x.a * stretch, x.b), cy = hypot(y.a * stretch, y.b);
    const double hx = cx > 0 ? degrees(atan2(x.b, x.a * stretch)) : 0;
    const double hy = cy > 0 ? degrees(atan2(y.b, y.a * stretch)) : 0;
    double turn = hy - hx, hue = hx + hy;
    if (cx * cy > 0) {
        if (fabs(turn) > 180) {
            turn += turn > 0 ? -360 : 360;
            hue += hue < 360 ? 360 : -360;
        }
        hue /= 2;
    } else {
        turn = 0;
    }
    const double l = (x.l + y.l) / 2 - 50, c = (cx + cy) / 2;
    const double t = 1 - 0.17 * cosine(hue - 30) + 0.24 * cosine(2 * hue) +
                     0.32 * cosine(3 * hue + 6) - 0.20 * cosine(4 * hue - 63);
    const double rotation = 60 * exp(-pow((hue - 275) / 25, 2));
    const double dl = (y.l - x.l) / (1 + 0.015 * l * l / sqrt(20 + l * l));
    const double dc = (cy - cx) / (1 + 0.045 * c);
    const double dh = 2 * sqrt(cx * cy) * cosine(90 - turn / 2) / (1 + 0.015 * c * t);
    return sqrt(dl * dl + dc * dc + dh * dh - 2 * seventh(c) * cosine(90 - rotation) * dc * dh);
}

/* Pairs of the authors' published test data, at the formula's discontinuities among others. */
Test(palette, measures_as_published)
{
    static const struct {
        lab x, y;
        double expected;
    } pairs[] = {
        {{50, 2.6772, -79.7751}, {50, 0, -82.7485}, 2.0425},
        {{50, 3.1571, -77.2803}, {50, 0, -82.7485}, 2.8615},
        {{50, -1.3802, -84.2814}, {50, 0, -82.7485}, 1.0000},
        {{50, 0, 0}, {50, -1, 2}, 2.3669},
        {{50, 2.49, -0.001}, {50, -2.49, 0.0009}, 7.1792},
        {{50, 2.49, -0.001}, {50, -2.49, 0.0011}, 7.2195},
        {{50, -0.001, 2.49}, {50, 0.0009, -2.49}, 4.8045},
        {{50, 2.5, 0}, {73, 25, -18}, 27.1492},
        {{50, 2.5, 0}, {61, -5, 29}, 22.8977},
        {{50, 2.5, 0}, {56, -27, -3}, 31.9030},
        {{50, 2.5, 0}, {58, 24, 15}, 19.4535},
        {{60.2574, -34.0099, 36.2677}, {60.4626, -34.1751, 39.4387}, 1.2644},
        {{63.0109, -31.0961, -5.8663}, {62.8187, -29.7946, -4.0864}, 1.2630},
        {{22.7233, 20.0904, -46.694}, {23.0331, 14.973, -42.5619}, 2.0373},
        {{90.8027, -2.0831, 1.441}, {91.1528, -1.6435, 0.0447}, 1.4441},
        {{2.0776, 0.0795, -1.135}, {0.9033, -0.0636, -0.5514}, 0.9082},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        cr_expect_float_eq(difference(pairs[i].x, pairs[i].y), pairs[i].expected, 5e-5, "%zu", i);
        cr_expect_float_eq(difference(pairs[i].y, pairs[i].x), pairs[i].expected, 5e-5, "%zu", i);
    }
}

/* Linear red, green and blue. */
typedef struct light {
    double of[3];
} light;

static light light_of(const char *hexadecimal)
{
    light seen;
    cr_assert(*hexadecimal == '#' && strlen(hexadecimal) == 7, "%s", hexadecimal);
    for (int i = 0; i < 3; i++) {
        const char digits[] = {hexadecimal[1 + 2 * i], hexadecimal[2 + 2 * i], '\0'};
        const double value = (double)strtol(digits, NULL, 16) / 255;
        seen.of[i] = value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
    }
    return seen;
}

static light through(const double matrix[9], light colour)
{
    light seen;
    for (int i = 0; i < 3; i++) {
        const double *row = matrix + (ptrdiff_t)3 * i;
        const double sum = row[0] * colour.of[0] + row[1] * colour.of[1] + row[2] * colour.of[2];
        seen.of[i] = fmin(fmax(sum, 0), 1);
    }
    return seen;
}

/* Everyone; and without the cones for long, or for middle waves, by Machado, Oliveira and Fernandes
 * (2009), of full severity. */
static const double views[][9] = {
    {1, 0, 0, 0, 1, 0, 0, 0, 1},
    {0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998},
    {0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881}};

static double curve(double share)
{
    return share > 216.0 / 24389 ? pow(share, 1.0 / 3) : (24389.0 / 27 * share + 16) / 116;
}

/* CIELAB of sRGB, with the white of D65. */
static lab lab_of(light colour)
{
    const double *c = colour.of;
    const double x = curve((0.4124564 * c[0] + 0.3575761 * c[1] + 0.1804375 * c[2]) / 0.95047);
    const double y = curve(0.2126729 * c[0] + 0.7151522 * c[1] + 0.0721750 * c[2]);
    const double z = curve((0.0193339 * c[0] + 0.1191920 * c[1] + 0.9503041 * c[2]) / 1.08883);
    return (lab){116 * y - 16, 500 * (x - y), 200 * (y - z)};
}

/* WCAG's contrast. */
static double contrast(light a, light b)
{
    const double x = 0.2126 * a.of[0] + 0.7152 * a.of[1] + 0.0722 * a.of[2] + 0.05;
    const double y = 0.2126 * b.of[0] + 0.7152 * b.of[1] + 0.0722 * b.of[2] + 0.05;
    return x > y ? x / y : y / x;
}

/* ---- Pages ----------------------------------------------------------------------------------- */

/* The colour that a rule of the style gives, at or behind `at`. */
static light ruled(const char *at, const char *selector, const char *property)
{
    char rule[64], colour[8] = "";
    snprintf(rule, sizeof(rule), "%s{%s:", selector, property);
    const char *found = behind(at, rule, NULL);
    cr_assert_not_null(found, "%s", rule);
    snprintf(colour, sizeof(colour), "%s", found);
    return light_of(colour);
}

/* Where the style for dark paper begins, or that for light. */
static const char *style_of(const char *page, bool dark)
{
    const char *style = behind(page, "<style>", NULL);
    return dark ? behind(style, "@media screen and (prefers-color-scheme:dark){", NULL) : style;
}

Test(palette, tells_domains_apart)
{
    mmn_report *report = report_of(data_files, 4);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    size_t compared = 0;
    for (int dark = 0; dark < 2; dark++) {
        lab seen[SERIES];
        for (size_t view = 0; view < sizeof(views) / sizeof(views[0]); view++)
            for (size_t s = 0; s < SERIES; s++) {
                char selector[24];
                snprintf(selector, sizeof(selector), "svg rect.s%zu", s);
                seen[s] =
                    lab_of(through(views[view], ruled(style_of(page, dark), selector, "fill")));
                for (size_t other = 0; other < s; other++, compared++)
                    cr_expect_geq(difference(seen[s], seen[other]), 15.0, "%s, view %zu: %zu, %zu",
                                  dark ? "dark" : "light", view, s, other);
            }
    }
    cr_assert_eq(compared, 2 * 3 * SERIES * (SERIES - 1) / 2);
    mmn_free(page);
    mmn_report_free(report);
}

Test(palette, stands_out_from_its_paper)
{
    static const struct {
        const char *selector, *property;
        double least;
    } uses[] = {{"svg text", "fill", 7},
                {"svg .soft", "fill", 4.5},
                {"svg .tick", "fill", 4.5},
                {"svg .other", "fill", 3},
                {"svg .whisker", "stroke", 7}};
    mmn_report *report = report_of(data_files, 4);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    for (int dark = 0; dark < 2; dark++) {
        const char *style = style_of(page, dark);
        const light paper = ruled(style, "svg .paper", "fill");
        for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
            cr_expect_geq(contrast(ruled(style, uses[i].selector, uses[i].property), paper),
                          uses[i].least, "%s", uses[i].selector);
        for (size_t s = 0; s < SERIES; s++) {
            char selector[24];
            snprintf(selector, sizeof(selector), "svg path.s%zu", s);
            cr_expect_geq(contrast(ruled(style, selector, "stroke"), paper), 3.0, "%s", selector);
        }
        /* What is written on the fullest shades. */
        const light ink = ruled(style, "svg text", "fill");
        cr_expect_geq(contrast(ruled(style, "svg .worse", "fill"), ink), 4.5);
        cr_expect_geq(contrast(ruled(style, "svg .better", "fill"), ink), 4.5);
        cr_expect_geq(contrast(ruled(style, "svg .heat", "fill"), ink), 4.5);
    }
    mmn_free(page);
    mmn_report_free(report);
}
