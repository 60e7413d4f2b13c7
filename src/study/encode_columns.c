/* Encoding: the file of what is found of each column, which a result of many would be too large
 * with. doc/formats.md describes it. */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/output.h"
#include "study/encode.h"

/* What a number of a column is. */
typedef double column_value(const mmn_encode_model *model, size_t column);

static double value_r(const mmn_encode_model *model, size_t column)
{
    return model->r[column];
}

static double value_penalty(const mmn_encode_model *model, size_t column)
{
    return mmn_ridge_penalties[model->penalty[column]];
}

static double value_best(const mmn_encode_model *model, size_t column)
{
    return (double)model->best[column];
}

static double value_mean(const mmn_encode_model *model, size_t column)
{
    return model->test_interval[column].mean;
}

static double value_low(const mmn_encode_model *model, size_t column)
{
    return model->test_interval[column].low;
}

static double value_high(const mmn_encode_model *model, size_t column)
{
    return model->test_interval[column].high;
}

static double value_validation(const mmn_encode_model *model, size_t column)
{
    return model->validation[column];
}

static double value_validation_low(const mmn_encode_model *model, size_t column)
{
    return model->validation_interval[column].low;
}

static double value_validation_high(const mmn_encode_model *model, size_t column)
{
    return model->validation_interval[column].high;
}

static double value_predicted(const mmn_encode_model *model, size_t column)
{
    return model->predicted[column];
}

static const struct {
    const char *name;
    column_value *value;
} fields[MMN_ENCODE_FIELDS] = {{"r", value_r},
                               {"penalty", value_penalty},
                               {"best", value_best},
                               {"mean", value_mean},
                               {"low", value_low},
                               {"high", value_high},
                               {"validation", value_validation},
                               {"validation_low", value_validation_low},
                               {"validation_high", value_validation_high},
                               {"predicted", value_predicted}};

/* Makes a tensor [sites, bins] of one field. */
static mmn_status make_field(mmn_tensor *tensor, mmn_encode_study *study,
                             const mmn_encode_model *model, const char *alignment, size_t field,
                             mmn_error *error)
{
    mmn_text text = {0};
    char *name;
    uint8_t *data =
        mmn_blocks_keep(&study->blocks, mmn_allocate(study->columns, sizeof(double), error), error);
    MMN_NEED(data);
    mmn_text_add(&text, "%s/%s/%s", alignment, model->name, fields[field].name);
    MMN_TRY(mmn_text_finish(&text, &name, error));
    MMN_NEED(mmn_blocks_keep(&study->blocks, name, error));
    for (size_t i = 0; i < study->columns; i++)
        mmn_store_f64(data + i * sizeof(double), fields[field].value(model, i));
    *tensor = (mmn_tensor){.name = name,
                           .type = MMN_TYPE_F64,
                           .dimensions = 2,
                           .shape = {study->site_count, study->bins},
                           .data = data,
                           .bytes = study->columns * sizeof(double)};
    return MMN_OK;
}

mmn_status mmn_encode_take_columns(mmn_encode_study *study, const char *alignment, mmn_error *error)
{
    const size_t all =
        MMN_ENCODE_FIELDS * study->model_count * mmn_safetensors_count(study->responses);
    if (!study->options->columns)
        return MMN_OK;
    if (!study->fields)
        study->fields = mmn_blocks_keep(&study->blocks,
                                        mmn_allocate(all, sizeof(*study->fields), error), error);
    MMN_NEED(study->fields);
    for (size_t i = 0; i < study->model_count; i++)
        for (size_t field = 0; field < MMN_ENCODE_FIELDS; field++)
            MMN_TRY(make_field(&study->fields[study->field_count++], study, &study->models[i],
                               alignment, field, error));
    return MMN_OK;
}

/* An mmn_output_writer. */
static mmn_status write_file(const void *context, const char *path, mmn_error *error)
{
    const mmn_encode_study *study = context;
    const char *const metadata[] = {
        "format",    "mmneuron-encode-columns-1",
        "version",   mmn_version(),
        "responses", study->digest,
        "sites",     mmn_safetensors_metadata(study->responses, "sites"),
        NULL};
    return mmn_safetensors_write(path, study->fields, study->field_count, metadata, error);
}

mmn_status mmn_encode_write_columns(const mmn_encode_study *study, mmn_error *error)
{
    return study->options->columns
               ? mmn_output_write(study->options->columns, write_file, study, error)
               : MMN_OK;
}
