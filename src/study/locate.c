/* Locating a word of a language model in the picture that it reads through a detector's eyes, as a
 * result; doc/formats.md describes its JSON. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "study/locate.h"
#include "study/looking.h"
#include "study/result_forms.h"
#include "study/run_result.h"

static const mmn_form_table tables[] = {
    {"result", NULL,
     MMN_COLUMNS(MMN_TEXT("version"), MMN_TEXT("model"), MMN_TEXT("detector"),
                 MMN_TEXT("alignment"), MMN_TEXT("image"), MMN_REAL("height", "pixels"),
                 MMN_REAL("width", "pixels"), MMN_TEXT("prompt"), MMN_WHOLE("tokens"),
                 MMN_TEXT("answer"), MMN_TEXT("word"), MMN_WHOLE("id"), MMN_TEXT("token"),
                 MMN_REAL("logit", ""), MMN_REAL("gradient", ""), MMN_TEXT("weights"),
                 MMN_WHOLE("grid_rows"), MMN_WHOLE("grid_columns"), MMN_REAL("x", "pixels"),
                 MMN_REAL("y", "pixels"))},
    {"boxes", "result",
     MMN_COLUMNS(MMN_WHOLE("patch"), MMN_REAL("score", ""), MMN_REAL("left", "pixels"),
                 MMN_REAL("top", "pixels"), MMN_REAL("right", "pixels"),
                 MMN_REAL("bottom", "pixels"))},
    {"numbers", "boxes",
     MMN_COLUMNS(MMN_TEXT("of"), MMN_REAL("cosine", ""), MMN_REAL("weight", ""))},
    {"perturbations", "result",
     MMN_COLUMNS(MMN_TEXT("from"), MMN_TEXT("to"), MMN_REAL("epsilon", ""), MMN_REAL("before", ""),
                 MMN_REAL("after", ""), MMN_TEXT("answer"), MMN_WHOLE("score_before"),
                 MMN_WHOLE("score_after"))},
    {"map", "result", MMN_COLUMNS(MMN_REAL("value", ""))},
    {0}};

static const char json[] =
    "{\n  'format': 'mmneuron-locate-1',\n"
    "  'version': $version,\n"
    "  'model': $model,\n"
    "  'detector': $detector,\n"
    "  'alignment': $alignment,\n"
    "  'image': $image,\n"
    "  'height': $height, 'width': $width,\n"
    "  'settings': {'prompt': $prompt, 'tokens': $tokens, 'word': $word,"
    " 'weights': $weights},\n"
    "  'answer': $answer,\n"
    "  'id': $id, 'token': $token, 'logit': $logit, 'gradient': $gradient,\n"
    "  'perturbations': [<perturbations|,|\n    {'from': $from, 'to': $to, 'epsilon': $epsilon,"
    " 'before': $before, 'after': $after, 'answer': $answer,"
    " 'score_before': $score_before, 'score_after': $score_after}>],\n"
    "  'x': $x, 'y': $y,\n"
    "  'boxes': [<boxes|,|\n"
    "    {'patch': $patch, 'score': $score, 'left': $left, 'top': $top, 'right': $right,"
    " 'bottom': $bottom,\n"
    "     'numbers': [<numbers|, |{'of': $of, 'cosine': $cosine, 'weight': $weight}>]}>],\n"
    "  'grid_rows': $grid_rows, 'grid_columns': $grid_columns,\n"
    "  'map': [<map 8|, |,\n    |$value>]\n}\n";

static const char people[] =
    "answer: $answer\n"
    "<?word|word:   $\"{token}, logit $.4{logit}, length of its gradient $.4g{gradient}\n"
    "<?x|map:    largest around x $.1{x}, y $.1{y}\n>>"
    "<perturbations||after:  $answer\n"
    "        $from to $to by $.4g{epsilon}: logits differ by $.4{before} before,"
    " $.4{after} after\n>";

const mmn_form mmn_locate_form = {
    .format = "mmneuron-locate-1", .tables = tables, .json = json, .people = people};

enum { TOKENS = 32, MOST_TOKENS = 4096 };

/* Parts of the work, for the progress. */
enum { SEEN, ANSWERED, DERIVED, COMPARED, PERTURBED, PARTS };

typedef struct locating {
    mmn_joint joint;
    const mmn_locate_options *options;
    size_t tokens;
    mmn_input *input; /* of the language model */
    mmn_resolution size;
    float *embedding, *gradient; /* [rows][width] */
    char *answer;
    int32_t token;        /* of the word */
    double logit, length; /* of its gradient */
    mmn_saliency saliency;
    mmn_saliency_kind weights; /* that the map shows */
    double epsilon;
    mmn_perturbation perturbation;
    char *answer_after;
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

/* The names of mmn_saliency_kind. */
static const char *const kinds[] = {"class", "coordinates", "any"};

static mmn_status choose_weights(locating *l, mmn_error *error)
{
    const char *asked = l->options->weights;
    for (size_t i = 0; asked && i < MMN_LENGTH(kinds); i++)
        if (strcmp(asked, kinds[i]) == 0) {
            l->weights = (mmn_saliency_kind)i;
            return MMN_OK;
        }
    return asked ? mmn_fail(error, MMN_USAGE, NULL, NULL,
                            "weights are class, coordinates or any, not \"%.100s\"", asked)
                 : MMN_OK;
}

static mmn_status check(locating *l, mmn_error *error)
{
    const mmn_locate_options *options = l->options;
    MMN_TRY(choose_weights(l, error));
    if (options->tokens > MOST_TOKENS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "an answer has %d tokens at most",
                        MOST_TOKENS);
    if (!options->from != !options->to || !(options->epsilon >= 0 && isfinite(options->epsilon)))
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "a perturbation goes from one thing to another, by 0 or more");
    l->tokens = options->tokens > 0 ? (size_t)options->tokens : TOKENS;
    l->epsilon = options->epsilon > 0 ? options->epsilon : 1;
    return MMN_OK;
}

/* ---- The word -------------------------------------------------------------------------------- */

/* The token is the last of the word, as published. */
static mmn_status derive(locating *l, mmn_error *error)
{
    mmn_joint *joint = &l->joint;
    MMN_TRY(mmn_word_token(&l->token, joint->language, l->options->word, true, error));
    MMN_NEED(l->gradient = mmn_allocate(joint->rows, joint->width * sizeof(float), error));
    MMN_TRY(
        mmn_joint_gradient(joint, l->input, l->embedding, l->token, &l->logit, l->gradient, error));
    double squares = 0;
    for (size_t i = 0; i < joint->rows * joint->width; i++)
        squares += (double)l->gradient[i] * (double)l->gradient[i];
    l->length = sqrt(squares);
    return MMN_OK;
}

/* The detector is asked for the word, if there is one. */
static mmn_status see(locating *l, mmn_error *error)
{
    const mmn_locate_options *options = l->options;
    char *query = NULL;
    if (options->word)
        MMN_TRY(mmn_joint_ask_for(&query, options->word, error));
    const mmn_status status = mmn_joint_see(&l->joint, options->image, query ? query : "",
                                            &l->embedding, &l->size, error);
    mmn_free(query);
    return status;
}

/* What it answers when it sees another thing. */
static mmn_status perturb(locating *l, mmn_error *error)
{
    const mmn_locate_options *options = l->options;
    MMN_TRY(mmn_perturbation_make(&l->perturbation, &l->joint, options->image, l->embedding,
                                  options->from, options->to, l->epsilon, error));
    return mmn_joint_answer(&l->joint, l->input, l->perturbation.embedding, l->tokens,
                            &l->answer_after, error);
}

/* ---- The result ------------------------------------------------------------------------------ */

static void add_boxes(mmn_result *result, const locating *l)
{
    static const char *const of[] = {"class", "x", "y", "width", "height"};
    for (size_t patch = 0; patch < l->saliency.patches; patch++) {
        const mmn_detection box =
            mmn_detection_of(l->saliency.boxes + patch * MMN_BOX_SIDES, l->size);
        MMN_ADD(result, "boxes", mmn_as_whole(patch),
                mmn_as_real((double)mmn_detector_score(l->saliency.logits[patch])),
                mmn_as_real((double)box.left), mmn_as_real((double)box.top),
                mmn_as_real((double)box.right), mmn_as_real((double)box.bottom));
        for (size_t number = 0; number < MMN_BOX_NUMBERS; number++) {
            const size_t i = patch * MMN_BOX_NUMBERS + number;
            MMN_ADD(result, "numbers", mmn_as_text(of[number]), mmn_as_real(l->saliency.cosines[i]),
                    mmn_as_real(l->saliency.weights[i]));
        }
    }
}

/* The largest value of the map in each cell of the detector's grid. */
static void add_map(mmn_result *result, const locating *l)
{
    const size_t side = l->joint.detector->config.vision.grid;
    const size_t width = l->size.width, height = l->size.height;
    for (size_t cell = 0; cell < l->saliency.patches; cell++) {
        const size_t column = cell % side, row = cell / side;
        const mmn_pixels region = {.left = column * width / side,
                                   .right = (column + 1) * width / side,
                                   .top = row * height / side,
                                   .bottom = (row + 1) * height / side};
        MMN_ADD(result, "map",
                mmn_as_real(mmn_saliency_in(&l->saliency, l->size, l->weights, region)));
    }
}

/* The middle of what the box with the largest weight covers; nothing where no box covers a
 * pixel. */
static bool find_middle(double *x, double *y, const locating *l)
{
    double largest = -1;
    for (size_t patch = 0; patch < l->saliency.patches; patch++) {
        const mmn_pixels pixels =
            mmn_saliency_pixels(l->saliency.boxes + patch * MMN_BOX_SIDES, l->size);
        const double weight = mmn_saliency_weight(&l->saliency, patch, l->weights);
        if (weight <= largest || pixels.left >= pixels.right || pixels.top >= pixels.bottom)
            continue;
        largest = weight;
        *x = (double)(pixels.left + pixels.right) / 2;
        *y = (double)(pixels.top + pixels.bottom) / 2;
    }
    return largest >= 0;
}

static mmn_value score_of(const char *answer)
{
    const unsigned score = mmn_answer_score(answer);
    return score > 0 ? mmn_as_whole(score) : mmn_as_nothing();
}

static mmn_status make_result(mmn_result **made, const locating *l, mmn_error *error)
{
    const mmn_locate_options *options = l->options;
    const mmn_joint *joint = &l->joint;
    const bool has_word = options->word != NULL;
    const uint32_t side = joint->detector->config.vision.grid;
    char detector[MMN_DIGEST_SIZE], language[MMN_DIGEST_SIZE];
    double x = 0, y = 0;
    const bool has_middle = find_middle(&x, &y, l);
    MMN_TRY(mmn_model_digest(joint->detector, detector, error));
    MMN_TRY(mmn_model_digest(joint->language, language, error));
    MMN_TRY(mmn_result_begin(made, &mmn_locate_form, error));
    MMN_ADD(*made, "result", mmn_as_text(mmn_version()), mmn_as_text(language),
            mmn_as_text(detector), mmn_as_text(joint->alignment.digest),
            mmn_as_text(options->image), mmn_as_real(l->size.height), mmn_as_real(l->size.width),
            mmn_as_text(options->prompt), mmn_as_whole(l->tokens), mmn_as_text(l->answer),
            mmn_as_text(options->word),
            has_word ? mmn_as_whole((uint64_t)l->token) : mmn_as_nothing(),
            has_word ? mmn_word_of(*made, joint->language, l->token) : mmn_as_nothing(),
            mmn_real_if(has_word, l->logit), mmn_real_if(has_word, l->length),
            mmn_as_text(kinds[l->weights]), mmn_as_whole(side), mmn_as_whole(side),
            mmn_real_if(has_middle, x), mmn_real_if(has_middle, y));
    if (options->to)
        MMN_ADD(*made, "perturbations", mmn_as_text(options->from), mmn_as_text(options->to),
                mmn_as_real(l->epsilon), mmn_as_real(l->perturbation.before),
                mmn_as_real(l->perturbation.after), mmn_as_text(l->answer_after),
                score_of(l->answer), score_of(l->answer_after));
    add_boxes(*made, l);
    add_map(*made, l);
    return mmn_result_end(made, error);
}

static mmn_status run(mmn_result **result, locating *l, const mmn_model *detector,
                      const mmn_model *language, mmn_error *error)
{
    const mmn_locate_options *options = l->options;
    mmn_joint *joint = &l->joint;
    MMN_TRY(check(l, error));
    MMN_TRY(mmn_joint_open(joint, detector, language, options->alignment, error));
    MMN_TRY(mmn_joint_ask(joint, &l->input, options->prompt, options->image, error));
    MMN_TRY(tell(l, SEEN, error));
    MMN_TRY(see(l, error));
    MMN_TRY(tell(l, ANSWERED, error));
    MMN_TRY(mmn_joint_answer(joint, l->input, l->embedding, l->tokens, &l->answer, error));
    MMN_TRY(tell(l, DERIVED, error));
    if (options->word) {
        MMN_TRY(derive(l, error));
        MMN_TRY(tell(l, COMPARED, error));
        MMN_TRY(
            mmn_saliency_find(&l->saliency, joint, l->embedding, l->gradient, l->length, error));
    }
    MMN_TRY(tell(l, PERTURBED, error));
    if (options->to)
        MMN_TRY(perturb(l, error));
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
    mmn_saliency_free(&l.saliency);
    mmn_perturbation_free(&l.perturbation);
    mmn_release(l.answer);
    mmn_release(l.answer_after);
    return status;
}
