/* Locating a word of a language model in the picture that it reads through a detector's eyes, as a
 * result; doc/formats.md describes its JSON. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "study/joint.h"
#include "study/result_forms.h"
#include "study/run_result.h"

static const mmn_form_table tables[] = {
    {"result", NULL,
     MMN_COLUMNS(MMN_TEXT("version"), MMN_TEXT("model"), MMN_TEXT("detector"),
                 MMN_TEXT("alignment"), MMN_TEXT("image"), MMN_REAL("height", "pixels"),
                 MMN_REAL("width", "pixels"), MMN_TEXT("prompt"), MMN_WHOLE("tokens"),
                 MMN_TEXT("answer"), MMN_TEXT("word"), MMN_WHOLE("id"), MMN_TEXT("token"),
                 MMN_REAL("logit", ""), MMN_REAL("gradient", ""))},
    {0}};

static const char json[] =
    "{\n  'format': 'mmneuron-locate-1',\n"
    "  'version': $version,\n"
    "  'model': $model,\n"
    "  'detector': $detector,\n"
    "  'alignment': $alignment,\n"
    "  'image': $image,\n"
    "  'height': $height, 'width': $width,\n"
    "  'settings': {'prompt': $prompt, 'tokens': $tokens, 'word': $word},\n"
    "  'answer': $answer,\n"
    "  'id': $id, 'token': $token, 'logit': $logit, 'gradient': $gradient\n}\n";

static const char people[] =
    "answer: $answer\n"
    "<?word|word:   $\"{token}, logit $.4{logit}, length of its gradient $.4g{gradient}\n>";

const mmn_form mmn_locate_form = {
    .format = "mmneuron-locate-1", .tables = tables, .json = json, .people = people};

enum { TOKENS = 32, MOST_TOKENS = 4096 };

/* Parts of the work, for the progress. */
enum { SEEN, ANSWERED, DERIVED, PARTS };

typedef struct locating {
    mmn_joint joint;
    const mmn_locate_options *options;
    size_t tokens;
    mmn_input *input; /* of the language model */
    mmn_resolution size;
    float *embedding, *gradient; /* [rows][width] */
    char *answer;
    int32_t token; /* of the word */
    double logit;
    double begun; /* seconds of the clock */
} locating;

static mmn_status tell(const locating *l, uint64_t done, mmn_error *error)
{
    const mmn_locate_options *options = l->options;
    const mmn_progress progress = {.label = "locating",
                                   .unit = "parts",
                                   .done = done,
                                   .total = PARTS,
                                   .seconds = mmn_clock() - l->begun};
    if (options->progress && options->progress(options->progress_context, &progress))
        return mmn_fail(error, MMN_INTERRUPTED, NULL, NULL, "interrupted");
    return MMN_OK;
}

/* ---- The word -------------------------------------------------------------------------------- */

/* The token is the last of the word, as published. */
static mmn_status derive(locating *l, mmn_error *error)
{
    mmn_joint *joint = &l->joint;
    MMN_TRY(mmn_word_token(&l->token, joint->language, l->options->word, true, error));
    MMN_NEED(l->gradient = mmn_allocate(joint->rows, joint->width * sizeof(float), error));
    return mmn_joint_gradient(joint, l->input, l->embedding, l->token, &l->logit, l->gradient,
                              error);
}

static double length_of(const float *vector, size_t count)
{
    double squares = 0;
    for (size_t i = 0; i < count; i++)
        squares += (double)vector[i] * (double)vector[i];
    return sqrt(squares);
}

/* ---- The result ------------------------------------------------------------------------------ */

static mmn_status make_result(mmn_result **made, const locating *l, mmn_error *error)
{
    const mmn_locate_options *options = l->options;
    const mmn_joint *joint = &l->joint;
    const bool has_word = options->word != NULL;
    char detector[MMN_DIGEST_SIZE], language[MMN_DIGEST_SIZE];
    MMN_TRY(mmn_model_digest(joint->detector, detector, error));
    MMN_TRY(mmn_model_digest(joint->language, language, error));
    MMN_TRY(mmn_result_begin(made, &mmn_locate_form, error));
    MMN_ADD(
        *made, "result", mmn_as_text(mmn_version()), mmn_as_text(language), mmn_as_text(detector),
        mmn_as_text(joint->alignment.digest), mmn_as_text(options->image),
        mmn_as_real(l->size.height), mmn_as_real(l->size.width), mmn_as_text(options->prompt),
        mmn_as_whole(l->tokens), mmn_as_text(l->answer), mmn_as_text(options->word),
        has_word ? mmn_as_whole((uint64_t)l->token) : mmn_as_nothing(),
        has_word ? mmn_word_of(*made, joint->language, l->token) : mmn_as_nothing(),
        mmn_real_if(has_word, l->logit),
        mmn_real_if(has_word, has_word ? length_of(l->gradient, joint->rows * joint->width) : 0));
    return mmn_result_end(made, error);
}

static mmn_status run(mmn_result **result, locating *l, const mmn_model *detector,
                      const mmn_model *language, mmn_error *error)
{
    const mmn_locate_options *options = l->options;
    mmn_joint *joint = &l->joint;
    if (options->tokens > MOST_TOKENS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "an answer has %d tokens at most",
                        MOST_TOKENS);
    l->tokens = options->tokens > 0 ? (size_t)options->tokens : TOKENS;
    MMN_TRY(mmn_joint_open(joint, detector, language, options->alignment, error));
    MMN_TRY(mmn_joint_ask(joint, &l->input, options->prompt, options->image, error));
    MMN_TRY(tell(l, SEEN, error));
    MMN_TRY(mmn_joint_see(joint, options->image, &l->embedding, &l->size, error));
    MMN_TRY(tell(l, ANSWERED, error));
    MMN_TRY(mmn_joint_answer(joint, l->input, l->embedding, l->tokens, &l->answer, error));
    MMN_TRY(tell(l, DERIVED, error));
    if (options->word)
        MMN_TRY(derive(l, error));
    MMN_TRY(tell(l, PARTS, error));
    return make_result(result, l, error);
}

mmn_status mmn_locate(mmn_result **result, const mmn_model *detector, const mmn_model *language,
                      const mmn_locate_options *options, mmn_error *error)
{
    mmn_locate_options own;
    MMN_CLEAR(result);
    MMN_GIVEN(error, result, detector, language, options);
    MMN_TAKE_OPTIONS(own, options, error);
    MMN_GIVEN(error, options->alignment, options->image, options->prompt);
    locating l = {.options = options, .begun = mmn_clock()};
    const mmn_status status = run(result, &l, detector, language, error);
    mmn_joint_close(&l.joint);
    mmn_input_free(l.input);
    mmn_free(l.embedding);
    mmn_free(l.gradient);
    mmn_release(l.answer);
    return status;
}
