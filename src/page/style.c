/* The look of reports: colours, types and spaces, for pages and for graphics on their own.
 *
 * The series' colours follow Okabe and Ito's palette, which people with any colour vision can tell
 * apart, darkened (or, on dark paper, lightened) until text in them has a contrast of 4.5 : 1. */
#include "page/svg.h"

#define LIGHT                                                                                      \
    "color-scheme:light;--paper:#fff;--ink:#1a1f26;--soft:#566070;--axis:#8a94a3;--grid:#e4e8ee;"  \
    "--heat:#6cb2e6;--patch:#d62f00;--other:#6c7683;--band:#eef2f7;--between:#e0e8f2;"             \
    "--c0:#0069a8;--c1:#b84a00;--c2:#00785a;--c3:#a83a7c;--c4:#806000;--c5:#4a48b8;--c6:#566b00;"  \
    "--c7:#8a3033;"
#define DARK                                                                                       \
    "color-scheme:dark;--paper:#12161c;--ink:#e8ebef;--soft:#a6b0bd;--axis:#66717f;"               \
    "--grid:#29313b;"                                                                              \
    "--heat:#1f6cab;--patch:#ff7a45;--other:#8b96a4;--band:#1a212a;--between:#222c38;"             \
    "--c0:#5cb8ee;--c1:#ff9c5a;--c2:#3cc79d;--c3:#ee9acb;--c4:#e3bb4a;--c5:#aab0ff;--c6:#bccf66;"  \
    "--c7:#ff9292;"

const char mmn_style_graphics[] =
    ":root{" LIGHT "}\n"
    "@media (prefers-color-scheme:dark){:root{" DARK "}}\n"
    "@media print{:root{" LIGHT "}}\n"
    "svg{font:12px system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",sans-serif;"
    "font-variant-numeric:tabular-nums}\n"
    "svg text{fill:var(--ink)}svg .paper{fill:var(--paper)}\n"
    "svg .heading{font-size:14px;font-weight:600}svg .title{font-size:13px;font-weight:600}\n"
    "svg .strong{font-weight:600}svg .soft,svg .tick,svg .stage{fill:var(--soft)}"
    "svg .tick,svg .stage{font-size:11px}\n"
    "svg .inside{fill:var(--paper);font-size:9.5px;font-weight:600}\n"
    "svg .end{text-anchor:end}svg .middle{text-anchor:middle}\n"
    "svg .axis{stroke:var(--axis);stroke-width:1}svg .grid{stroke:var(--grid);stroke-width:1}\n"
    "svg .cut,svg .plain{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:4 3}\n"
    "svg .whisker{stroke:var(--ink);stroke-width:1.5}\n"
    "svg .line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}"
    "svg .dashed{stroke-width:1.5;stroke-dasharray:3 4}\n"
    "svg .heat{fill:var(--heat)}svg .patch{fill:var(--patch)}"
    "svg .frame{fill:none;stroke:var(--ink);stroke-width:1}"
    "svg .other{fill:var(--other)}svg .band{fill:var(--band)}svg .between{fill:var(--between)}\n"
    "svg rect.s0{fill:var(--c0)}svg rect.s1{fill:var(--c1)}svg rect.s2{fill:var(--c2)}"
    "svg rect.s3{fill:var(--c3)}svg rect.s4{fill:var(--c4)}svg rect.s5{fill:var(--c5)}"
    "svg rect.s6{fill:var(--c6)}svg rect.s7{fill:var(--c7)}\n"
    "svg path.s0{stroke:var(--c0)}svg path.s1{stroke:var(--c1)}svg path.s2{stroke:var(--c2)}"
    "svg path.s3{stroke:var(--c3)}svg path.s4{stroke:var(--c4)}svg path.s5{stroke:var(--c5)}"
    "svg path.s6{stroke:var(--c6)}svg path.s7{stroke:var(--c7)}\n"
    "svg text.t0{fill:var(--c0)}svg text.t1{fill:var(--c1)}svg text.t2{fill:var(--c2)}"
    "svg text.t3{fill:var(--c3)}svg text.t4{fill:var(--c4)}svg text.t5{fill:var(--c5)}"
    "svg text.t6{fill:var(--c6)}svg text.t7{fill:var(--c7)}\n";

const char mmn_style_page[] =
    "*{box-sizing:border-box}\n"
    "html{-webkit-text-size-adjust:100%}\n"
    "body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,"
    "-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",sans-serif}\n"
    "header,main,footer,nav{max-width:74rem;margin:0 auto;padding:0 1.25rem}\n"
    "header{padding-top:2.5rem}h1{font-size:1.9rem;line-height:1.2;margin:0 0 .4rem;"
    "letter-spacing:-.01em}\n"
    "header p{max-width:none}h2{font-size:1.3rem;line-height:1.3;margin:0 0 .4rem}\n"
    "p,figcaption{max-width:44rem;margin:0 0 1rem;overflow-wrap:anywhere;text-wrap:pretty}\n"
    "figcaption{color:var(--soft);margin-bottom:1.2rem}figcaption p{margin-bottom:.3rem}\n"
    "a{color:var(--c0)}a:focus-visible,summary:focus-visible,.scroll:focus-visible{"
    "outline:3px solid var(--c1);outline-offset:2px}\n"
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
    ".remark{border-left:4px solid var(--c1);padding-left:.8rem}\n"
    "footer{color:var(--soft);padding-top:2rem;padding-bottom:3rem;font-size:.875rem}\n"
    "@media print{nav,.skip,summary{display:none}h2,figcaption{break-after:avoid}.panels>.scroll{"
    "break-inside:avoid;overflow:visible}.panels .wide svg{max-width:100%}"
    ".table{max-height:none;overflow:visible}body{font-size:11pt}}\n";
