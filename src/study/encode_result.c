/* What encoding finds, as a result; doc/formats.md describes its JSON. */
#include <math.h>
#include <string.h>

#include "study/encode.h"
#include "study/result_forms.h"

static const mmn_form_table tables[] = {
    {"result", NULL,
     MMN_COLUMNS(MMN_TEXT("version"), MMN_TEXT("responses"), MMN_TEXT("data"), MMN_WHOLE("draws"),
                 MMN_WHOLE("seed"), MMN_REAL("epsilon", ""), MMN_REAL("rate", ""))},
    {"features", "result",
     MMN_COLUMNS(MMN_TEXT("model"), MMN_TEXT("file"), MMN_TEXT("digest"), MMN_TEXT("weights"),
                 MMN_TEXT("events"), MMN_TEXT("stages"), MMN_TEXT("pool"), MMN_TEXT("random_init"),
                 MMN_TRUTH("allow_long_prompts"), MMN_TRUTH("nonfinite"))},
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
    {"comparisons", "alignments",
     MMN_COLUMNS(MMN_TEXT("first"), MMN_TEXT("second"), MMN_WHOLE("compared"), MMN_WHOLE("better"),
                 MMN_WHOLE("by_default"))},
    {"compared_sites", "comparisons",
     MMN_COLUMNS(MMN_TEXT("site"), MMN_TEXT("outcome"), MMN_WHOLE("bins"),
                 MMN_REAL("difference", ""), MMN_REAL("p", ""), MMN_TRUTH("better"))},
    {0}};

static const char json[] =
    "{\n  'format': 'mmneuron-encode-1',\n"
    "  'version': $version,\n"
    "  'data': $data,\n"
    "  'settings': {'responses': $responses, 'draws': $draws, 'seed': $seed, 'epsilon': $epsilon,"
    " 'rate': $rate},\n"
    "  'features': [<features|,|\n"
    "    {'model': $model, 'file': $file, 'digest': $digest"
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
    " 'validation_high': $validation_high, 'predicted': $predicted}>]}>],\n"
    "     'comparisons': [<comparisons|,|\n"
    "      {'first': $first, 'second': $second, 'compared': $compared, 'better': $better,"
    " 'by_default': $by_default,\n"
    "       'compared_sites': [<compared_sites|,|\n"
    "        {'site': $site, 'outcome': $outcome, 'bins': $bins, 'difference': $difference,"
    " 'p': $p, 'better': $better}>]}>]}>]\n}\n";

static const char people[] =
    "<alignments||${alignment}: ${events} events, ${sites} sites of ${bins} bins\n"
    "  <-12 models.model|model>  mean r  columns predicted  layer\n"
    "<models||  <-12 models.model|${model}>  $6.3{r}  $17{predicted}  ${layer}\n>"
    "<comparisons||  ${first} predicts better than ${second}: ${better} of ${compared} sites,"
    " and ${by_default} by default\n>>";

const mmn_form mmn_encode_form = {
    .format = "mmneuron-encode-1", .tables = tables, .json = json, .people = people};

static const char *site_name(const mmn_encode_study *study, size_t site)
{
    return json_string_value(json_array_get(study->sites, site));
}

void mmn_encode_add_features(mmn_result *result, const mmn_encode_model *model)
{
    const mmn_safetensors *tensors = model->tensors;
    MMN_ADD(result, "features", mmn_as_text(model->name),
            mmn_as_text(model->scratch ? NULL : model->file), mmn_as_text(model->digest),
            mmn_as_text(mmn_safetensors_metadata(tensors, "model")),
            mmn_as_text(mmn_safetensors_metadata(tensors, "data")),
            mmn_as_text(mmn_safetensors_metadata(tensors, "stages")),
            mmn_as_text(mmn_safetensors_metadata(tensors, "pool")),
            mmn_as_text(mmn_safetensors_metadata(tensors, "random_init")),
            mmn_as_truth(mmn_safetensors_metadata(tensors, "allow_long_prompts") != NULL),
            mmn_as_truth(mmn_safetensors_metadata(tensors, "nonfinite") != NULL));
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
    for (size_t i = 0; i < study->columns; i++) {
        const mmn_interval *test = &model->test_interval[i];
        const mmn_interval *validation = &model->validation_interval[i];
        MMN_ADD(result, "columns", mmn_as_text(site_name(study, i / study->bins)),
                mmn_as_whole(i % study->bins), mmn_as_real(model->r[i]),
                mmn_as_real(mmn_ridge_penalties[model->penalty[i]]),
                mmn_as_text(model->layers[model->best[i]].name), mmn_as_real(test->mean),
                mmn_as_real(test->low), mmn_as_real(test->high), mmn_as_real(model->validation[i]),
                mmn_as_real(validation->low), mmn_as_real(validation->high),
                mmn_as_truth(model->predicted[i]));
    }
}

/* ---- Comparisons ----------------------------------------------------------------------------- */

mmn_status mmn_encode_pair(const mmn_encode_study *study, const char *comparison,
                           const mmn_encode_model *pair[2], mmn_error *error)
{
    const char *colon = strchr(comparison, ':');
    pair[0] = pair[1] = NULL;
    for (size_t i = 0; colon && i < study->model_count; i++) {
        const mmn_encode_model *model = &study->models[i];
        if (strlen(model->name) == (size_t)(colon - comparison) &&
            strncmp(model->name, comparison, (size_t)(colon - comparison)) == 0)
            pair[0] = model;
        if (strcmp(model->name, colon + 1) == 0)
            pair[1] = model;
    }
    if (!pair[0] || !pair[1] || pair[0] == pair[1])
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "\"%s\" is no comparison; expected A:B, two names of models", comparison);
    return MMN_OK;
}

typedef struct comparing {
    mmn_encoding_comparison *sites; /* [sites] */
    double *p;
    bool *better;
    uint32_t *room;
} comparing;

static const char *const outcomes[] = {
    [MMN_ENCODING_UNTESTED] = "neither is predicted",
    [MMN_ENCODING_COMPARED] = "compared",
    [MMN_ENCODING_FIRST_ALONE] = "first alone",
    [MMN_ENCODING_SECOND_ALONE] = "second alone",
};

static mmn_encoding_site site_of(const mmn_encode_study *study, const mmn_encode_model *model,
                                 size_t site)
{
    const size_t first = site * study->bins, draws = study->options->draws;
    return (mmn_encoding_site){model->scores + first * draws, draws, model->predicted + first};
}

static mmn_status compare(comparing *all, const mmn_encode_study *study,
                          const mmn_encode_model *const pair[2], mmn_error *error)
{
    for (size_t i = 0; i < study->site_count; i++) {
        const mmn_encoding_site first = site_of(study, pair[0], i);
        const mmn_encoding_site second = site_of(study, pair[1], i);
        all->sites[i] = mmn_encoding_compare(&first, &second, study->bins, study->options->draws,
                                             study->options->seed, (uint32_t)i, all->room);
        all->p[i] = all->sites[i].p;
    }
    return mmn_encoding_discoveries(all->better, all->p, study->site_count, study->options->rate,
                                    error);
}

static void add_comparison(mmn_result *result, const mmn_encode_study *study,
                           const mmn_encode_model *const pair[2], const comparing *all)
{
    size_t compared = 0, better = 0, alone = 0;
    for (size_t i = 0; i < study->site_count; i++) {
        compared += all->sites[i].outcome == MMN_ENCODING_COMPARED;
        better += all->better[i];
        alone += all->sites[i].outcome == MMN_ENCODING_FIRST_ALONE;
    }
    MMN_ADD(result, "comparisons", mmn_as_text(pair[0]->name), mmn_as_text(pair[1]->name),
            mmn_as_whole(compared), mmn_as_whole(better), mmn_as_whole(alone));
    for (size_t i = 0; i < study->site_count; i++) {
        const mmn_encoding_comparison *site = &all->sites[i];
        MMN_ADD(result, "compared_sites", mmn_as_text(site_name(study, i)),
                mmn_as_text(outcomes[site->outcome]), mmn_as_whole(site->bins),
                mmn_as_real(site->difference), mmn_as_real(site->p), mmn_as_truth(all->better[i]));
    }
}

mmn_status mmn_encode_add(mmn_result *result, const mmn_encode_study *study, const char *alignment,
                          mmn_error *error)
{
    const mmn_encode_options *options = study->options;
    comparing all = {mmn_allocate(study->site_count, sizeof(*all.sites), error),
                     mmn_allocate(study->site_count, sizeof(*all.p), error),
                     mmn_allocate(study->site_count, sizeof(*all.better), error),
                     mmn_allocate(study->bins, sizeof(*all.room), error)};
    mmn_status status = all.sites && all.p && all.better && all.room ? MMN_OK : MMN_SYSTEM;
    MMN_ADD(result, "alignments", mmn_as_text(alignment), mmn_as_whole(study->events),
            mmn_as_whole(study->site_count), mmn_as_whole(study->bins));
    for (size_t i = 0; i < study->model_count; i++)
        add_model(result, study, &study->models[i]);
    for (size_t i = 0; status == MMN_OK && i < options->comparison_count; i++) {
        const mmn_encode_model *pair[2];
        status = mmn_encode_pair(study, options->comparisons[i], pair, error);
        if (status == MMN_OK)
            status = compare(&all, study, pair, error);
        if (status == MMN_OK)
            add_comparison(result, study, pair, &all);
    }
    mmn_free(all.sites);
    mmn_free(all.p);
    mmn_free(all.better);
    mmn_free(all.room);
    return status;
}
