/* Detection: what of a picture the queries name, and where, as a result; doc/formats.md describes
 * its JSON. */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "model/input.h"
#include "model/model.h"
#include "pass/session.h"
#include "study/result_forms.h"

static const mmn_form_table tables[] = {
    {"result", NULL,
     MMN_COLUMNS(MMN_TEXT("version"), MMN_TEXT("model"), MMN_TEXT("image"),
                 MMN_REAL("height", "pixels"), MMN_REAL("width", "pixels"),
                 MMN_REAL("threshold", ""))},
    {"queries", "result", MMN_COLUMNS(MMN_TEXT("text"), MMN_WHOLE("found"))},
    {"detections", "result",
     MMN_COLUMNS(MMN_TEXT("query"), MMN_REAL("score", ""), MMN_REAL("left", "pixels"),
                 MMN_REAL("top", "pixels"), MMN_REAL("right", "pixels"),
                 MMN_REAL("bottom", "pixels"), MMN_WHOLE("patch"))},
    {0}};

static const char json[] =
    "{\n  'format': 'mmneuron-detect-1',\n"
    "  'version': $version,\n"
    "  'model': $model,\n"
    "  'image': $image,\n"
    "  'height': $height, 'width': $width,\n"
    "  'settings': {'threshold': $threshold},\n"
    "  'queries': [<queries|,|\n    {'text': $text, 'found': $found}>],\n"
    "  'detections': [<detections|,|\n"
    "    {'query': $query, 'score': $score, 'left': $left, 'top': $top, 'right': $right,"
    " 'bottom': $bottom, 'patch': $patch}>]\n}\n";

static const char people[] =
    "<?detections|  <-20 detections.query|found>   score     left      top    right   bottom\n>"
    "<detections||  <-20 detections.query|${query}>  $6.4{score}  $7.1{left}  $7.1{top}"
    "  $7.1{right}  $7.1{bottom}\n>"
    "<!detections|nothing has a score above ${threshold}\n>";

const mmn_form mmn_detect_form = {
    .format = "mmneuron-detect-1", .tables = tables, .json = json, .people = people};

/* A box, in pixels. */
typedef struct detection {
    size_t patch, query;
    float score, left, top, right, bottom;
} detection;

/* A search at work. */
typedef struct search {
    const mmn_model *model;
    const mmn_detect_options *options;
    mmn_session *session;
    mmn_input *picture; /* with the first query */
    float *logits;      /* [patches]: the largest of the queries' so far... */
    size_t *best;       /* [patches]: ...and whose it is */
    detection *found;   /* [patches] */
    size_t found_count;
    double begun; /* seconds of the clock */
} search;

static size_t patches_of(const search *s)
{
    return s->model->config.vision.patches;
}

static mmn_status check(const mmn_model *model, const mmn_detect_options *options, mmn_error *error)
{
    if (options->query_count == 0 || !(options->threshold >= 0 && options->threshold <= 1))
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        options->query_count == 0 ? "there is no query to look for"
                                                  : "the threshold must lie from 0 to 1");
    if (model->config.query_size == 0)
        return mmn_fail(error, MMN_INPUT, model->folder, NULL,
                        "is no detector, but a model of the family %s; expected owlvit",
                        model->config.family->model_type);
    return model->tokenizer ? MMN_OK
                            : mmn_fail(error, MMN_USAGE, model->folder, NULL,
                                       "was opened without its tokenizer, which queries need");
}

/* ---- Queries --------------------------------------------------------------------------------- */

/* The picture with query number `index`. */
static mmn_status make_input(mmn_input **input, const search *s, size_t index, mmn_error *error)
{
    const char *query = s->options->queries[index];
    const uint32_t most = s->model->config.language.max_position_embeddings;
    int32_t *ids;
    size_t count;
    *input = NULL;
    MMN_TRY(
        mmn_tokenizer_encode(s->model->tokenizer, query, strlen(query), true, &ids, &count, error));
    mmn_status status = count <= most
                            ? mmn_input_extend(input, s->picture, 0, ids, count, error)
                            : mmn_fail(error, MMN_INPUT, NULL, MMN_PLACE("query %zu", index + 1),
                                       "has %zu tokens; the model reads texts of at most %u", count,
                                       most);
    mmn_free(ids);
    return status;
}

static mmn_status tell(const search *s, size_t done, mmn_error *error)
{
    const mmn_detect_options *options = s->options;
    const mmn_progress progress = {.label = "detecting",
                                   .unit = "queries",
                                   .done = done,
                                   .total = options->query_count,
                                   .seconds = mmn_clock() - s->begun};
    if (options->progress && options->progress(options->progress_context, &progress))
        return mmn_fail(error, MMN_INTERRUPTED, NULL, NULL, "interrupted");
    return MMN_OK;
}

static mmn_status look_for(search *s, size_t query, mmn_error *error)
{
    mmn_input *input;
    MMN_TRY(tell(s, query, error));
    MMN_TRY(make_input(&input, s, query, error));
    const mmn_status status = mmn_session_prefill(s->session, input, error);
    mmn_input_free(input);
    MMN_TRY(status);
    for (size_t patch = 0; patch < patches_of(s); patch++) {
        const float logit = s->session->detector.logits[patch];
        if (query > 0 && !(logit > s->logits[patch]))
            continue;
        s->logits[patch] = logit;
        s->best[patch] = query;
    }
    return MMN_OK;
}

/* ---- Boxes ----------------------------------------------------------------------------------- */

/* The largest score first; of equal ones that of the first patch. */
static int compare(const void *left, const void *right)
{
    const detection *a = left, *b = right;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return (a->patch > b->patch) - (a->patch < b->patch);
}

/* Corners are centre -+ half the sides, times the picture's, in binary32. */
static void keep_boxes(search *s)
{
    const mmn_resolution size = s->picture->image_sizes[0];
    const float width = (float)size.width, height = (float)size.height;
    for (size_t patch = 0; patch < patches_of(s); patch++) {
        const float *box = s->session->detector.boxes + 4 * patch;
        const float score = mmn_detector_score(s->logits[patch]);
        if (score > (float)s->options->threshold)
            s->found[s->found_count++] = (detection){.patch = patch,
                                                     .query = s->best[patch],
                                                     .score = score,
                                                     .left = (box[0] - 0.5f * box[2]) * width,
                                                     .top = (box[1] - 0.5f * box[3]) * height,
                                                     .right = (box[0] + 0.5f * box[2]) * width,
                                                     .bottom = (box[1] + 0.5f * box[3]) * height};
    }
    if (s->found_count > 0)
        qsort(s->found, s->found_count, sizeof(*s->found), compare);
}

/* ---- The result ------------------------------------------------------------------------------ */

static uint64_t count_found(const search *s, size_t query)
{
    uint64_t count = 0;
    for (size_t i = 0; i < s->found_count; i++)
        count += s->found[i].query == query;
    return count;
}

static mmn_status make_result(mmn_result **made, const search *s, const char *digest,
                              mmn_error *error)
{
    const mmn_resolution size = s->picture->image_sizes[0];
    const mmn_detect_options *options = s->options;
    MMN_TRY(mmn_result_begin(made, &mmn_detect_form, error));
    MMN_ADD(*made, "result", mmn_as_text(mmn_version()), mmn_as_text(digest),
            mmn_as_text(options->image), mmn_as_real(size.height), mmn_as_real(size.width),
            mmn_as_real(options->threshold));
    for (size_t i = 0; i < options->query_count; i++)
        MMN_ADD(*made, "queries", mmn_as_text(options->queries[i]),
                mmn_as_whole(count_found(s, i)));
    for (size_t i = 0; i < s->found_count; i++) {
        const detection *found = &s->found[i];
        MMN_ADD(*made, "detections", mmn_as_text(options->queries[found->query]),
                mmn_as_real((double)found->score), mmn_as_real((double)found->left),
                mmn_as_real((double)found->top), mmn_as_real((double)found->right),
                mmn_as_real((double)found->bottom), mmn_as_whole(found->patch));
    }
    return mmn_result_end(made, error);
}

static mmn_status run(mmn_result **result, search *s, mmn_error *error)
{
    const mmn_session_options session = {.size = sizeof(session), .prompt_only = 1};
    const size_t patches = patches_of(s);
    char digest[MMN_DIGEST_SIZE];
    MMN_TRY(check(s->model, s->options, error));
    MMN_NEED(s->logits = mmn_allocate(patches, sizeof(*s->logits), error));
    MMN_NEED(s->best = mmn_allocate(patches, sizeof(*s->best), error));
    MMN_NEED(s->found = mmn_allocate(patches, sizeof(*s->found), error));
    MMN_TRY(mmn_session_create(&s->session, s->model, &session, error));
    MMN_TRY(mmn_input_from_prompt(&s->picture, s->model, s->options->queries[0], &s->options->image,
                                  1, error));
    for (size_t i = 0; i < s->options->query_count; i++)
        MMN_TRY(look_for(s, i, error));
    MMN_TRY(tell(s, s->options->query_count, error));
    keep_boxes(s);
    MMN_TRY(mmn_model_digest(s->model, digest, error));
    return make_result(result, s, digest, error);
}

mmn_status mmn_detect(mmn_result **result, const mmn_model *model,
                      const mmn_detect_options *options, mmn_error *error)
{
    mmn_detect_options own;
    MMN_CLEAR(result);
    MMN_GIVEN(error, result, model, options);
    MMN_TAKE_OPTIONS(own, options, error);
    MMN_GIVEN(error, options->image);
    MMN_GIVEN_TEXTS(error, "query", options->query_count, options->queries);
    search s = {.model = model, .options = options, .begun = mmn_clock()};
    const mmn_status status = run(result, &s, error);
    mmn_session_free(s.session);
    mmn_input_free(s.picture);
    mmn_free(s.logits);
    mmn_free(s.best);
    mmn_free(s.found);
    return status;
}
