/* Hallucinations over a list as a result: what is answered of classes that are there and that are
 * not, how sure the detector is of each, and what is said to be there and is not. doc/formats.md
 * describes its JSON. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "model/model.h"
#include "study/hallucinations.h"

enum { BINS = 10, FIRST = 10 };

static const mmn_form_table tables[] = {
    {"result", NULL,
     MMN_COLUMNS(MMN_JOINT_LIST_COLUMNS, MMN_WHOLE("pictures"), MMN_WHOLE("asked"),
                 MMN_WHOLE("more"))},
    {"domains", "result", MMN_COLUMNS(MMN_TEXT("name"))},
    /* how often a class is there and found there, and is not and is said to be */
    {"classes", "result",
     MMN_COLUMNS(MMN_TEXT("class"), MMN_WHOLE("present"), MMN_WHOLE("found"), MMN_WHOLE("absent"),
                 MMN_WHOLE("hallucinated"))},
    /* of a domain, or (nothing) of all: of classes that are there or not, those answered so */
    {"summary", "result",
     MMN_COLUMNS(MMN_TEXT("domain"), MMN_TRUTH("is_present"), MMN_TEXT("answer"),
                 MMN_WHOLE("count"), MMN_REAL("share", ""), MMN_REAL("confidence", ""),
                 MMN_REAL("low", ""), MMN_REAL("high", ""))},
    {"histogram", "summary", MMN_COLUMNS(MMN_WHOLE("bin"))},
    /* how well confidence tells yes from no among what is not there */
    {"separations", "result",
     MMN_COLUMNS(MMN_TEXT("domain"), MMN_WHOLE("yes"), MMN_WHOLE("no"), MMN_REAL("area", ""))},
    {"hallucinations", "result",
     MMN_COLUMNS(MMN_TEXT("id"), MMN_TEXT("domain"), MMN_TEXT("class"), MMN_TEXT("answer"),
                 MMN_REAL("confidence", ""), MMN_TEXT("image"), MMN_WHOLE("height"),
                 MMN_WHOLE("width"), MMN_WHOLE("likely"))},
    {"boxes", "hallucinations",
     MMN_COLUMNS(MMN_WHOLE("patch"), MMN_REAL("score", ""), MMN_REAL("left", "pixels"),
                 MMN_REAL("top", "pixels"), MMN_REAL("right", "pixels"),
                 MMN_REAL("bottom", "pixels"))},
    {"leading", "result",
     MMN_COLUMNS(MMN_TEXT("id"), MMN_TEXT("class"), MMN_REAL("confidence", ""))},
    {0}};

#define INTERVAL MMN_INTERVAL_JSON("low", "high")
static const char json[] =
    "{\n"
    "  'format': 'mmneuron-hallucinations-1',\n" MMN_JOINT_LIST_JSON MMN_JOINT_LIST_JSON_END
    "  'pictures': $pictures, 'asked': $asked,\n"
    "  'classes': [<classes|,|\n"
    "    {'class': $class, 'present': $present, 'found': $found, 'absent': $absent,"
    " 'hallucinated': $hallucinated}>],\n"
    "  'summary': [<summary|,|\n"
    "    {'domain': $domain, 'present': $is_present, 'answer': $answer, 'count': $count,"
    " 'share': $share,\n"
    "     'confidence': $confidence, 'interval': " INTERVAL ",\n"
    "     'histogram': [<histogram|, |$bin>]}>],\n"
    "  'separations': [<separations|,|\n"
    "    {'domain': $domain, 'yes': $yes, 'no': $no, 'area': $area}>],\n"
    "  'hallucinations': [<hallucinations|,|\n"
    "    {'id': $id, 'domain': $domain, 'class': $class, 'answer': $answer,"
    " 'confidence': $confidence,\n"
    "     'image': $image, 'height': $height, 'width': $width, 'likely': $likely,\n"
    "     'boxes': [<boxes|,|\n"
    "       {'patch': $patch, 'score': $score, 'left': $left, 'top': $top, 'right': $right,"
    " 'bottom': $bottom}>]}>]\n"
    "}\n";

static const char people[] =
    "${asked} questions about ${pictures} pictures\n"
    "<summary by domain||\n<?domain|${domain}><!domain|all>\n"
    "  class    answer   questions   share  confidence  95 %\n"
    "<summary||  <-7|<?is_present|present><!is_present|absent>>  <-7|${answer}>  $9{count}"
    "<?share|  $6.4{share}><?confidence|  $10.4{confidence}><?low|  [$.4{low}, $.4{high}]>\n>>"
    "<separations first||\nabsent classes: how well confidence tells yes from no"
    " (area under the curve)\n>"
    "<separations||  <?domain|${domain}><!domain|all>: <?yes|<?no|$.4{area}, >>"
    "${yes} yes, ${no} no\n>"
    "<leading first||\nhallucinations, the most confident first\n>"
    "<leading||  $.4{confidence}  ${class}  ${id}\n>"
    "<?more|  and ${more} more\n>" MMN_REMARKS;

const mmn_form mmn_hallucinations_form = {
    .format = "mmneuron-hallucinations-1", .tables = tables, .json = json, .people = people};

/* ---- Measures -------------------------------------------------------------------------------- */

static int compare_reals(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

double mmn_area_under_curve(double *above, size_t above_count, double *below, size_t below_count)
{
    uint64_t halves = 0; /* pairs, those that are won twice */
    size_t smaller = 0, not_larger = 0;
    if (above_count == 0 || below_count == 0)
        return (double)NAN;
    qsort(above, above_count, sizeof(*above), compare_reals);
    qsort(below, below_count, sizeof(*below), compare_reals);
    for (size_t i = 0; i < above_count; i++) {
        while (smaller < below_count && below[smaller] < above[i])
            smaller++;
        while (not_larger < below_count && below[not_larger] <= above[i])
            not_larger++;
        halves += smaller + not_larger;
    }
    return (double)halves / (2 * (double)above_count * (double)below_count);
}

/* Which questions are meant: of a domain (SIZE_MAX: of all), about what is there or not, answered
 * so. */
typedef struct selection {
    size_t domain;
    bool present;
    mmn_says says;
} selection;

static bool is_among(const mmn_asked_class *asked, const selection *wanted)
{
    return (wanted->domain == SIZE_MAX || asked->domain == wanted->domain) &&
           asked->present == wanted->present && asked->says == wanted->says;
}

/* The confidences of those, in the order of the list, as far as they are numbers; *count: how many
 * questions they are. */
static size_t select_values(double *values, uint64_t *count, const mmn_hallucinations *h,
                            const selection *wanted)
{
    size_t known = 0;
    *count = 0;
    for (size_t i = 0; i < h->asked_count; i++) {
        if (!is_among(&h->asked[i], wanted))
            continue;
        ++*count;
        if (!isnan(h->asked[i].confidence))
            values[known++] = h->asked[i].confidence;
    }
    return known;
}

/* ---- Filling --------------------------------------------------------------------------------- */

static void add_class(mmn_result *result, const mmn_hallucinations *h, size_t class)
{
    uint64_t counts[2][2] = {{0}}; /* present, and answered yes */
    for (size_t i = class; i < h->asked_count; i += h->class_count) {
        counts[h->asked[i].present][0]++;
        counts[h->asked[i].present][1] += h->asked[i].says == MMN_SAYS_YES;
    }
    MMN_ADD(result, "classes", mmn_as_text(h->classes[class]), mmn_as_whole(counts[1][0]),
            mmn_as_whole(counts[1][1]), mmn_as_whole(counts[0][0]), mmn_as_whole(counts[0][1]));
}

void mmn_hallucinations_describe(mmn_result *result, const void *context)
{
    const mmn_hallucinations *h = context;
    MMN_ADD(result, "result", MMN_JOINT_LIST(&h->base),
            mmn_as_whole(h->class_count > 0 ? h->asked_count / h->class_count : 0),
            mmn_as_whole(h->asked_count), mmn_as_whole(h->count > FIRST ? h->count - FIRST : 0));
    for (size_t class = 0; class < h->class_count; class ++)
        add_class(result, h, class);
}

/* `values` has room for a number of each question, and `total` questions are about what is there,
 * or not, in the domain. */
static void add_summary(mmn_result *result, const mmn_hallucinations *h, const selection *wanted,
                        uint64_t total, double *values)
{
    uint64_t count, bins[BINS] = {0};
    const size_t known = select_values(values, &count, h, wanted);
    const mmn_interval interval = mmn_interval_of(values, known);
    for (size_t i = 0; i < known; i++)
        bins[mmn_smaller((size_t)(values[i] * BINS), BINS - 1)]++;
    MMN_ADD(result, "summary", mmn_domain_of(&h->base.study, wanted->domain),
            mmn_as_truth(wanted->present), mmn_as_text(mmn_says_names[wanted->says]),
            mmn_as_whole(count), mmn_real_if(total > 0, (double)count / (double)total),
            mmn_real_if(known > 0, interval.mean), mmn_real_if(known > 1, interval.low),
            mmn_real_if(known > 1, interval.high));
    for (size_t bin = 0; bin < BINS; bin++)
        MMN_ADD(result, "histogram", mmn_as_whole(bins[bin]));
}

static void add_summaries(mmn_result *result, const mmn_hallucinations *h, size_t domain,
                          double *values)
{
    for (int absent = 0; absent < 2; absent++) {
        selection wanted = {.domain = domain, .present = !absent};
        uint64_t total = 0, count;
        for (wanted.says = 0; wanted.says < MMN_SAYS; wanted.says++) {
            select_values(values, &count, h, &wanted);
            total += count;
        }
        for (wanted.says = 0; wanted.says < MMN_SAYS; wanted.says++)
            add_summary(result, h, &wanted, total, values);
    }
}

static void add_separation(mmn_result *result, const mmn_hallucinations *h, size_t domain,
                           double *values)
{
    uint64_t yes, no;
    const size_t above = select_values(values, &yes, h, &(selection){domain, false, MMN_SAYS_YES});
    const size_t below =
        select_values(values + above, &no, h, &(selection){domain, false, MMN_SAYS_NO});
    const double area = mmn_area_under_curve(values, above, values + above, below);
    MMN_ADD(result, "separations", mmn_domain_of(&h->base.study, domain), mmn_as_whole(yes),
            mmn_as_whole(no), mmn_real_if(!isnan(area), area));
}

static double confidence_of(const mmn_hallucinations *h, const mmn_hallucination *hallucination)
{
    return h->asked[hallucination->asked].confidence;
}

/* A hallucination's confidence and number, to be put in order. */
typedef struct placed {
    double confidence;
    size_t number;
} placed;

/* The most confident first, those without a confidence last; of equal ones in the list's order. */
static int compare_placed(const void *left, const void *right)
{
    const placed *a = left, *b = right;
    const bool known_a = !isnan(a->confidence), known_b = !isnan(b->confidence);
    if (known_a != known_b)
        return known_a ? -1 : 1;
    if (known_a && a->confidence != b->confidence)
        return a->confidence > b->confidence ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

static void add_hallucination(mmn_result *result, const mmn_hallucinations *h,
                              const mmn_hallucination *added, bool is_first)
{
    const mmn_asked_class *asked = &h->asked[added->asked];
    const mmn_value class = mmn_as_text(h->classes[asked->class]);
    const mmn_value confidence = mmn_real_if(!isnan(asked->confidence), asked->confidence);
    MMN_ADD(result, "hallucinations", mmn_as_text(added->id),
            mmn_domain_of(&h->base.study, asked->domain), class, mmn_as_text(added->answer),
            confidence, mmn_as_text(added->image), mmn_as_whole(added->height),
            mmn_as_whole(added->width), mmn_as_whole(added->likely));
    for (size_t i = 0; i < added->box_count; i++) {
        const mmn_likely_box *box = &added->boxes[i];
        MMN_ADD(result, "boxes", mmn_as_whole(box->patch), mmn_as_real(box->score),
                mmn_as_real(box->sides[0]), mmn_as_real(box->sides[1]), mmn_as_real(box->sides[2]),
                mmn_as_real(box->sides[3]));
    }
    if (is_first)
        MMN_ADD(result, "leading", mmn_as_text(added->id), class, confidence);
}

static void add_hallucinations(mmn_result *result, const mmn_hallucinations *h)
{
    placed *order = mmn_allocate(h->count, sizeof(*order), NULL);
    if (!order) {
        result->failed = true;
        return;
    }
    for (size_t i = 0; i < h->count; i++)
        order[i] = (placed){confidence_of(h, &h->list[i]), i};
    if (h->count > 0)
        qsort(order, h->count, sizeof(*order), compare_placed);
    for (size_t i = 0; i < h->count; i++)
        add_hallucination(result, h, &h->list[order[i].number], i < FIRST);
    mmn_free(order);
}

void mmn_hallucinations_fill(mmn_result *result, const void *context)
{
    const mmn_hallucinations *h = context;
    const size_t domains = h->base.study.samples.domains.domain_count;
    double *values = mmn_allocate(h->asked_count, sizeof(*values), NULL);
    if (!values) {
        result->failed = true;
        return;
    }
    for (size_t d = 0; d < domains + (domains > 1); d++)
        add_summaries(result, h, d < domains ? d : SIZE_MAX, values);
    for (size_t d = 0; d < domains + (domains > 1); d++)
        add_separation(result, h, d < domains ? d : SIZE_MAX, values);
    add_hallucinations(result, h);
    mmn_free(values);
}
