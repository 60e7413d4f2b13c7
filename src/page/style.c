/* The look of reports: colours, types and spaces, for pages and for graphics on their own.
 *
 * Graphics name no variables and hide what is dark in a media query, so that programs that know
 * neither show them as on light paper. The series' colours, as those that see no red or no green
 * see them, are at least 15 apart by CIEDE2000, and have a contrast of 3 : 1 with the paper
 * (tests/page measures both in pages); texts are in ink. */
#include <string.h>

#include "base/memory.h"
#include "page/lettering.h"
#include "page/svg.h"

/* On light paper and on dark. */
typedef struct colour {
    const char *name, *light, *dark;
} colour;

static const colour colours[] = {{"paper", "#ffffff", "#12161c"},  {"ink", "#1a1f26", "#e8ebef"},
                                 {"soft", "#566070", "#a6b0bd"},   {"axis", "#8a94a3", "#66717f"},
                                 {"grid", "#e4e8ee", "#29313b"},   {"heat", "#6cb2e6", "#1f6cab"},
                                 {"better", "#6cb2e6", "#1f6cab"}, {"worse", "#f39a57", "#a84a12"},
                                 {"link", "#0069a8", "#5cb8ee"},   {"patch", "#d62f00", "#ff7a45"},
                                 {"other", "#6c7683", "#8b96a4"},  {"band", "#eef2f7", "#1a212a"},
                                 {"between", "#e0e8f2", "#222c38"}};

static const colour series[MMN_SERIES] = {
    {"c0", "#2a6665", "#59b7ee"}, {"c1", "#924c08", "#ef872b"}, {"c2", "#0b7e58", "#329169"},
    {"c3", "#c366a1", "#a866a2"}, {"c4", "#ac7f00", "#ffe51d"}, {"c5", "#4a48b6", "#cfe9ff"},
    {"c6", "#2a3315", "#dce4a7"}, {"c7", "#461b46", "#de9ba3"}};

/* What in graphics has which colour. */
static const struct {
    const char *selector, *property, *name;
} uses[] = {{"svg text", "fill", "ink"},       {"svg .paper", "fill", "paper"},
            {"svg .soft", "fill", "soft"},     {"svg .tick", "fill", "soft"},
            {"svg .stage", "fill", "soft"},    {"svg .inside", "fill", "paper"},
            {"svg .axis", "stroke", "axis"},   {"svg .grid", "stroke", "grid"},
            {"svg .cut", "stroke", "ink"},     {"svg .plain", "stroke", "ink"},
            {"svg .whisker", "stroke", "ink"}, {"svg .mark", "fill", "paper"},
            {"svg .frame", "stroke", "ink"},   {"svg .heat", "fill", "heat"},
            {"svg .better", "fill", "better"}, {"svg .worse", "fill", "worse"},
            {"svg .patch", "fill", "patch"},   {"svg .other", "fill", "other"},
            {"svg .band", "fill", "band"},     {"svg .between", "fill", "between"},
            {"svg .way", "stroke", "patch"}};

/* And of each series. */
static const struct {
    const char *selector, *property;
} series_uses[] = {{"svg rect.s", "fill"}, {"svg path.s", "stroke"}, {"svg .solid.s", "fill"}};

static const char shapes[] =
    "svg .end{text-anchor:end}svg .middle{text-anchor:middle}\n"
    "svg .axis,svg .grid,svg .frame{stroke-width:1}\n"
    "svg .cut,svg .plain{stroke-width:1.5;stroke-dasharray:4 3}\n"
    "svg .whisker,svg .mark,svg .way{stroke-width:1.5}svg .frame{fill:none}\n"
    "svg .line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}"
    "svg .dashed{stroke-width:1.5;stroke-dasharray:3 4}\n";

#define FONTS "system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",\"DejaVu Sans\",sans-serif"

static const colour *find(const char *name)
{
    size_t i = 0;
    while (i + 1 < MMN_LENGTH(colours) && strcmp(colours[i].name, name) != 0)
        i++;
    return &colours[i];
}

static void add_uses(mmn_text *text, bool dark)
{
    for (size_t i = 0; i < MMN_LENGTH(uses); i++) {
        const colour *used = find(uses[i].name);
        mmn_text_add(text, "%s{%s:%s}\n", uses[i].selector, uses[i].property,
                     dark ? used->dark : used->light);
    }
    for (size_t i = 0; i < MMN_LENGTH(series_uses); i++)
        for (size_t s = 0; s < MMN_SERIES; s++)
            mmn_text_add(text, "%s%zu{%s:%s}%s", series_uses[i].selector, s,
                         series_uses[i].property, dark ? series[s].dark : series[s].light,
                         s + 1 < MMN_SERIES ? "" : "\n");
}

void mmn_style_add_graphics(mmn_text *text)
{
    mmn_text_add(text, "svg{font:12px " FONTS ";font-variant-numeric:tabular-nums}\n");
    for (const mmn_lettering *letters = mmn_letterings; letters->name; letters++) {
        mmn_text_add(text, "svg %s%s{font-size:", *letters->name == '\0' ? "text" : ".",
                     letters->name);
        mmn_text_add_real(text, letters->size);
        mmn_text_add(text, "px%s}", letters->bold ? ";font-weight:600" : "");
    }
    mmn_text_add(text, "\n%s", shapes);
    add_uses(text, false);
    mmn_text_add(text, "@media screen and (prefers-color-scheme:dark){\n");
    add_uses(text, true);
    mmn_text_add(text, "}\n");
}

/* Variables, for the page, whose readers have browsers. */
static void add_variables(mmn_text *text, bool dark)
{
    mmn_text_add(text, ":root{color-scheme:%s;", dark ? "dark" : "light");
    for (size_t i = 0; i < MMN_LENGTH(colours); i++)
        mmn_text_add(text, "--%s:%s;", colours[i].name, dark ? colours[i].dark : colours[i].light);
    for (size_t s = 0; s < MMN_SERIES; s++)
        mmn_text_add(text, "--%s:%s;", series[s].name, dark ? series[s].dark : series[s].light);
    mmn_text_add(text, "}\n");
}

static const char page[] =
    "*{box-sizing:border-box}\n"
    "html{-webkit-text-size-adjust:100%}\n"
    "body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,"
    "-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",sans-serif}\n"
    "header,main,footer,nav{max-width:74rem;margin:0 auto;padding:0 1.25rem}\n"
    "header{padding-top:2.5rem}h1{font-size:1.9rem;line-height:1.2;margin:0 0 .4rem;"
    "letter-spacing:-.01em}\n"
    "h2{font-size:1.3rem;line-height:1.3;margin:0 0 .4rem}\n"
    "p,figcaption{max-width:44rem;margin:0 0 1rem;overflow-wrap:anywhere;text-wrap:pretty}\n"
    ".facts{display:flex;flex-wrap:wrap;gap:.4rem 2.2rem;margin:.6rem 0 1.4rem;"
    "font-size:.875rem}.facts div{min-width:0}.facts dt{color:var(--soft)}"
    ".facts dd{margin:0;overflow-wrap:anywhere}\n"
    ".lead{font-size:1.15rem;line-height:1.45;max-width:54rem;margin:0 0 .5rem}"
    ".finding{max-width:54rem;margin:.9rem 0;padding-left:1.1rem}.finding li{margin:.3rem "
    "0}.note{color:var(--soft);font-size:.875rem}\n"
    "figcaption{color:var(--soft);margin-bottom:1.2rem}figcaption p{margin-bottom:.3rem}\n"
    "a{color:var(--link)}a:focus-visible,summary:focus-visible,.scroll:focus-visible{"
    "outline:3px solid var(--link);outline-offset:2px}\n"
    ".skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:1rem;background:var(--paper);"
    "padding:.5rem}\n"
    "nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;margin:.8rem 0 0;"
    "padding:0}\n"
    "section{border-top:1px solid var(--grid);margin-top:2rem;padding-top:1.6rem}\n"
    "figure{margin:0}.panels{display:flex;flex-wrap:wrap;gap:1.6rem 2.4rem;"
    "align-items:flex-start}\n"
    ".panels>.scroll{max-width:100%;overflow-x:auto}.panels svg{display:block;max-width:100%;"
    "height:auto}.panels .wide svg{max-width:none}\n"
    "details{margin-top:1rem}summary{cursor:pointer;color:var(--soft)}\n"
    ".table{overflow:auto;max-height:32rem;margin-top:.6rem}\n"
    "table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums}\n"
    "caption{text-align:left;color:var(--soft);padding-bottom:.4rem}\n"
    "th,td{padding:.25rem .8rem .25rem 0;text-align:left;border-bottom:1px solid var(--grid);"
    "vertical-align:top;unicode-bidi:isolate;overflow-wrap:break-word;max-width:24rem}\n"
    "tbody th{font-weight:400}thead th{font-weight:600;color:var(--soft)}"
    ".n{text-align:right}\n"
    "code{font-size:.9em;overflow-wrap:anywhere}\n"
    ".remark{border-left:4px solid var(--worse);padding-left:.8rem}\n"
    "footer{color:var(--soft);padding-top:2rem;padding-bottom:3rem;font-size:.875rem}\n"
    "@media (max-width:30rem){header,main,footer,nav{padding-left:.5rem;padding-right:.5rem}}\n"
    "@media print{nav,.skip,summary{display:none}h1,h2,figcaption{break-after:avoid}"
    "figcaption,.finding li{break-inside:avoid}.panels{display:block;orphans:1;widows:1}"
    ".panels>.scroll{display:inline-block;vertical-align:top;margin:0 1.6rem 1rem 0;"
    "break-inside:avoid;overflow:visible}.panels .wide svg{max-width:100%}"
    ".table{max-height:none;overflow:visible}body{font-size:11pt}}\n";

void mmn_style_add_page(mmn_text *text)
{
    add_variables(text, false);
    mmn_text_add(text, "@media screen and (prefers-color-scheme:dark){");
    add_variables(text, true);
    mmn_text_add(text, "}\n%s", page);
}
