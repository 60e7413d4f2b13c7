/* Reports of results that are damaged, deep or huge: refused with a reason, or shown; never a
 * crash, and nothing printed. */
#include "../format/damage.h"
#include "results.h"

TestSuite(report_damage, .init = make_folder, .fini = remove_folder);

/* Reads the text as a result and, where it is one, makes the page. */
static mmn_status read_result(const char *text, size_t size)
{
    mmn_report *report;
    const char *file = in_folder("damaged.json");
    FILE *stream = fopen(file, "wb");
    cr_assert(fwrite(text, 1, size, stream) == size && fclose(stream) == 0);
    error = (mmn_error){0};
    mmn_status status = mmn_report_read(&report, &file, 1, NULL, &error);
    cr_assert(status == MMN_OK || status == MMN_INPUT, "%d: %s", status, error.message);
    cr_assert_eq(status == MMN_OK, report != NULL);
    cr_assert_eq(status == MMN_OK, error.message[0] == '\0');
    if (status == MMN_OK)
        mmn_release(written(report, MMN_REPORT_HTML, NULL));
    mmn_report_free(report);
    return status;
}

static size_t shown, refused;

static void read_damaged(const char *text, size_t size)
{
    if (read_result(text, size) == MMN_OK)
        shown++;
    else
        refused++;
}

Test(report_damage, is_survived)
{
    enum { CUTS = 60, FLIPS = 240 };
    for (size_t f = 0; f < MMN_LENGTH(data_files); f++) {
        char *text;
        size_t size;
        cr_assert_eq(mmn_read_file(&text, &size, data_files[f], (size_t)1 << 28, &error), MMN_OK);
        shown = refused = 0;
        damage_silence silence = damage_listen();
        damage_text(read_damaged, text, size, CUTS, FLIPS);
        damage_heard_nothing(silence);
        cr_assert_eq(shown + refused, CUTS + FLIPS);
        /* A ranking's digest gives every change of its neurons away. */
        bool has_digest = strstr(data_files[f], "neurons") != NULL;
        cr_assert(refused > CUTS && (shown > 0 || has_digest), "%s: %zu refused, %zu shown",
                  data_files[f], refused, shown);
        mmn_free(text);
    }
}

static void is_refused(const char *text, const char *reason)
{
    cr_assert_eq(read_result(text, strlen(text)), MMN_INPUT, "%.200s", text);
    cr_assert_not_null(strstr(error.message, reason), "%.200s: %s", text, error.message);
}

static const char *const formats[] = {"neurons", "eval",  "perturb",   "lens",
                                      "contrib", "sweep", "similarity"};
static const char *const parts[] = {"modules", "summary", "curves", "samples",
                                    "words",   "points",  "pairs"};

Test(report_damage, deep_results_are_refused)
{
    for (size_t f = 0; f < MMN_LENGTH(formats); f++) {
        char before[96];
        snprintf(before, sizeof(before), "{\"format\":\"mmneuron-%s-1\",\"%s\":", formats[f],
                 parts[f]);
        char *text = damage_nested(before, '[', 1000000, "");
        is_refused(text, "maximum parsing depth");
        free(text);
    }
}

/* Four million values are the most that any document may have. */
Test(report_damage, huge_results_are_refused)
{
    enum { VALUES = 4000001 };
    for (size_t f = 0; f < MMN_LENGTH(formats); f++) {
        char *text = malloc(2 * VALUES + 96);
        int head =
            snprintf(text, 96, "{\"format\":\"mmneuron-%s-1\",\"%s\":[0", formats[f], parts[f]);
        for (size_t i = 0; i < VALUES; i++)
            memcpy(text + head + 2 * i, ",0", 2);
        memcpy(text + head + 2 * (size_t)VALUES, "]}", 3);
        is_refused(text, "more than 4000000 values");
        free(text);
    }
}

Test(report_damage, numbers_out_of_range_are_refused)
{
#define LENS "{\"format\":\"mmneuron-lens-1\","
#define GRID(rows, columns)                                                                        \
    LENS "\"samples\":[{\"id\":\"1\",\"activation\":{\"module\":\"vision\",\"grid\":[" rows        \
         "," columns "],\"values\":[1]}}]}"
    is_refused(LENS "\"layers\":1e999}", "real number overflow");
    is_refused(LENS "\"layers\":99999999999999999999}", "too big integer");
    is_refused(GRID("9223372036854775807", "9223372036854775807"), "");
    is_refused(GRID("-1", "-1"), "");
    is_refused(GRID("0", "1"), "");
    is_refused(GRID("4294967296", "4294967296"), "");
    is_refused("{\"format\":\"mmneuron-neurons-1\",\"modules\":{\"vision\":{\"layers\":2,"
               "\"neurons\":9223372036854775807}}}",
               "between");
}
