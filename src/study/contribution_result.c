/* Multi-modal neurons as results. doc/formats.md describes their JSON. */
#include "study/contribution.h"
#include "study/run_result.h"

static const mmn_form_table tables[] = {
    {"result", NULL,
     MMN_COLUMNS(MMN_MADE_COLUMNS, MMN_TEXT("prompt"), MMN_WHOLE("tokens"),
                 MMN_TEXT("activation"), MMN_WHOLE("top"), MMN_WHOLE("names"), MMN_WHOLE("seeds"),
                 MMN_WHOLE("first_seed"), MMN_REAL("noise", ""), MMN_GENERATION_COLUMN,
                 MMN_ALLOWED_COLUMNS, MMN_WHOLE("grid_rows"), MMN_WHOLE("grid_columns"),
                 MMN_WHOLE("grid_first"), MMN_TEXT("answer"))},
    {"images", "result", MMN_COLUMNS(MMN_TEXT("file"))},
    {"ids", "result", MMN_COLUMNS(MMN_WHOLE("id"))},
    {"words", "result",
     MMN_COLUMNS(MMN_TEXT("text"), MMN_WHOLE("token"), MMN_WHOLE("id"), MMN_TEXT("word"),
                 MMN_WHOLE("position"), MMN_REAL("log_probability", "nats"))},
    {"neurons", "words",
     MMN_COLUMNS(MMN_WHOLE("layer"), MMN_WHOLE("neuron"), MMN_REAL("contribution", ""),
                 MMN_REAL("activation", ""), MMN_REAL("score", ""), MMN_REAL("bar", ""))},
    /* words that a neuron stands for, and its activations at the patches, row by row */
    {"names", "neurons",
     MMN_COLUMNS(MMN_WHOLE("id"), MMN_TEXT("word"), MMN_REAL("value", ""))},
    {"map", "neurons", MMN_COLUMNS(MMN_REAL("value", ""))},
    {"disturbances", "words",
     MMN_COLUMNS(MMN_TEXT("how"), MMN_TEXT("neurons"), MMN_WHOLE("seed"),
                 MMN_REAL("log_probability", "nats"), MMN_WHOLE("id"), MMN_TEXT("word"),
                 MMN_TRUTH("answer_changes"))},
    /* over all disturbances of one kind, of which `changes` change the answer */
    {"drops", "words",
     MMN_COLUMNS(MMN_TEXT("how"), MMN_TEXT("neurons"), MMN_REAL("mean", "nats"),
                 MMN_REAL("low", "nats"), MMN_REAL("high", "nats"), MMN_WHOLE("count"),
                 MMN_TRUTH("repeated"), MMN_WHOLE("changes"))},
    {0}};

static const char json[] =
    "{\n"
    "  'format': 'mmneuron-contrib-1',\n" MMN_MADE_JSON MMN_NONFINITE_JSON
    "  'settings': {'prompt': $prompt,\n"
    "    'tokens': $tokens, 'activation': $activation, 'top': $top, 'names': $names,\n"
    "    'seeds': $seeds, 'first_seed': $first_seed, 'noise': $noise"
    MMN_GENERATION_JSON MMN_ALLOWED_JSON "},\n"
    "  'images': [<images|, |$file>],\n"
    "  'grid': "
    "<?grid_rows|{'rows': $grid_rows, 'columns': $grid_columns, 'first': $grid_first}>"
    "<!grid_rows|null>,\n"
    "  'answer': $answer,\n"
    "  'ids': [<ids|, |$id>],\n"
    "  'words': [\n"
    "<words|,\n|"
    "    {'text': $text, 'token': $token, 'id': $id, 'word': $word, 'position': $position,"
    " 'log_probability': $log_probability,\n"
    "     'neurons': [\n"
    "<neurons|,\n|"
    "      {'layer': $layer, 'neuron': $neuron, 'contribution': $contribution,"
    " 'activation': $activation, 'score': $score,\n"
    "       'names': [<names|, |{'id': $id, 'word': $word, 'value': $value}>]"
    "<?grid_rows|,\n"
    "       'activations': {'module': 'language', 'layer': $layer, 'neuron': $neuron,"
    " 'grid': [$grid_rows, $grid_columns], 'bar': $bar,\n"
    "        'values': [<map|, |$value>]}>}>],\n"
    "     'disturbances': [<disturbances|,|\n"
    "      {'how': $how, 'neurons': $neurons, 'seed': $seed, 'log_probability': $log_probability,"
    " 'likeliest': {'id': $id, 'word': $word}, 'answer_changes': $answer_changes}>],\n"
    "     'drops': [<drops|, |{'how': $how, 'neurons': $neurons, 'mean': $mean,"
    " 'interval': [$low, $high]}>]}>]\n"
    "}\n";

static const char people[] =
    "answer: $answer\n"
    "<words||\n${text}: token $\"{word}, ln p = $.4{log_probability}\n"
    "  layer  neuron  contribution  activation     score  stands for\n"
    "<neurons||  $5{layer}  $6{neuron}  $12.4{contribution}  $10.4{activation}  $8.4{score} "
    "<names|| $\"{word}>\n>"
    "<drops first||  by how much ln p falls when neurons are disturbed:\n>"
    "<drops||  <-6|${how}:> <-14|<?neurons=top|these><?neurons=random|random> neurons>  $8.4{mean}"
    "<?repeated| [$.4{low}, $.4{high}]>; the answer changes in ${changes} of ${count}\n>>"
    MMN_REMARKS;

const mmn_form mmn_contributions_form = {
    .format = "mmneuron-contrib-1", .tables = tables, .json = json, .people = people};

static void add_settings(mmn_result *result, const mmn_contributions *found)
{
    MMN_ADD(result, "result", MMN_MADE(&found->study),
            mmn_as_text(found->prompt), mmn_as_whole(found->tokens),
            mmn_as_text(found->options->product ? "product" : "gate"), mmn_as_whole(found->top),
            mmn_as_whole(found->names), MMN_SEEDS(&found->study), mmn_as_real(found->noise),
            mmn_generation_of(found->study.model), MMN_ALLOWED(found->study.allowed),
            mmn_as_whole(found->grid.side), mmn_as_whole(found->grid.side),
            mmn_as_whole(found->grid.first),
            mmn_as_text(found->answer));
    for (size_t i = 0; i < found->options->image_count; i++)
        MMN_ADD(result, "images", mmn_as_text(found->options->images[i]));
    for (size_t i = 0; i < found->id_count; i++)
        MMN_ADD(result, "ids", mmn_as_whole((uint64_t)found->ids[i]));
}

static void add_neuron(mmn_result *result, const mmn_contributions *found,
                       const mmn_contributor *neuron)
{
    MMN_ADD(result, "neurons", mmn_as_whole(neuron->layer), mmn_as_whole(neuron->neuron),
            mmn_as_real(neuron->contribution), mmn_as_real(neuron->activation),
            mmn_as_real(neuron->score), mmn_as_real(neuron->bar));
    for (size_t i = 0; i < found->names; i++)
        MMN_ADD(result, "names", mmn_as_whole((uint64_t)neuron->names[i].id),
                mmn_word_of(result, found->study.model, neuron->names[i].id),
                mmn_as_real(neuron->names[i].value));
    for (size_t i = 0; i < found->grid.side * found->grid.side; i++)
        MMN_ADD(result, "map", mmn_as_real(neuron->map[i]));
}

static const char *const ways[] = {[MMN_DISTURB_OFF] = "off", [MMN_DISTURB_NOISE] = "noise"};
static const char *const choices[] = {"top", "random"};

static void add_disturbance(mmn_result *result, const mmn_contributions *found,
                            const mmn_disturbance *disturbance)
{
    const bool seeded = disturbance->kind == MMN_DISTURB_NOISE || disturbance->random;
    MMN_ADD(result, "disturbances", mmn_as_text(ways[disturbance->kind]),
            mmn_as_text(choices[disturbance->random]),
            seeded ? mmn_as_whole(disturbance->seed) : mmn_as_nothing(),
            mmn_as_real(disturbance->log_probability),
            mmn_as_whole((uint64_t)disturbance->likeliest),
            mmn_word_of(result, found->study.model, disturbance->likeliest),
            mmn_as_truth(disturbance->answer_changes));
}

static void add_drop(mmn_result *result, const mmn_answer_word *word, mmn_disturbance_kind kind,
                     bool random)
{
    mmn_interval drop;
    size_t changes = 0, count = 0;
    if (!mmn_contribution_drop(&drop, word, kind, random))
        return;
    for (size_t i = 0; i < word->disturbance_count; i++) {
        const mmn_disturbance *disturbance = &word->disturbances[i];
        if (disturbance->kind != kind || disturbance->random != random)
            continue;
        changes += disturbance->answer_changes;
        count++;
    }
    MMN_ADD(result, "drops", mmn_as_text(ways[kind]), mmn_as_text(choices[random]),
            mmn_as_real(drop.mean), mmn_as_real(drop.low), mmn_as_real(drop.high),
            mmn_as_whole(count), mmn_as_truth(count > 1), mmn_as_whole(changes));
}

static void add_word(mmn_result *result, const mmn_contributions *found,
                     const mmn_answer_word *word)
{
    MMN_ADD(result, "words", mmn_as_text(word->text), mmn_as_whole(word->token),
            mmn_as_whole((uint64_t)word->id), mmn_word_of(result, found->study.model, word->id),
            mmn_as_whole(word->position), mmn_as_real(word->log_probability));
    for (size_t i = 0; i < word->neuron_count; i++)
        add_neuron(result, found, &word->neurons[i]);
    for (size_t i = 0; i < word->disturbance_count; i++)
        add_disturbance(result, found, &word->disturbances[i]);
    for (int kind = 0; kind < MMN_DISTURBANCES; kind++)
        for (int random = 0; random < 2; random++)
            add_drop(result, word, (mmn_disturbance_kind)kind, random);
}

void mmn_contributions_fill(mmn_result *result, const void *context)
{
    const mmn_contributions *found = context;
    add_settings(result, found);
    for (size_t i = 0; i < found->word_count; i++)
        add_word(result, found, &found->words[i]);
}
