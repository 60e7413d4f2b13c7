/* Logit lenses as results. doc/formats.md describes their JSON. */
#include <stdio.h>

#include "model/model.h"
#include "study/lens.h"

static const mmn_form_table tables[] = {
    {"result", NULL,
     MMN_COLUMNS(MMN_MADE_COLUMNS, MMN_TEXT("list"), MMN_WHOLE("samples"), MMN_WHOLE("top"),
                 MMN_TEXT("off"), MMN_TEXT("neurons_of"), MMN_WHOLE("layers"),
                 MMN_WHOLE("vocabulary"), MMN_WHOLE("examples"), MMN_TEXT("example_positions"),
                 MMN_TEXT("example_neuron"), MMN_ALLOWED_COLUMNS)},
    {"stages", "result", MMN_COLUMNS(MMN_TEXT("name"))},
    {"nearest", "result", MMN_COLUMNS(MMN_WHOLE("count"))}, /* of examples, if any */
    {"domains", "result", MMN_COLUMNS(MMN_TEXT("name"))},
    {"curves", "result",
     MMN_COLUMNS(MMN_TEXT("domain"), MMN_TEXT("stage"), MMN_WHOLE("image_positions"),
                 MMN_WHOLE("text_positions"))},
    /* over the positions of one kind, "image" or "text" */
    {"readings", "curves",
     MMN_COLUMNS(MMN_WHOLE("layer"), MMN_TEXT("kind"), MMN_WHOLE("positions"),
                 MMN_REAL("entropy", "nats"))},
    {"words", "readings",
     MMN_COLUMNS(MMN_WHOLE("id"), MMN_TEXT("word"), MMN_WHOLE("count"), MMN_REAL("share", ""))},
    {"three_stages", "result",
     MMN_COLUMNS(MMN_TEXT("domain"), MMN_TRUTH("found"), MMN_WHOLE("align_until"),
                 MMN_WHOLE("generate_from"), MMN_TEXT("evidence"), MMN_REAL("align", "nats"),
                 MMN_REAL("reason", "nats"), MMN_REAL("generate", "nats"),
                 MMN_REAL("explained", ""), MMN_REAL("fall", ""), MMN_TEXT("layers"))},
    /* kept in full */
    {"samples", "result",
     MMN_COLUMNS(MMN_TEXT("id"), MMN_TEXT("domain"), MMN_GRID_COLUMNS, MMN_TEXT("module"),
                 MMN_WHOLE("neuron_layer"), MMN_WHOLE("neuron"))},
    {"images", "samples", MMN_COLUMNS(MMN_TEXT("file"))},
    {"activation", "samples", MMN_COLUMNS(MMN_REAL("value", ""))},
    {"positions", "samples",
     MMN_COLUMNS(MMN_WHOLE("position"), MMN_TEXT("kind"), MMN_TEXT("token"))},
    /* of image positions, before the first layer */
    {"nearest_words", "positions",
     MMN_COLUMNS(MMN_WHOLE("id"), MMN_TEXT("word"), MMN_REAL("cosine", ""))},
    {"position_layers", "positions", MMN_COLUMNS(MMN_WHOLE("layer"), MMN_REAL("entropy", "nats"))},
    {"position_words", "position_layers",
     MMN_COLUMNS(MMN_WHOLE("id"), MMN_TEXT("word"), MMN_REAL("p", ""))},
    {0}};

#define READINGS(kind)                                                                             \
    "'" kind "': {'positions': $" kind "_positions,"                                               \
    " 'entropy': [<readings kind=" kind " #layer|, |$entropy>],\n"                                 \
    "      'top': [<readings kind=" kind "|,\n        |"                                           \
    "[<words|, |{'id': $id, 'word': $word, 'share': $share}>]>]}"

static const char json[] =
    "{\n"
    "  'format': 'mmneuron-lens-1',\n" MMN_MADE_JSON MMN_NONFINITE_JSON
    "  'settings': {'list': $list,\n"
    "    'samples': $samples, 'stages': [<stages|, |$name>], 'top': $top, 'off': $off,"
    " 'neurons_of': $neurons_of"
    "<?nearest|, 'nearest': <nearest||{'words': $count, 'by': 'cosine'}>>" MMN_ALLOWED_JSON "},\n"
    "  'domains': [<domains|, |$name>],\n"
    "  'layers': $layers, 'vocabulary': $vocabulary,\n"
    "  'curves': [<curves|,|\n"
    "    {'domain': $domain, 'stage': $stage,\n"
    "     " READINGS(
        "image") ",\n"
                 "     " READINGS(
                     "text") "}>],\n"
                             "  'three_stages': [<three_stages|,|\n"
                             "    {'domain': $domain, 'found': $found, 'align_until': $align_until,"
                             " 'generate_from': $generate_from,\n"
                             "     'evidence': $evidence,\n"
                             "     'values': {'levels': [$align, $reason, $generate], 'explained': "
                             "$explained,"
                             " 'fall': $fall}}>],\n"
                             "  'samples': [\n"
                             "<samples|,\n|"
                             "    {'id': $id, 'domain': $domain, 'images': [<images|, "
                             "|$file>], " MMN_GRID_JSON ",\n"
                             "<?module|     'activation': {'module': $module, 'layer': "
                             "$neuron_layer, 'neuron': $neuron,"
                             " 'grid': [$grid_rows, $grid_columns],\n"
                             "      'values': [<activation|, |$value>]},\n>"
                             "     'positions': [\n"
                             "<positions|,\n|"
                             "      {'position': $position, 'kind': $kind, 'token': $token, "
                             "<?nearest_words|'nearest': [<nearest_words|, |{'id': $id, 'word': "
                             "$word, 'cosine': $cosine}>], >"
                             "'layers': [<position_layers #layer|,|\n"
                             "        {'entropy': $entropy,"
                             " 'top': [<position_words|, |{'id': $id, 'word': $word, 'p': "
                             "$p}>]}>]}>]}>]\n"
                             "}\n";

static const char people[] =
    "<curves||${domain}, ${stage}: entropy in nats, and the word that is most often the first\n"
    "  layer<?image_positions|  <-30|${image_positions} image positions>>"
    "<?text_positions|  <-30|${text_positions} text positions>>\n"
    "<readings by layer||  $5{layer}"
    "<readings||  $8.4{entropy}  <words first||<-14|$\"{word}> $3.0{count*100/positions} %>>\n>"
    "<?stage=out|<three_stages domain=$domain||  three stages"
    "<?found|: layers ${layers} at $.3{align}, $.3{reason} and $.3{generate} nats>"
    "<!found| are not seen>\n>>\n>"
    "<?nearest|<samples||<?images|words nearest to image tokens before the first layer, and "
    "their cosines: sample ${id}\n"
    "<positions kind=image||  $5{position}<nearest_words||  $\"{word} "
    "$.2{cosine}>\n>>>\n>" MMN_REMARKS;

const mmn_form mmn_lens_form = {
    .format = "mmneuron-lens-1", .tables = tables, .json = json, .people = people};

static const char *const kinds[] = {"text", "image"};

const char *const mmn_lens_stage_names[MMN_LENS_STAGES] = {"out", "attn.out", "mid", "mlp.out"};

mmn_lens_cell *mmn_lens_cell_of(const mmn_lens *lens, size_t domain, int stage, size_t layer,
                                int image)
{
    size_t number = (domain * MMN_LENS_STAGES + (size_t)stage) * lens->layers + layer;
    return &lens->cells[number * 2 + (size_t)image];
}

size_t mmn_lens_read_cells(const mmn_lens *lens)
{
    size_t stages = 0;
    for (int stage = 0; stage < MMN_LENS_STAGES; stage++)
        stages += lens->stages[stage];
    return stages * lens->layers * 2;
}

mmn_lens_cell *mmn_lens_read_cell(const mmn_lens *lens, size_t domain, size_t index)
{
    size_t number = index / (lens->layers * 2);
    int stage = 0;
    while (!lens->stages[stage] || number-- > 0)
        stage++;
    return mmn_lens_cell_of(lens, domain, stage, index / 2 % lens->layers, index % 2 != 0);
}

size_t mmn_lens_at_hand(const mmn_lens *lens)
{
    return lens->study.samples.domains.domain_count;
}

double mmn_lens_entropy(const mmn_lens *lens, size_t domain, int stage, size_t layer, int image)
{
    uint64_t positions = lens->study.positions[domain][image];
    double sum = mmn_lens_cell_of(lens, domain, stage, layer, image)->entropy;
    return positions > 0 ? sum / (double)positions : 0.0;
}

/* ---- Three stages ---------------------------------------------------------------------------- */

#define LEAST_FALL 0.1
#define LEAST_EXPLAINED 0.8

static double mean_of(const double *values, size_t first, size_t end)
{
    double sum = 0.0;
    for (size_t i = first; i < end; i++)
        sum += values[i];
    return sum / (double)(end - first);
}

/* The sum of squared distances of values first to end - 1 from their mean. */
static double spread_of(const double *values, size_t first, size_t end)
{
    double mean = mean_of(values, first, end), sum = 0.0;
    for (size_t i = first; i < end; i++)
        sum += (values[i] - mean) * (values[i] - mean);
    return sum;
}

mmn_three_stages mmn_three_stages_of(const double *entropy, size_t layers, double log_vocabulary)
{
    mmn_three_stages stages = {0};
    double least = 0.0;
    if (layers < 3)
        return stages;
    for (size_t a = 1; a + 1 < layers; a++)
        for (size_t b = a + 1; b < layers; b++) {
            double left =
                spread_of(entropy, 0, a) + spread_of(entropy, a, b) + spread_of(entropy, b, layers);
            if ((a == 1 && b == 2) || left < least) {
                least = left;
                stages.align_until = a - 1;
                stages.generate_from = b;
            }
        }
    size_t a = stages.align_until + 1, b = stages.generate_from;
    double whole = spread_of(entropy, 0, layers);
    stages.levels[0] = mean_of(entropy, 0, a);
    stages.levels[1] = mean_of(entropy, a, b);
    stages.levels[2] = mean_of(entropy, b, layers);
    stages.explained = whole > 0.0 ? 1.0 - least / whole : 0.0;
    stages.fall = log_vocabulary > 0.0 ? (stages.levels[0] - stages.levels[2]) / log_vocabulary
                                       : 0.0;
    stages.found = stages.levels[0] > stages.levels[1] && stages.levels[1] > stages.levels[2] &&
                   stages.fall >= LEAST_FALL && stages.explained >= LEAST_EXPLAINED;
    return stages;
}

/* The stages that the entropy of a domain's image positions shows. */
static mmn_three_stages find_stages(const mmn_lens *lens, size_t domain)
{
    double vocabulary = (double)lens->vocabulary, logarithm;
    lens->study.compute.kernels->log_f64(&logarithm, &vocabulary, 1);
    for (size_t layer = 0; layer < lens->layers; layer++)
        lens->curve[layer] = mmn_lens_entropy(lens, domain, MMN_LENS_OUT, layer, 1);
    return mmn_three_stages_of(lens->curve, lens->study.positions[domain][1] > 0 ? lens->layers : 0,
                               logarithm);
}

/* ---- Filling --------------------------------------------------------------------------------- */

void mmn_lens_describe(mmn_result *result, const void *context)
{
    const mmn_lens *lens = context;
    const mmn_lens_options *options = lens->options;
    const mmn_study *study = &lens->study;
    const mmn_plan *plan = &study->plan;
    const bool off = plan->settings.count > 0;
    MMN_ADD(result, "result", MMN_MADE(study), MMN_LIST(study), mmn_as_whole(lens->top),
            mmn_as_text(off ? plan->settings.names[0] : NULL),
            mmn_as_optional(off ? plan->off_domain : NULL), mmn_as_whole(lens->layers),
            mmn_as_whole(lens->vocabulary), mmn_as_whole(options->examples),
            mmn_as_text(options->positions), mmn_as_text(options->neuron),
            MMN_ALLOWED(study->allowed));
    for (int stage = 0; stage < MMN_LENS_STAGES; stage++)
        if (lens->stages[stage])
            MMN_ADD(result, "stages", mmn_as_text(mmn_lens_stage_names[stage]));
    if (lens->nearest > 0)
        MMN_ADD(result, "nearest", mmn_as_whole(lens->nearest));
}

/* One layer's entropy and words. */
static void add_reading(mmn_result *result, const mmn_lens *lens, size_t domain, int stage,
                        size_t layer, int image)
{
    const mmn_lens_cell *cell = mmn_lens_cell_of(lens, domain, stage, layer, image);
    const uint64_t positions = lens->study.positions[domain][image];
    mmn_word *most = lens->readout.words;
    const size_t count = mmn_word_counts_most(&cell->words, most, lens->top);
    MMN_ADD(result, "readings", mmn_as_whole(layer), mmn_as_text(kinds[image]),
            mmn_as_whole(positions),
            mmn_as_real(mmn_lens_entropy(lens, domain, stage, layer, image)));
    for (size_t i = 0; i < count; i++)
        MMN_ADD(result, "words", mmn_as_whole((uint64_t)most[i].id),
                mmn_word_of(result, lens->study.model, most[i].id),
                mmn_as_whole((uint64_t)most[i].value),
                mmn_as_real(most[i].value / (double)positions));
}

static void add_curve(mmn_result *result, const mmn_lens *lens, size_t domain, int stage)
{
    const uint64_t *positions = lens->study.positions[domain];
    MMN_ADD(result, "curves", mmn_as_text(mmn_domain_name(&lens->study, domain)),
            mmn_as_text(mmn_lens_stage_names[stage]), mmn_as_whole(positions[1]),
            mmn_as_whole(positions[0]));
    for (size_t layer = 0; layer < lens->layers; layer++)
        for (int image = 1; image >= 0; image--)
            if (positions[image] > 0)
                add_reading(result, lens, domain, stage, layer, image);
}

static void add_three_stages(mmn_result *result, const mmn_lens *lens, size_t domain)
{
    const mmn_three_stages stages = find_stages(lens, domain);
    char layers[100], evidence[200] = "fewer than three layers";
    const size_t align = stages.align_until, generate = stages.generate_from;
    snprintf(layers, sizeof(layers), "0-%zu, %zu-%zu, %zu-%zu", align, align + 1, generate - 1,
             generate, lens->layers - 1);
    if (lens->layers >= 3)
        snprintf(
            evidence, sizeof(evidence),
            "mean entropies of layers 0-%zu, %zu-%zu and %zu-%zu, in nats, the three levels that "
            "fit the curve best",
            align, align + 1, generate - 1, generate, lens->layers - 1);
    MMN_ADD(result, "three_stages", mmn_as_text(mmn_domain_name(&lens->study, domain)),
            mmn_as_truth(stages.found), mmn_as_whole(align), mmn_as_whole(generate),
            mmn_as_text(evidence), mmn_as_real(stages.levels[0]), mmn_as_real(stages.levels[1]),
            mmn_as_real(stages.levels[2]), mmn_as_real(stages.explained), mmn_as_real(stages.fall),
            mmn_as_text(layers));
}

static void add_position(mmn_result *result, const mmn_lens *lens, const mmn_lens_example *example,
                         size_t index)
{
    const mmn_lens_position *position = &example->positions[index];
    MMN_ADD(result, "positions", mmn_as_whole(position->position),
            mmn_as_text(kinds[position->is_image]),
            mmn_word_of(result, lens->study.model, position->id));
    for (size_t i = 0; i < lens->nearest && position->is_image; i++) {
        const mmn_word *word = &example->nearest[index * lens->nearest + i];
        MMN_ADD(result, "nearest_words", mmn_as_whole((uint64_t)word->id),
                mmn_word_of(result, lens->study.model, word->id), mmn_as_real(word->value));
    }
    for (size_t layer = 0; layer < lens->layers; layer++) {
        const size_t reading = index * lens->layers + layer;
        MMN_ADD(result, "position_layers", mmn_as_whole(layer),
                mmn_as_real(example->entropy[reading]));
        for (size_t i = 0; i < lens->top; i++) {
            const mmn_word *word = &example->words[reading * lens->top + i];
            MMN_ADD(result, "position_words", mmn_as_whole((uint64_t)word->id),
                    mmn_word_of(result, lens->study.model, word->id), mmn_as_real(word->value));
        }
    }
}

static void add_example(mmn_result *result, const mmn_lens *lens, const mmn_lens_example *example)
{
    const mmn_lens_neuron *neuron = &lens->neuron;
    const size_t side = example->grid.side, patches = example->activation ? side * side : 0;
    MMN_ADD(result, "samples", mmn_as_text(example->id),
            mmn_as_text(mmn_domain_name(&lens->study, example->domain)), MMN_GRID(example->grid),
            mmn_as_text(example->activation ? neuron->module->name : NULL),
            mmn_as_whole(neuron->layer), mmn_as_whole(neuron->neuron));
    for (size_t i = 0; i < example->image_count; i++)
        MMN_ADD(result, "images", mmn_as_text(example->images[i]));
    for (size_t i = 0; i < patches; i++)
        MMN_ADD(result, "activation", mmn_as_real(example->activation[i]));
    for (size_t i = 0; i < example->count; i++)
        add_position(result, lens, example, i);
}

void mmn_lens_fill(mmn_result *result, const void *context)
{
    const mmn_lens *lens = context;
    const size_t domains = lens->study.samples.domains.domain_count;
    for (size_t d = 0; d < domains; d++)
        for (int stage = 0; stage < MMN_LENS_STAGES; stage++)
            if (lens->stages[stage])
                add_curve(result, lens, d, stage);
    for (size_t d = 0; d < domains; d++)
        if (lens->stages[MMN_LENS_OUT] && lens->study.positions[d][1] > 0)
            add_three_stages(result, lens, d);
    for (size_t i = 0; i < lens->example_count; i++)
        add_example(result, lens, &lens->examples[i]);
}
