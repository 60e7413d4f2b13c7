/* Files of answers to be judged: lines of JSON, or the rows of an evaluation. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/reader.h"
#include "format/list.h"
#include "study/judge.h"
#include "study/rows_file.h"

/* ---- What is kept ---------------------------------------------------------------------------- */

void mmn_judging_free(mmn_judging *judging)
{
    mmn_blocks_free(&judging->texts);
    mmn_free(judging->answers);
    mmn_free(judging->groups);
    mmn_session_free(judging->session);
}

static bool is_same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_group(const mmn_judged_group *a, const mmn_judged_group *b)
{
    return is_same(a->domain, b->domain) && is_same(a->setting, b->setting) &&
           is_same(a->off, b->off) && is_same(a->neurons_of, b->neurons_of) &&
           a->has_seed == b->has_seed && a->seed == b->seed;
}

/* Copies a text, or NULL. */
static mmn_status copy(mmn_judging *judging, const char **to, const char *from, mmn_error *error)
{
    *to = from ? mmn_blocks_keep(&judging->texts, mmn_copy_text(from, error), error) : NULL;
    return from && !*to ? MMN_SYSTEM : MMN_OK;
}

mmn_status mmn_judging_group(mmn_judging *judging, const mmn_judged_group *group, size_t *number,
                             mmn_error *error)
{
    for (*number = 0; *number < judging->group_count; ++*number)
        if (is_group(&judging->groups[*number], group))
            return MMN_OK;
    MMN_TRY(MMN_RESERVE(judging->groups, judging->group_capacity, *number + 1, error));
    mmn_judged_group *made = &judging->groups[judging->group_count++];
    *made = (mmn_judged_group){.has_seed = group->has_seed, .seed = group->seed};
    MMN_TRY(copy(judging, &made->domain, group->domain, error));
    MMN_TRY(copy(judging, &made->setting, group->setting, error));
    MMN_TRY(copy(judging, &made->off, group->off, error));
    return copy(judging, &made->neurons_of, group->neurons_of, error);
}

mmn_status mmn_judging_add(mmn_judging *judging, const char *id, size_t group, double logit,
                           const char *reference, mmn_error *error)
{
    MMN_TRY(MMN_RESERVE(judging->answers, judging->capacity, judging->count + 1, error));
    mmn_judged *made = &judging->answers[judging->count++];
    *made = (mmn_judged){.logit = logit, .group = group};
    MMN_TRY(copy(judging, &made->id, id, error));
    return copy(judging, &made->reference, reference, error);
}

mmn_status mmn_judging_tell(mmn_judging *judging, mmn_error *error)
{
    const mmn_judge_options *options = judging->options;
    const mmn_progress progress = {.label = "judging",
                                   .unit = "answers",
                                   .done = judging->lines,
                                   .total = judging->total,
                                   .seconds = mmn_clock() - judging->begun};
    if (options->progress && options->progress(options->progress_context, &progress))
        return mmn_fail(error, MMN_INTERRUPTED, NULL, NULL, "interrupted");
    return MMN_OK;
}

/* ---- Lines with questions -------------------------------------------------------------------- */

/* A line at most. */
enum { LINE_LIMIT = MMN_LIST_LINE_LIMIT };

/* The texts of an array, in memory that mmn_free frees. */
static void read_texts(const char ***texts, size_t *count, const mmn_object *line, const char *key)
{
    json_t *array = NULL;
    mmn_read_array(&array, line, mmn_read_required(line, key));
    *count = json_array_size(array);
    if (mmn_read_fine(line) && *count == 0)
        mmn_read_wrong(line, key, "must have a right answer");
    *texts = mmn_allocate(*count, sizeof(**texts), line->reader->error);
    if (!*texts)
        mmn_read_failed(line, MMN_SYSTEM);
    for (size_t i = 0; *texts && i < *count; i++)
        if (!((*texts)[i] = json_string_value(json_array_get(array, i))))
            mmn_read_wrong(line, key, "must be texts");
}

static void check_keys(const mmn_judging *judging, const mmn_object *line)
{
    static const char *const known[] = {"id", "domain", "question", "answers", "prediction"};
    const char *key;
    json_t *value;
    json_object_foreach(line->value, key,
                        value) if (!judging->options->allow_unknown_keys &&
                                   MMN_NAME_INDEX(key, known) == MMN_LENGTH(known))
        mmn_read_wrong(line, key,
                       "is unknown; known are id, domain, question, answers and prediction");
}

/* The line's id, or its number where it has none. */
static const char *read_id(char number[32], const mmn_object *line, uint64_t at)
{
    const json_t *id = mmn_object_value(line, "id");
    const char *text = json_string_value(id);
    snprintf(number, 32, "%" PRIu64, at);
    if (json_is_integer(id))
        snprintf(number, 32, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
    else if (id && !text)
        mmn_read_wrong(line, "id", "must be a text or an integer");
    return text ? text : number;
}

static mmn_status judge_line(mmn_judging *judging, const mmn_object *line)
{
    mmn_error *error = line->reader->error;
    const char *question = "", *prediction = "", *domain = NULL, **references = NULL;
    size_t count = 0, best = 0, group = 0;
    double logit = 0;
    char number[32];
    const char *id = read_id(number, line, judging->lines);
    check_keys(judging, line);
    mmn_read_text(&domain, line, "domain");
    mmn_read_text(&question, line, mmn_read_required(line, "question"));
    mmn_read_text(&prediction, line, mmn_read_required(line, "prediction"));
    read_texts(&references, &count, line, "answers");
    MMN_READ_TRY(line, mmn_judge_answer(judging->session, judging->options->form, question,
                                        references, count, prediction, &logit, &best, error));
    MMN_READ_TRY(line,
                 mmn_judging_group(judging, &(mmn_judged_group){.domain = domain}, &group, error));
    MMN_READ_TRY(line, mmn_judging_add(judging, id, group, logit, references[best], error));
    mmn_free(references);
    return line->reader->status;
}

static mmn_status take_line(mmn_judging *judging, const char *text, size_t size, mmn_error *error)
{
    json_t *document = NULL;
    mmn_reader reader = {.error = error};
    reader.status =
        mmn_json_parse_line(&document, text, size, judging->options->file, judging->lines, error);
    if (reader.status == MMN_OK && !json_is_object(document))
        reader.status = mmn_fail(error, MMN_INPUT, judging->options->file,
                                 MMN_PLACE("line %" PRIu64, judging->lines), "must be an object");
    mmn_object line = mmn_read_document(&reader, document, judging->options->file);
    snprintf(line.prefix, sizeof(line.prefix), "line %" PRIu64 ", ", judging->lines);
    if (json_object_get(document, "format"))
        mmn_read_wrong(&line, "format",
                       "this is a file of rows, whose questions are in the list that was "
                       "evaluated: name it (--list)");
    mmn_status status = judge_line(judging, &line);
    json_decref(document);
    return status;
}

static mmn_status read_lines(mmn_judging *judging, const char *text, size_t size, mmn_error *error)
{
    size_t next;
    for (size_t at = 0; at < size; at++)
        judging->total += text[at] == '\n' || at + 1 == size;
    for (size_t at = 0; at < size; at = next) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - text) - at : size - at;
        next = at + length + 1;
        judging->lines++;
        if (length > LINE_LIMIT)
            return mmn_fail(error, MMN_INPUT, judging->options->file,
                            MMN_PLACE("line %" PRIu64, judging->lines), "is longer than %d bytes",
                            LINE_LIMIT);
        if (strspn(text + at, " \t\r") >= length)
            continue;
        MMN_TRY(take_line(judging, text + at, length, error));
        MMN_TRY(mmn_judging_tell(judging, error));
    }
    return MMN_OK;
}

/* A file of this many bytes holds more answers than anybody judges. */
#define FILE_LIMIT ((size_t)1 << 30)

mmn_status mmn_judging_read(mmn_judging *judging, mmn_error *error)
{
    char *text;
    size_t size;
    MMN_TRY(mmn_read_file(&text, &size, judging->options->file, FILE_LIMIT, error));
    mmn_status status = read_lines(judging, text, size, error);
    mmn_free(text);
    return status;
}

/* ---- Rows of an evaluation ------------------------------------------------------------------- */

/* Rows at work, and the sample of the list that they are of. */
typedef struct rows {
    mmn_judging *judging;
    mmn_rows_file file;
    mmn_list *list;
    mmn_sample sample;
    size_t first;      /* the sample's first answer that was judged */
    mmn_text *answers; /* of those, one behind the other, each ended by a zero */
} rows;

/* What a row says, which belongs to its document. */
typedef struct row {
    uint64_t line;
    const char *answer;
    mmn_judged_group group;
} row;

/* Whether the rows are of an evaluation of the list. */
static mmn_status check_header(const rows *r, mmn_error *error)
{
    const mmn_judging *judging = r->judging;
    json_t *document = NULL;
    const char *result = "", *data = "", *text = (const char *)r->file.mapping.data;
    mmn_reader reader = {.error = error};
    const char *end = memchr(text, '\n', r->file.size);
    reader.status = mmn_json_parse_line(&document, text, end ? (size_t)(end - text) : r->file.size,
                                        judging->options->file, 1, error);
    const mmn_object header = mmn_read_document(&reader, document, judging->options->file);
    mmn_read_text(&result, &header, "result");
    mmn_read_text(&data, &header, "data");
    if (strcmp(result, "mmneuron-eval-1") != 0)
        mmn_read_wrong(&header, "result", "must be \"mmneuron-eval-1\" and is \"%.60s\"", result);
    if (strcmp(data, judging->list_digest) != 0)
        mmn_read_wrong(&header, "data",
                       "the rows are of another list: its digest is \"%.40s\", that of %s is %s",
                       data, judging->options->list, judging->list_digest);
    json_decref(document);
    return reader.status;
}

/* Goes on in the list to the row's line. */
static mmn_status find_sample(rows *r, uint64_t line, mmn_error *error)
{
    bool found = true;
    if (r->sample.line == line)
        return MMN_OK;
    r->first = r->judging->count;
    r->answers->length = 0;
    while (found && r->sample.line < line)
        MMN_TRY(mmn_list_next(r->list, &r->sample, &found, error));
    if (!found || r->sample.line != line)
        return mmn_fail(error, MMN_INPUT, r->file.path, MMN_PLACE("line %" PRIu64, r->file.line),
                        "is of line %" PRIu64 " of the list, which is none that follows", line);
    if (r->sample.question && r->sample.answer_count > 0)
        return MMN_OK;
    return mmn_fail(error, MMN_INPUT, r->judging->options->list, MMN_PLACE("line %" PRIu64, line),
                    "has no %s, which a judge reads",
                    r->sample.question ? "answers" : "question beside its prompt");
}

/* The answer of the sample that was the same and is judged already, or NULL. */
static const mmn_judged *find_same(const rows *r, const char *answer)
{
    const char *at = r->answers->text;
    for (size_t i = r->first; i < r->judging->count; i++, at += strlen(at) + 1)
        if (strcmp(at, answer) == 0)
            return &r->judging->answers[i];
    return NULL;
}

static mmn_status judge_row(rows *r, const row *found, mmn_error *error)
{
    mmn_judging *judging = r->judging;
    size_t group, best = 0;
    double logit;
    MMN_TRY(find_sample(r, found->line, error));
    MMN_TRY(mmn_judging_group(judging, &found->group, &group, error));
    const mmn_judged *same = find_same(r, found->answer);
    const char *reference = NULL;
    if (same) {
        logit = same->logit;
        reference = same->reference;
    } else {
        MMN_TRY(mmn_judge_answer(judging->session, judging->options->form, r->sample.question,
                                 r->sample.answers, r->sample.answer_count, found->answer, &logit,
                                 &best, error));
        reference = r->sample.answers[best];
    }
    mmn_text_add_bytes(r->answers, found->answer, strlen(found->answer) + 1);
    MMN_TRY(mmn_text_status(r->answers, error));
    return mmn_judging_add(judging, r->sample.id, group, logit, reference, error);
}

static void read_row(row *found, const mmn_object *object)
{
    const char *domain = "", *setting = "", *off = "", *neurons_of = NULL;
    int64_t line = 0, seed = 0;
    mmn_read_i64(&line, object, mmn_read_required(object, "line"), 1, INT64_MAX);
    mmn_read_text(&found->answer, object, mmn_read_required(object, "answer"));
    mmn_read_text(&domain, object, mmn_read_required(object, "domain"));
    mmn_read_text(&setting, object, mmn_read_required(object, "setting"));
    mmn_read_text(&off, object, mmn_read_required(object, "off"));
    mmn_read_text(&neurons_of, object, "neurons_of");
    mmn_read_i64(&seed, object, "seed", 0, INT64_MAX);
    found->line = (uint64_t)line;
    found->group = (mmn_judged_group){.domain = domain,
                                      .setting = setting,
                                      .off = off,
                                      .neurons_of = neurons_of,
                                      .has_seed = mmn_object_value(object, "seed") != NULL,
                                      .seed = (uint64_t)seed};
}

static mmn_status take_row(rows *r, bool *last, mmn_error *error)
{
    json_t *document;
    row found = {0};
    mmn_reader reader = {.error = error};
    MMN_TRY(mmn_rows_file_next(&document, &r->file, NULL, error));
    mmn_object object = mmn_read_document(&reader, document, r->file.path);
    snprintf(object.prefix, sizeof(object.prefix), "line %" PRIu64 ", ", r->file.line);
    *last = mmn_object_has(&object, "finished");
    if (!*last)
        read_row(&found, &object);
    if (reader.status == MMN_OK && !*last)
        reader.status = judge_row(r, &found, error);
    json_decref(document);
    return reader.status;
}

static mmn_status read_rows(rows *r, mmn_error *error)
{
    mmn_judging *judging = r->judging;
    bool last = false;
    MMN_TRY(mmn_list_open(&r->list, judging->options->list, error));
    mmn_list_allow_unknown_keys(r->list, judging->options->allow_unknown_keys);
    MMN_TRY(mmn_list_digest(r->list, judging->list_digest, error));
    MMN_TRY(mmn_rows_file_open(&r->file, judging->options->file, error));
    MMN_TRY(check_header(r, error));
    judging->total = mmn_rows_file_lines_left(&r->file);
    while (!last && mmn_rows_file_lines_left(&r->file) > 0) {
        MMN_TRY(take_row(r, &last, error));
        judging->lines++;
        MMN_TRY(mmn_judging_tell(judging, error));
    }
    return mmn_list_unchanged(r->list, error);
}

mmn_status mmn_judging_read_rows(mmn_judging *judging, mmn_error *error)
{
    mmn_text answers = {0};
    rows r = {.judging = judging, .answers = &answers};
    mmn_status status = read_rows(&r, error);
    mmn_text_free(&answers);
    mmn_rows_file_close(&r.file);
    mmn_list_close(r.list);
    return status;
}
