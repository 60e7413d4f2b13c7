/* Multi-modal neurons over a list as a result. doc/formats.md describes its JSON. */
#include <string.h>

#include "base/memory.h"
#include "model/model.h"
#include "study/contribution_list.h"

static const mmn_form_table tables[] = {
    {"result", NULL,
     MMN_COLUMNS(MMN_MADE_COLUMNS, MMN_TEXT("list"), MMN_WHOLE("samples"), MMN_TEXT("template"),
                 MMN_WHOLE("tokens"), MMN_TEXT("word"), MMN_TRUTH("all_words"), MMN_TEXT("by"),
                 MMN_TEXT("activation"), MMN_WHOLE("top"), MMN_WHOLE("names"), MMN_WHOLE("seeds"),
                 MMN_WHOLE("first_seed"), MMN_REAL("noise", ""), MMN_REAL("weight_noise", ""),
                 MMN_WHOLE("shuffles"), MMN_WHOLE("at_least"), MMN_GENERATION_COLUMN,
                 MMN_ALLOWED_COLUMNS)},
    {"domains", "result", MMN_COLUMNS(MMN_TEXT("name"))},
    /* of a domain, or (nothing) of all; means over words, or (across) over words that enough
     * samples say */
    {"summary", "result",
     MMN_COLUMNS(MMN_TEXT("domain"), MMN_TEXT("order"), MMN_WHOLE("answers"), MMN_WHOLE("said"),
                 MMN_REAL("region", ""), MMN_WHOLE("region_words"), MMN_REAL("across", ""),
                 MMN_WHOLE("across_words"), MMN_REAL("shared", ""), MMN_WHOLE("shared_words"),
                 MMN_REAL("own", ""), MMN_REAL("any", ""), MMN_REAL("named", ""),
                 MMN_REAL("named_random", ""))},
    {"drops", "result",
     MMN_COLUMNS(MMN_TEXT("domain"), MMN_TEXT("how"), MMN_TEXT("neurons"), MMN_REAL("mean", "nats"),
                 MMN_REAL("low", "nats"), MMN_REAL("high", "nats"), MMN_WHOLE("count"),
                 MMN_REAL("changes", ""), MMN_REAL("stays", ""))},
    /* the share of all words' neurons that a layer has */
    {"layers", "result",
     MMN_COLUMNS(MMN_WHOLE("layer"), MMN_REAL("contribution", ""), MMN_REAL("activation", ""))},
    {"words", "result",
     MMN_COLUMNS(MMN_TEXT("text"), MMN_WHOLE("said"), MMN_REAL("across", ""),
                 MMN_REAL("across_by_activation", ""))},
    {"common", "words", MMN_COLUMNS(MMN_WHOLE("layer"), MMN_WHOLE("neuron"), MMN_WHOLE("words"))},
    {"answers", "result", MMN_COLUMNS(MMN_TEXT("id"), MMN_TEXT("domain"), MMN_TEXT("answer"))},
    {"spoken", "answers",
     MMN_COLUMNS(MMN_TEXT("text"), MMN_WHOLE("token"), MMN_WHOLE("id"), MMN_TEXT("word"),
                 MMN_REAL("log_probability", "nats"), MMN_REAL("named_random", ""))},
    {"lists", "spoken",
     MMN_COLUMNS(MMN_TEXT("order"), MMN_REAL("region", ""), MMN_REAL("shared", ""),
                 MMN_REAL("own", ""), MMN_REAL("any", ""), MMN_REAL("named", ""))},
    {"neurons", "lists",
     MMN_COLUMNS(MMN_WHOLE("layer"), MMN_WHOLE("neuron"), MMN_REAL("contribution", ""),
                 MMN_REAL("activation", ""), MMN_REAL("score", ""), MMN_REAL("average", ""),
                 MMN_REAL("attribution", ""))},
    {"names", "neurons", MMN_COLUMNS(MMN_WHOLE("id"), MMN_TEXT("word"), MMN_REAL("value", ""))},
    {"falls", "spoken",
     MMN_COLUMNS(MMN_TEXT("how"), MMN_TEXT("neurons"), MMN_REAL("mean", "nats"), MMN_WHOLE("count"),
                 MMN_WHOLE("changes"), MMN_WHOLE("stays"))},
    {0}};

static const char json[] =
    "{\n"
    "  'format': 'mmneuron-contrib-list-1',\n" MMN_MADE_JSON MMN_NONFINITE_JSON
    "  'settings': {'list': $list, 'samples': $samples, 'template': $template,\n"
    "    'tokens': $tokens, 'word': $word, 'all_words': $all_words<?by|, 'by': $by>,"
    " 'activation': $activation,"
    " 'top': $top, 'names': $names,\n"
    "    'seeds': $seeds, 'first_seed': $first_seed, 'noise': $noise,"
    " 'weight_noise': $weight_noise,\n"
    "    'shuffles': $shuffles, 'at_least': $at_least" MMN_GENERATION_JSON MMN_ALLOWED_JSON "},\n"
    "  'domains': [<domains|, |$name>],\n"
    "  'summary': [<summary|,|\n"
    "    {'domain': $domain, 'order': $order, 'answers': $answers, 'said': $said,\n"
    "     'region': $region, 'region_words': $region_words, 'across': $across,"
    " 'across_words': $across_words,\n"
    "     'shared': $shared, 'shared_words': $shared_words, 'own': $own, 'any': $any,"
    " 'named': $named, 'named_random': $named_random}>],\n"
    "  'drops': [<drops|,|\n"
    "    {'domain': $domain, 'how': $how, 'neurons': $neurons, 'mean': $mean,"
    " 'interval': " MMN_INTERVAL_JSON(
        "low",
        "high") ", 'count': $count,"
                " 'changes': $changes, 'stays': $stays}>],\n"
                "  'layers': [<layers|,|\n"
                "    {'layer': $layer, 'contribution': $contribution, 'activation': "
                "$activation}>],\n"
                "  'words': [<words|,|\n"
                "    {'text': $text, 'said': $said, 'across': $across,"
                " 'across_by_activation': $across_by_activation,\n"
                "     'common': [<common|, |{'layer': $layer, 'neuron': $neuron, 'words': "
                "$words}>]}>],\n"
                "  'answers': [<answers|,|\n"
                "    {'id': $id, 'domain': $domain, 'answer': $answer,\n"
                "     'spoken': [<spoken|,|\n"
                "      {'text': $text, 'token': $token, 'id': $id, 'word': $word,"
                " 'log_probability': $log_probability, 'named_random': $named_random,\n"
                "       'lists': [<lists|,|\n"
                "        {'order': $order, 'region': $region, 'shared': $shared, 'own': $own, "
                "'any': $any,"
                " 'named': $named,\n"
                "         'neurons': [<neurons|,|\n"
                "          {'layer': $layer, 'neuron': $neuron, 'contribution': $contribution,"
                " 'activation': $activation, 'score': $score,"
                " 'average': $average<?attribution|, 'attribution': $attribution>,\n"
                "           'names': [<names|, |{'id': $id, 'word': $word, 'value': "
                "$value}>]}>]}>],\n"
                "       'falls': [<falls|,|\n"
                "        {'how': $how, 'neurons': $neurons, 'mean': $mean, 'count': $count,"
                " 'changes': $changes, 'stays': $stays}>]}>]}>]\n"
                "}\n";

#define SHARE(name) "<?" name "_words|  $8.3{" name "}><!" name "_words|  <+8|->>"
static const char people[] =
    "neurons of the words of answers: the share that is found with the image shuffled, in other\n"
    "samples, and of other words; what they add to the word, and to any; the share that name "
    "it<?seeds|,\n"
    "and that of random neurons>\n"
    "<summary by order||\nby ${order}\n"
    "  <-10 domains.name|domain>  answers  words  shuffled   samples     words       own      "
    "any     named<?seeds|    random>\n"
    "<summary||  <-10 domains.name|<?domain|${domain}><!domain|all>>  $7{answers}  $5{said}" SHARE(
        "region") SHARE("across")
        SHARE("shared") "<?said|  $8.4{own}  $7.4{any}  $8.3{named}"
                        "<?seeds|  $8.3{named_random}>>\n>>"
                        "<drops first||\nby how much ln p of a word falls when neurons are "
                        "disturbed (95 % over samples)\n"
                        "  <-10 domains.name|domain>  how      neurons      fall  answers change  "
                        "the word stays\n>"
                        "<drops||  <-10 domains.name|<?domain|${domain}><!domain|all>>  "
                        "<-7|${how}>  <-7|${neurons}>"
                        "  $8.4{mean}  $11.0{changes*100} %  $12.0{stays*100} %"
                        "<?low|  [$.4{low}, $.4{high}]>\n>" MMN_REMARKS;

const mmn_form mmn_contribution_list_form = {
    .format = "mmneuron-contrib-list-1", .tables = tables, .json = json, .people = people};

/* ---- Filling --------------------------------------------------------------------------------- */

void mmn_contribution_list_describe(mmn_result *result, const void *context)
{
    const mmn_contribution_list *list = context;
    const mmn_contribution_options *options = list->options;
    const mmn_study *study = &list->study;
    MMN_ADD(
        result, "result", MMN_MADE(study), MMN_LIST(study), mmn_as_text(options->template_name),
        mmn_as_whole(list->asked.tokens), mmn_as_text(options->word),
        mmn_as_truth(options->all_words != 0),
        mmn_as_text(options->gradient ? mmn_neuron_order_name(MMN_BY_CONTRIBUTION, options) : NULL),
        mmn_as_text(options->product ? "product" : "gate"), mmn_as_whole(list->asked.top),
        mmn_as_whole(list->asked.names), MMN_SEEDS(study), mmn_as_real(list->asked.noise),
        mmn_real_if(options->weight_noise > 0, options->weight_noise), mmn_as_whole(list->shuffles),
        mmn_as_whole(list->at_least), mmn_generation_of(study->model), MMN_ALLOWED(study->allowed));
}

static mmn_value mean_of(const mmn_said_mean *mean)
{
    return mmn_real_if(mean->count > 0, mean->sum / (double)(mean->count > 0 ? mean->count : 1));
}

static void add_summary(mmn_result *result, const mmn_contribution_list *list, size_t domain,
                        mmn_neuron_order order)
{
    mmn_said_summary summary;
    if (!mmn_said_summarise(&summary, list, domain, order)) {
        result->failed = true;
        return;
    }
    MMN_ADD(result, "summary", mmn_domain_of(&list->study, domain),
            mmn_as_text(mmn_neuron_order_name(order, list->options)), mmn_as_whole(summary.answers),
            mmn_as_whole(summary.words), mean_of(&summary.region),
            mmn_as_whole(summary.region.count), mean_of(&summary.across),
            mmn_as_whole(summary.across.count), mean_of(&summary.shared),
            mmn_as_whole(summary.shared.count), mean_of(&summary.own), mean_of(&summary.any),
            mean_of(&summary.named), mean_of(&summary.named_random));
}

static void add_drop(mmn_result *result, const mmn_contribution_list *list, size_t domain,
                     mmn_disturbance_kind kind, mmn_disturbed neurons)
{
    mmn_said_drop drop;
    if (!mmn_said_drops(&drop, list, domain, kind, neurons))
        result->failed = true;
    else if (drop.samples > 0)
        MMN_ADD(result, "drops", mmn_domain_of(&list->study, domain),
                mmn_as_text(mmn_disturbance_names[kind]), mmn_as_text(mmn_disturbed_names[neurons]),
                mmn_as_real(drop.interval.mean), mmn_real_if(drop.samples > 1, drop.interval.low),
                mmn_real_if(drop.samples > 1, drop.interval.high), mmn_as_whole(drop.samples),
                mmn_as_real(drop.changes), mmn_as_real(drop.stays));
}

/* The tables of domains, and then of all of them where they are several. */
static void add_domains(mmn_result *result, const mmn_contribution_list *list)
{
    const size_t domains = list->study.samples.domains.domain_count;
    const size_t rows = domains + (domains > 1);
    for (int order = 0; order < MMN_NEURON_ORDERS; order++)
        for (size_t d = 0; d < rows; d++)
            add_summary(result, list, d < domains ? d : SIZE_MAX, (mmn_neuron_order)order);
    for (size_t d = 0; d < rows; d++)
        for (int kind = 0; kind < MMN_DISTURBANCES; kind++)
            for (int neurons = 0; neurons < MMN_DISTURBED; neurons++)
                add_drop(result, list, d < domains ? d : SIZE_MAX, (mmn_disturbance_kind)kind,
                         (mmn_disturbed)neurons);
}

/* How many neurons of all words a layer has. */
static size_t count_in_layer(const mmn_contribution_list *list, uint32_t layer,
                             mmn_neuron_order order)
{
    size_t count = 0;
    for (size_t s = 0; s < list->sample_count; s++)
        for (size_t w = 0; w < list->samples[s].word_count; w++) {
            const uint64_t *numbers = list->samples[s].words[w].by[order].numbers;
            for (size_t i = 0; i < list->asked.top; i++)
                count += numbers[i] / list->neurons == layer;
        }
    return count;
}

static void add_layers(mmn_result *result, const mmn_contribution_list *list)
{
    const double all = (double)(list->word_count * list->asked.top);
    for (uint32_t layer = 0; layer < list->layers && list->word_count > 0; layer++)
        MMN_ADD(result, "layers", mmn_as_whole(layer),
                mmn_as_real((double)count_in_layer(list, layer, MMN_BY_CONTRIBUTION) / all),
                mmn_as_real((double)count_in_layer(list, layer, MMN_BY_ACTIVATION) / all));
}

static void add_group(mmn_result *result, const mmn_contribution_list *list,
                      const mmn_said_group *group)
{
    mmn_common_neuron common[MMN_SHOWN_NEURONS], ignored[MMN_SHOWN_NEURONS];
    size_t count, ignored_count;
    double share, by_activation;
    const bool enough = group->count >= list->at_least;
    if (!mmn_said_common(list, group, MMN_BY_ACTIVATION, &by_activation, ignored, &ignored_count) ||
        !mmn_said_common(list, group, MMN_BY_CONTRIBUTION, &share, common, &count)) {
        result->failed = true;
        return;
    }
    MMN_ADD(result, "words", mmn_as_text(group->words[0]->folded), mmn_as_whole(group->count),
            mmn_real_if(enough, share), mmn_real_if(enough, by_activation));
    for (size_t i = 0; i < count; i++)
        MMN_ADD(result, "common", mmn_as_whole(common[i].number / list->neurons),
                mmn_as_whole(common[i].number % list->neurons), mmn_as_whole(common[i].words));
}

static void add_groups(mmn_result *result, const mmn_contribution_list *list)
{
    const mmn_said_word **words;
    const size_t count = mmn_said_words(&words, list, SIZE_MAX);
    mmn_said_group group;
    size_t next = 0;
    result->failed = result->failed || !words;
    while (words && mmn_said_next(&group, words, count, &next))
        add_group(result, list, &group);
    mmn_free(words);
}

static void add_neuron(mmn_result *result, const mmn_contribution_list *list,
                       const mmn_contributor *neuron, bool attributed)
{
    MMN_ADD(result, "neurons", mmn_as_whole(neuron->layer), mmn_as_whole(neuron->neuron),
            mmn_as_real(neuron->contribution), mmn_as_real(neuron->activation),
            mmn_as_real(neuron->score), mmn_as_real(neuron->average),
            mmn_real_if(attributed, neuron->attribution));
    for (size_t i = 0; i < list->asked.names; i++)
        MMN_ADD(result, "names", mmn_as_whole((uint64_t)neuron->names[i].id),
                mmn_word_of(result, list->study.model, neuron->names[i].id),
                mmn_as_real(neuron->names[i].value));
}

static void add_list(mmn_result *result, const mmn_contribution_list *list,
                     const mmn_said_sample *sample, const mmn_said_word *word,
                     mmn_neuron_order order)
{
    const mmn_said_neurons *said = &word->by[order];
    MMN_ADD(result, "lists", mmn_as_text(mmn_neuron_order_name(order, list->options)),
            mmn_real_if(said->shuffles > 0, said->region),
            mmn_real_if(sample->word_count > 1, said->shared), mmn_as_real(said->own),
            mmn_as_real(said->any), mmn_as_real(said->named));
    for (size_t i = 0; i < list->shown; i++)
        add_neuron(result, list, &said->shown[i],
                   list->options->gradient && order == MMN_BY_CONTRIBUTION);
}

static void add_word(mmn_result *result, const mmn_contribution_list *list,
                     const mmn_said_sample *sample, const mmn_said_word *word)
{
    MMN_ADD(result, "spoken", mmn_as_text(word->text), mmn_as_whole(word->token),
            mmn_as_whole((uint64_t)word->id), mmn_word_of(result, list->study.model, word->id),
            mmn_as_real(word->log_probability),
            mmn_real_if(list->random_count > 0, word->named_random));
    for (int order = 0; order < MMN_NEURON_ORDERS; order++)
        add_list(result, list, sample, word, (mmn_neuron_order)order);
    for (int kind = 0; kind < MMN_DISTURBANCES; kind++)
        for (int neurons = 0; neurons < MMN_DISTURBED; neurons++) {
            const mmn_drop *drop = &word->drops[kind][neurons];
            if (drop->count > 0)
                MMN_ADD(result, "falls", mmn_as_text(mmn_disturbance_names[kind]),
                        mmn_as_text(mmn_disturbed_names[neurons]), mmn_as_real(drop->interval.mean),
                        mmn_as_whole(drop->count), mmn_as_whole(drop->changes),
                        mmn_as_whole(drop->stays));
        }
}

void mmn_contribution_list_fill(mmn_result *result, const void *context)
{
    const mmn_contribution_list *list = context;
    add_domains(result, list);
    add_layers(result, list);
    add_groups(result, list);
    for (size_t s = 0; s < list->sample_count; s++) {
        const mmn_said_sample *sample = &list->samples[s];
        MMN_ADD(result, "answers", mmn_as_text(sample->id),
                mmn_domain_of(&list->study, sample->domain), mmn_as_text(sample->answer));
        for (size_t w = 0; w < sample->word_count; w++)
            add_word(result, list, sample, &sample->words[w]);
    }
}
