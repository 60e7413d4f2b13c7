/* Settings: those that a text names, and those of the experiments where none are named. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "study/plan.h"

static mmn_error error;

/* The settings that are usual when these modules (NULL-terminated) are listed, joined by commas. */
static void expect_usual(const char *const *modules, const char *expected)
{
    mmn_neurons lists = {0};
    mmn_settings settings = {0};
    char joined[256] = "";
    for (; modules[lists.module_count]; lists.module_count++)
        snprintf(lists.modules[lists.module_count].name, MMN_MODULE_NAME_SIZE, "%s",
                 modules[lists.module_count]);
    cr_assert_eq(mmn_settings_make(&settings, NULL, &lists, &error), MMN_OK, "%s", error.message);
    for (size_t i = 0; i < settings.count; i++) {
        strcat(joined, i > 0 ? "," : "");
        strcat(joined, settings.names[i]);
    }
    cr_expect_str_eq(joined, expected);
    mmn_settings_free(&settings);
}

Test(settings, usual_ones_are_those_whose_modules_are_listed)
{
    expect_usual((const char *const[]){"vision", "projector", "language", NULL},
                 "language,vision,vision+projector,projector,all");
    expect_usual((const char *const[]){"vision", "qformer", "query", "language", NULL},
                 "language,vision,qformer+query,vision+qformer+query,all");
    expect_usual((const char *const[]){"language", NULL}, "language");
    expect_usual((const char *const[]){"vision", NULL}, "vision");
}

static void expect_refused(const char *text, const char *part)
{
    mmn_settings settings = {0};
    cr_expect_eq(mmn_settings_make(&settings, text, NULL, &error), MMN_USAGE, "%s", text);
    cr_expect_not_null(strstr(error.message, part), "%s", error.message);
    mmn_settings_free(&settings);
}

Test(settings, text_names_them_once)
{
    mmn_settings settings = {0};
    cr_assert_eq(mmn_settings_make(&settings, "vision+projector,none,vision", NULL, &error),
                 MMN_OK);
    cr_assert_eq(settings.count, 3);
    cr_expect_str_eq(settings.names[0], "vision+projector");
    cr_expect_str_eq(settings.names[1], "none");
    cr_expect_str_eq(settings.names[2], "vision");
    mmn_settings_free(&settings);
    expect_refused("", "no name");
    expect_refused("all,", "no name");
    expect_refused(",all", "no name");
    expect_refused("all,language,all", "\"all\" is named twice");
    expect_refused("a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,A,B,C,D,E,F,G",
                   "more than 32");
}
