/* Detection: what of a picture the queries name, and where, as a result; doc/formats.md describes
 * its JSON. */
#include "base/digest.h"
#include "base/error.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "model/model.h"
#include "study/looking.h"
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

/* A search at work. */
typedef struct search {
    const mmn_model *model;
    const mmn_detect_options *options;
    mmn_looking looking;
    float *logits;        /* [patches]: the largest of the queries' so far... */
    size_t *best;         /* [patches]: ...and whose it is */
    mmn_detection *found; /* [patches] */
    size_t found_count;
    double begun; /* seconds of the clock */
} search;

static size_t patches_of(const search *s)
{
    return s->model->config.vision.patches;
}

static mmn_status check(const mmn_detect_options *options, mmn_error *error)
{
    return options->query_count > 0 && options->threshold >= 0 && options->threshold <= 1
               ? MMN_OK
               : mmn_fail(error, MMN_USAGE, NULL, NULL,
                          options->query_count == 0 ? "there is no query to look for"
                                                    : "the threshold must lie from 0 to 1");
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
    MMN_TRY(tell(s, query, error));
    MMN_TRY(mmn_look_for(&s->looking, s->options->queries[query], MMN_PLACE("query %zu", query + 1),
                         error));
    for (size_t patch = 0; patch < patches_of(s); patch++) {
        const float logit = s->looking.session->detector.logits[patch];
        if (query > 0 && !(logit > s->logits[patch]))
            continue;
        s->logits[patch] = logit;
        s->best[patch] = query;
    }
    return MMN_OK;
}

/* ---- The result ------------------------------------------------------------------------------ */

static uint64_t count_found(const search *s, size_t query)
{
    uint64_t count = 0;
    for (size_t i = 0; i < s->found_count; i++)
        count += s->best[s->found[i].patch] == query;
    return count;
}

static mmn_status make_result(mmn_result **made, const search *s, const char *digest,
                              mmn_error *error)
{
    const mmn_resolution size = s->looking.picture->image_sizes[0];
    const mmn_detect_options *options = s->options;
    MMN_TRY(mmn_result_begin(made, &mmn_detect_form, error));
    MMN_ADD(*made, "result", mmn_as_text(mmn_version()), mmn_as_text(digest),
            mmn_as_text(options->image), mmn_as_real(size.height), mmn_as_real(size.width),
            mmn_as_real(options->threshold));
    for (size_t i = 0; i < options->query_count; i++)
        MMN_ADD(*made, "queries", mmn_as_text(options->queries[i]),
                mmn_as_whole(count_found(s, i)));
    for (size_t i = 0; i < s->found_count; i++) {
        const mmn_detection *found = &s->found[i];
        MMN_ADD(*made, "detections", mmn_as_text(options->queries[s->best[found->patch]]),
                mmn_as_real((double)found->score), mmn_as_real((double)found->left),
                mmn_as_real((double)found->top), mmn_as_real((double)found->right),
                mmn_as_real((double)found->bottom), mmn_as_whole(found->patch));
    }
    return mmn_result_end(made, error);
}

static mmn_status run(mmn_result **result, search *s, mmn_error *error)
{
    const size_t patches = patches_of(s);
    char digest[MMN_DIGEST_SIZE];
    MMN_TRY(check(s->options, error));
    MMN_TRY(mmn_looking_open(&s->looking, s->model, error));
    MMN_NEED(s->logits = mmn_allocate(patches, sizeof(*s->logits), error));
    MMN_NEED(s->best = mmn_allocate(patches, sizeof(*s->best), error));
    MMN_NEED(s->found = mmn_allocate(patches, sizeof(*s->found), error));
    MMN_TRY(mmn_look_at(&s->looking, s->options->image, error));
    for (size_t i = 0; i < s->options->query_count; i++)
        MMN_TRY(look_for(s, i, error));
    MMN_TRY(tell(s, s->options->query_count, error));
    s->found_count =
        mmn_looking_find(s->found, &s->looking, s->logits, (float)s->options->threshold);
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
    mmn_looking_close(&s.looking);
    mmn_free(s.logits);
    mmn_free(s.best);
    mmn_free(s.found);
    return status;
}
