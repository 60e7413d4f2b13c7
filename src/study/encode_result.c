/* What encoding finds, as a result; doc/formats.md describes its JSON. */
#include <math.h>
#include <string.h>

#include "study/encode.h"
#include "study/result_forms.h"

static const mmn_form_table tables[] = {
    {"result", NULL,
     MMN_COLUMNS(MMN_TEXT("version"), MMN_TEXT("responses"), MMN_TEXT("data"), MMN_WHOLE("draws"),
                 MMN_WHOLE("seed"), MMN_REAL("epsilon", ""), MMN_REAL("rate", ""),
                 MMN_TEXT("columns_file"))},
    {"features", "result",
     MMN_COLUMNS(MMN_TEXT("model"), MMN_TEXT("file"), MMN_TEXT("digest"), MMN_TEXT("weights"),
                 MMN_TEXT("events"), MMN_TEXT("stages"), MMN_TEXT("pool"), MMN_TEXT("random_init"),
                 MMN_TRUTH("allow_long_prompts"), MMN_TRUTH("nonfinite"), MMN_TEXT("role"),
                 MMN_TEXT("random_twin_of"), MMN_TEXT("control_of"))},
    {"parts", "features", MMN_COLUMNS(MMN_TEXT("part"))},
    {"alignments", "result",
     MMN_COLUMNS(MMN_TEXT("alignment"), MMN_WHOLE("events"), MMN_WHOLE("sites"),
                 MMN_WHOLE("bins"))},
    {"models", "alignments",
     MMN_COLUMNS(MMN_TEXT("model"), MMN_TEXT("layer"), MMN_REAL("r", ""), MMN_WHOLE("predicted"))},
    {"layers", "models",
     MMN_COLUMNS(MMN_TEXT("name"), MMN_WHOLE("width"), MMN_WHOLE("projected"),
                 MMN_REAL("validation", ""), MMN_REAL("test", ""))},
    {"columns", "models",
     MMN_COLUMNS(MMN_TEXT("site"), MMN_WHOLE("bin"), MMN_REAL("r", ""), MMN_REAL("penalty", ""),
                 MMN_TEXT("best"), MMN_REAL("mean", ""), MMN_REAL("low", ""), MMN_REAL("high", ""),
                 MMN_REAL("validation", ""), MMN_REAL("validation_low", ""),
                 MMN_REAL("validation_high", ""), MMN_TRUTH("predicted"))},
    {"means", "models",
     MMN_COLUMNS(MMN_WHOLE("bin"), MMN_REAL("r", ""), MMN_WHOLE("sites"), MMN_WHOLE("predicted"))},
    /* first_short, second_short: sites at which this model predicts fewer bins than are needed,
     * which people are told where no site is compared */
    {"comparisons", "alignments",
     MMN_COLUMNS(MMN_TEXT("first"), MMN_TEXT("second"), MMN_WHOLE("compared"), MMN_WHOLE("better"),
                 MMN_WHOLE("by_default"), MMN_REAL("mean_difference", ""), MMN_WHOLE("needed_bins"),
                 MMN_WHOLE("first_short"), MMN_WHOLE("second_short"))},
    {"compared_sites", "comparisons",
     MMN_COLUMNS(MMN_TEXT("site"), MMN_TEXT("outcome"), MMN_WHOLE("bins"),
                 MMN_REAL("difference", ""), MMN_REAL("p", ""), MMN_TRUTH("better"),
                 MMN_TEXT("best_model"), MMN_TEXT("second_model"))},
    {"tests", "result",
     MMN_COLUMNS(MMN_TEXT("test"), MMN_TEXT("aligned"), MMN_WHOLE("tested"), MMN_WHOLE("passed"),
                 MMN_REAL("share", ""), MMN_WHOLE("by_default"), MMN_REAL("share_by_default", ""))},
    {"tested_sites", "tests",
     MMN_COLUMNS(MMN_TEXT("site"), MMN_TEXT("tested_model"), MMN_TEXT("outcome"), MMN_REAL("p", ""),
                 MMN_TRUTH("passes"))},
    {0}};

static const char json[] =
    "{\n  'format': 'mmneuron-encode-1',\n"
    "  'version': $version,\n"
    "  'data': $data,\n"
    "  'settings': {'responses': $responses, 'draws': $draws, 'seed': $seed, 'epsilon': $epsilon,"
    " 'rate': $rate<?columns_file|, 'columns_file': $columns_file>},\n"
    "  'features': [<features|,|\n"
    "    {'model': $model, 'file': $file, 'digest': $digest, 'role': $role,"
    " 'random_twin_of': $random_twin_of, 'control_of': $control_of,"
    " 'parts': [<parts|, |$part>]"
    "<?pool|, 'weights': $weights, 'events': $events, 'stages': $stages, 'pool': $pool>"
    "<?random_init|, 'random_init': $random_init>"
    "<?allow_long_prompts|, 'allow_long_prompts': true><?nonfinite|, 'nonfinite': true>}>],\n"
    "  'alignments': [<alignments|,|\n"
    "    {'alignment': $alignment, 'events': $events, 'sites': $sites, 'bins': $bins,\n"
    "     'models': [<models|,|\n"
    "      {'model': $model, 'layer': $layer, 'r': $r, 'predicted': $predicted,\n"
    "       'layers': [<layers|,|\n"
    "        {'name': $name, 'width': $width, 'projected': $projected,"
    " 'validation': $validation, 'test': $test}>],\n"
    "       'columns': [<columns|,|\n"
    "        {'site': $site, 'bin': $bin, 'r': $r, 'penalty': $penalty, 'best': $best,"
    " 'mean': $mean, 'low': $low, 'high': $high,\n"
    "         'validation': $validation, 'validation_low': $validation_low,"
    " 'validation_high': $validation_high, 'predicted': $predicted}>]"
    "<?means|,\n"
    "       'means': [<means|,|\n"
    "        {'bin': $bin, 'r': $r, 'sites': $sites, 'predicted': $predicted}>]>}>],\n"
    "     'comparisons': [<comparisons|,|\n"
    "      {'first': $first, 'second': $second, 'compared': $compared, 'better': $better,"
    " 'by_default': $by_default, 'mean_difference': $mean_difference,\n"
    "       'compared_sites': [<compared_sites|,|\n"
    "        {'site': $site, 'outcome': $outcome, 'bins': $bins, 'difference': $difference,"
    " 'p': $p, 'better': $better"
    "<?best_model|, 'best_model': $best_model, 'second_model': $second_model>}>]}>]}>],\n"
    "  'tests': [<tests|,|\n"
    "    {'test': $test, 'aligned': $aligned, 'tested': $tested, 'passed': $passed,"
    " 'share': $share,\n"
    "     'by_default': $by_default, 'share_by_default': $share_by_default,\n"
    "     'tested_sites': [<tested_sites|,|\n"
    "      {'site': $site, 'tested_model': $tested_model, 'outcome': $outcome, 'p': $p,"
    " 'passes': $passes}>]}>]\n}\n";

static const char people[] =
    "<alignments||${alignment}: ${events} events, ${sites} sites of ${bins} bins\n"
    "  <-12 models.model|model>  mean r  columns predicted  layer\n"
    "<models||  <-12 models.model|${model}>  $6.3{r}  $17{predicted}  ${layer}\n>"
    "<comparisons||  ${first} predicts better than ${second}: ${better} of ${compared} sites,"
    " and ${by_default} by default\n"
    "<!compared|<?needed_bins|    no site is compared, which takes ${needed_bins} bins that each"
    " predicts: ${first} predicts fewer at ${first_short} sites,\n"
    "    ${second} at ${second_short}\n>>>>"
    "<?tests|A site is called multimodal where it passes\n"
    "  <-11 tests.test|test>  <-9 tests.aligned|alignment>  tested  passed   share  by default\n"
    "<tests||  <-11 tests.test|${test}>  <-9 tests.aligned|<?aligned|${aligned}><!aligned|all>>"
    "  $6{tested}  $6{passed}  $6.3{share}  $10{by_default}\n>>";

const mmn_form mmn_encode_form = {
    .format = "mmneuron-encode-1", .tables = tables, .json = json, .people = people};

const char *mmn_encode_site_name(const mmn_encode_study *study, size_t site)
{
    return json_string_value(json_array_get(study->sites, site));
}

/* What a file of features says of itself; a joined model has no file. */
static const char *said(const mmn_encode_model *model, const char *key)
{
    return model->tensors ? mmn_safetensors_metadata(model->tensors, key) : NULL;
}

void mmn_encode_add_features(mmn_result *result, const mmn_encode_model *model)
{
    MMN_ADD(result, "features", mmn_as_text(model->name),
            mmn_as_text(model->scratch ? NULL : model->file), mmn_as_optional(model->digest),
            mmn_as_text(said(model, "model")), mmn_as_text(said(model, "data")),
            mmn_as_text(said(model, "stages")), mmn_as_text(said(model, "pool")),
            mmn_as_text(said(model, "random_init")),
            mmn_as_truth(said(model, "allow_long_prompts") != NULL),
            mmn_as_truth(said(model, "nonfinite") != NULL),
            mmn_as_text(mmn_encode_kind_name(model->kind)),
            mmn_as_text(model->trained ? model->trained->name : NULL),
            mmn_as_text(model->controlled ? model->controlled->name : NULL));
    for (size_t part = 0; part < model->part_count; part++)
        MMN_ADD(result, "parts", mmn_as_text(model->parts[part]->name));
}

/* Adds the means of a model's columns over sites, where a file has the columns. */
static void add_means(mmn_result *result, const mmn_encode_study *study,
                      const mmn_encode_model *model)
{
    for (size_t bin = 0; bin < study->bins; bin++) {
        double sum = 0;
        size_t predicted = 0;
        for (size_t i = bin; i < study->columns; i += study->bins) {
            sum += model->r[i];
            predicted += model->predicted[i];
        }
        MMN_ADD(result, "means", mmn_as_whole(bin), mmn_as_real(sum / (double)study->site_count),
                mmn_as_whole(study->site_count), mmn_as_whole(predicted));
    }
}

static void add_columns(mmn_result *result, const mmn_encode_study *study,
                        const mmn_encode_model *model)
{
    for (size_t i = 0; i < study->columns; i++) {
        const mmn_interval *test = &model->test_interval[i];
        const mmn_interval *validation = &model->validation_interval[i];
        MMN_ADD(result, "columns", mmn_as_text(mmn_encode_site_name(study, i / study->bins)),
                mmn_as_whole(i % study->bins), mmn_as_real(model->r[i]),
                mmn_as_real(mmn_ridge_penalties[model->penalty[i]]),
                mmn_as_text(model->layers[model->best[i]].name), mmn_as_real(test->mean),
                mmn_as_real(test->low), mmn_as_real(test->high), mmn_as_real(model->validation[i]),
                mmn_as_real(validation->low), mmn_as_real(validation->high),
                mmn_as_truth(model->predicted[i]));
    }
}

static void add_model(mmn_result *result, const mmn_encode_study *study,
                      const mmn_encode_model *model)
{
    size_t predicted = 0;
    for (size_t i = 0; i < study->columns; i++)
        predicted += model->predicted[i];
    MMN_ADD(result, "models", mmn_as_text(model->name),
            mmn_as_text(model->layers[model->layer].name),
            mmn_as_real(model->layers[model->layer].test), mmn_as_whole(predicted));
    for (size_t i = 0; i < model->layer_count; i++) {
        const mmn_encode_layer *layer = &model->layers[i];
        MMN_ADD(result, "layers", mmn_as_text(layer->name), mmn_as_whole(layer->features),
                mmn_as_whole(layer->projected), mmn_as_real(layer->validation),
                mmn_as_real(layer->test));
    }
    if (study->options->columns)
        add_means(result, study, model);
    else
        add_columns(result, study, model);
}

void mmn_encode_add(mmn_result *result, const mmn_encode_study *study, const char *alignment)
{
    MMN_ADD(result, "alignments", mmn_as_text(alignment), mmn_as_whole(study->events),
            mmn_as_whole(study->site_count), mmn_as_whole(study->bins));
    for (size_t i = 0; i < study->model_count; i++)
        add_model(result, study, &study->models[i]);
}
