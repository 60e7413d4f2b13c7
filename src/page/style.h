/* The look of reports: colours, types and spaces, for pages and for graphics on their own. */
#ifndef MMN_REPORT_STYLE_H
#define MMN_REPORT_STYLE_H

/* CSS for the shapes of a graphic, light and dark; and for the page around them. */
extern const char mmn_style_graphics[], mmn_style_page[];

#endif
