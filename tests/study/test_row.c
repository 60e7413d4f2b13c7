/* Rows as lines of JSON: every number, text and array reads back as the same bits. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "study/row.h"

typedef struct sample_row {
    mmn_row row;
    uint64_t whole;
    double real;
    char *text;
    double *reals;
    uint64_t *wholes;
    char **texts;
    size_t real_count, whole_count, text_count;
} sample_row;

static const mmn_row_column columns[] = {
    MMN_ROW_ONE("whole", MMN_ROW_WHOLE, sample_row, whole),
    MMN_ROW_ONE("real", MMN_ROW_REAL, sample_row, real),
    MMN_ROW_ONE("answer", MMN_ROW_TEXT, sample_row, text),
    MMN_ROW_MANY("reals", MMN_ROW_REAL, sample_row, reals, real_count),
    MMN_ROW_MANY("wholes", MMN_ROW_WHOLE, sample_row, wholes, whole_count),
    MMN_ROW_MANY("texts", MMN_ROW_TEXT, sample_row, texts, text_count),
    {0}};

static mmn_error error;

/* The row that the line of `row` reads back as, which is printed into `line`. */
static sample_row again(const sample_row *row, mmn_text *line, mmn_row_sample *sample,
                        mmn_blocks *blocks)
{
    sample_row found = {.whole = 77, .real = 77};
    mmn_reader reader = {.error = &error};
    json_t *document;
    line->length = 0;
    mmn_text_add(line, "{");
    cr_assert_eq(mmn_row_add_values(line, &row->row, sample, columns, &error), MMN_OK);
    mmn_text_add(line, "}");
    cr_assert_eq(mmn_json_parse(&document, line->text, line->length, "rows", &error), MMN_OK, "%s",
                 line->text);
    const mmn_object object = mmn_read_document(&reader, document, "rows");
    *sample = (mmn_row_sample){0};
    mmn_row_read(&found.row, sample, &object, columns, blocks);
    cr_assert_eq(reader.status, MMN_OK, "%s: %s", error.where, error.message);
    json_decref(document);
    return found;
}

Test(row, reads_back_as_the_same_bits)
{
    static double reals[] = {0.0,
                             -0.0,
                             1.0,
                             -3.0,
                             0.1,
                             1e-308,
                             5e-324,
                             DBL_MAX,
                             -DBL_MAX,
                             1e15,
                             1e16,
                             1e17,
                             1.0 / 3,
                             123456789012345678.0,
                             INFINITY,
                             -INFINITY,
                             2.5e-7,
                             1e22,
                             4503599627370497.5};
    static uint64_t wholes[] = {0, 1, 4294967296, INT64_MAX};
    static char text[] = "\"quoted\" \\ \n\t\x01 \xc3\xa9 \xe2\x80\xae \xf0\x9f\x98\x80 \x7f";
    static char nothing[] = "", *texts[] = {nothing, text, text + 3};
    sample_row row = {.whole = INT64_MAX,
                      .real = -0.0,
                      .text = text,
                      .reals = reals,
                      .real_count = sizeof(reals) / sizeof(reals[0]),
                      .wholes = wholes,
                      .whole_count = 4,
                      .texts = texts,
                      .text_count = 3};
    mmn_row_sample sample = {.positions = {12, 4000000000}, .nonfinite = true};
    mmn_blocks blocks = {0};
    mmn_text line = {0};
    const sample_row found = again(&row, &line, &sample, &blocks);
    cr_expect(sample.nonfinite && sample.positions[0] == 12 && sample.positions[1] == 4000000000);
    cr_expect_eq(found.whole, row.whole);
    cr_expect(found.real == 0 && signbit(found.real));
    cr_expect_str_eq(found.text, text);
    cr_assert_eq(found.real_count, row.real_count);
    cr_expect_eq(memcmp(found.reals, reals, sizeof(reals)), 0, "%s", line.text);
    cr_assert_eq(found.whole_count, 4);
    cr_expect_eq(memcmp(found.wholes, wholes, sizeof(wholes)), 0);
    cr_assert_eq(found.text_count, 3);
    for (size_t i = 0; i < 3; i++)
        cr_expect_str_eq(found.texts[i], texts[i]);
    mmn_text_free(&line);
    mmn_blocks_free(&blocks);
}

Test(row, has_nothing_as_null)
{
    const sample_row row = {.real = (double)NAN};
    mmn_row_sample sample = {0};
    mmn_blocks blocks = {0};
    mmn_text line = {0};
    const sample_row found = again(&row, &line, &sample, &blocks);
    cr_expect_str_eq(line.text, "{\"text\": 0, \"image\": 0, \"whole\": 0, \"real\": null, "
                                "\"answer\": null, \"reals\": [], \"wholes\": [], \"texts\": []}");
    cr_expect(isnan(found.real));
    cr_expect_null(found.text);
    cr_expect_eq(found.real_count, 0);
    cr_expect_not(sample.nonfinite);
    mmn_text_free(&line);
    mmn_blocks_free(&blocks);
}

/* More than a document may hold would not be read again. */
Test(row, with_too_many_values_is_refused)
{
    const sample_row row = {.real_count = MMN_JSON_VALUE_LIMIT};
    const mmn_row_sample sample = {0};
    mmn_text line = {0};
    cr_expect_eq(mmn_row_add_values(&line, &row.row, &sample, columns, &error), MMN_INPUT);
    cr_expect(strstr(error.message, "4000000 values"), "%s", error.message);
    mmn_text_free(&line);
}
