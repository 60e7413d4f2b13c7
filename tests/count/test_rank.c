/* The ranking against implementations in Python and PyTorch, and the released results' sizes. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "count/rank.h"

#define CASES MMN_SOURCE_DIR "/tests/count/data/rank_cases.json"

/* A case's counts, as the ranking takes them. */
typedef struct counts {
    mmn_rank_task task;
    int64_t *active, *tokens;
    const int64_t **rows;
} counts;

static counts load_counts(const json_t *test)
{
    const json_t *active = json_object_get(test, "active");
    const json_t *tokens = json_object_get(test, "tokens");
    counts loaded = {.task = {.neurons = json_array_size(json_array_get(active, 0)),
                              .domains = json_array_size(active)}};
    size_t neurons = loaded.task.neurons, domains = loaded.task.domains;
    loaded.active = calloc(domains * neurons, sizeof(int64_t));
    loaded.tokens = calloc(domains, sizeof(int64_t));
    loaded.rows = calloc(domains, sizeof(int64_t *));
    for (size_t d = 0; d < domains; d++) {
        loaded.tokens[d] = json_integer_value(json_array_get(tokens, d));
        loaded.rows[d] = loaded.active + d * neurons;
        for (size_t n = 0; n < neurons; n++)
            loaded.active[d * neurons + n] =
                json_integer_value(json_array_get(json_array_get(active, d), n));
    }
    loaded.task.active = loaded.rows;
    loaded.task.tokens = loaded.tokens;
    return loaded;
}

static void free_counts(counts *loaded)
{
    free(loaded->active);
    free(loaded->tokens);
    free(loaded->rows);
}

static double real(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static void check_lists(const char *name, const mmn_rank_result *result, const json_t *lists)
{
    for (size_t d = 0; d < result->domains; d++) {
        const json_t *list = json_array_get(lists, d);
        size_t found = 0;
        for (size_t i = 0; i < result->selected; i++) {
            size_t rank = result->by_number[i];
            if (!mmn_rank_belongs(result, rank, d))
                continue;
            cr_assert_eq((json_int_t)result->ranked[rank],
                         json_integer_value(json_array_get(list, found)),
                         "%s: domain %zu, neuron %zu", name, d, found);
            found++;
        }
        cr_assert_eq(found, json_array_size(list), "%s: domain %zu has %zu neurons", name, d,
                     found);
    }
}

static void check_case(const json_t *test)
{
    const char *name = json_string_value(json_object_get(test, "name"));
    const json_t *expected = json_object_get(test, "expected");
    const json_t *ranked = json_object_get(expected, "ranked");
    const json_t *entropy = json_object_get(expected, "entropy");
    const mmn_rank_rule rule = {.rate = real(test, "rate"),
                                .bar = real(test, "bar"),
                                .assignment_bar = real(test, "assignment_bar"),
                                .float32 = json_is_true(json_object_get(test, "float32"))};
    counts loaded = load_counts(test);
    mmn_rank_result result;
    cr_assert_eq(mmn_rank_neurons(&result, &loaded.task, &rule, mmn_kernels_reference(), NULL),
                 MMN_OK);
    cr_assert(result.bar == real(expected, "bar_value"), "%s: bar %.17g", name, result.bar);
    cr_assert(result.assignment_bar == real(expected, "assignment_value"), "%s: bar %.17g", name,
              result.assignment_bar);
    cr_assert_eq(result.passed, (size_t)real(expected, "passed"), "%s: %zu passed", name,
                 result.passed);
    cr_assert_eq(result.tied_at_cut, (size_t)real(expected, "tied"), "%s: %zu tied", name,
                 result.tied_at_cut);
    cr_assert_eq(result.selected, json_array_size(ranked), "%s: %zu selected", name,
                 result.selected);
    /* PyTorch's float32 logarithm has its own last places. */
    double allowed = rule.float32 ? 1e-6 : 1e-14;
    for (size_t i = 0; i < result.selected; i++) {
        cr_assert_eq((json_int_t)result.ranked[i], json_integer_value(json_array_get(ranked, i)),
                     "%s: rank %zu", name, i);
        double difference = result.entropy[i] - json_number_value(json_array_get(entropy, i));
        cr_assert(fabs(difference) <= allowed, "%s: rank %zu: %g", name, i, difference);
        cr_assert_not(signbit(result.entropy[i]), "%s: rank %zu is negative", name, i);
    }
    check_lists(name, &result, json_object_get(expected, "lists"));
    mmn_rank_result_free(&result);
    free_counts(&loaded);
}

Test(rank, agrees_with_python_and_torch)
{
    json_t *cases = NULL;
    cr_assert_eq(mmn_json_load(&cases, CASES, 1 << 20, NULL), MMN_OK);
    cr_assert_geq(json_array_size(cases), 13);
    for (size_t i = 0; i < json_array_size(cases); i++)
        check_case(json_array_get(cases, i));
    json_decref(cases);
}

/* Python's round(): 0.5 -> 0, 1.5 -> 2, 2.5 -> 2, 3.5 -> 4. */
Test(rank, rounds_ties_to_even)
{
    cr_assert_eq(mmn_round_share(0.5, 1), 0);
    cr_assert_eq(mmn_round_share(0.5, 3), 2);
    cr_assert_eq(mmn_round_share(0.5, 5), 2);
    cr_assert_eq(mmn_round_share(0.5, 7), 4);
    cr_assert_eq(mmn_round_share(0.01, 0), 0);
    cr_assert_eq(mmn_round_share(1, 12345), 12345);
}

static uint32_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

/* The released neurons of LAPE: their union over languages is round(0.01 * layers * neurons) in
 * every model, whatever the counts are, since more neurons pass the bar than that. */
static void check_union(size_t layers, size_t neurons, size_t expected)
{
    enum { DOMAINS = 6 };
    size_t total = layers * neurons;
    int64_t *active[DOMAINS], tokens[DOMAINS];
    uint64_t state = total;
    for (size_t d = 0; d < DOMAINS; d++) {
        tokens[d] = 1000000 + (int64_t)d;
        active[d] = calloc(total, sizeof(int64_t));
        for (size_t n = 0; n < total; n++)
            active[d][n] = next_random(&state) % 1000000;
    }
    const mmn_rank_task task = {.neurons = total,
                                .domains = DOMAINS,
                                .active = (const int64_t *const *)active,
                                .tokens = tokens};
    const mmn_rank_rule rule = {.rate = 0.01, .bar = 0.95, .assignment_bar = 0.95};
    mmn_rank_result result;
    cr_assert_eq(mmn_rank_neurons(&result, &task, &rule, mmn_kernels_reference(), NULL), MMN_OK);
    size_t in_a_domain = 0;
    for (size_t rank = 0; rank < result.selected; rank++) {
        bool any = false;
        for (size_t d = 0; d < DOMAINS; d++)
            any = any || mmn_rank_belongs(&result, rank, d);
        in_a_domain += any;
    }
    cr_assert_eq(result.selected, expected, "%zu selected", result.selected);
    cr_assert_eq(in_a_domain, expected, "%zu in a domain", in_a_domain);
    mmn_rank_result_free(&result);
    for (size_t d = 0; d < DOMAINS; d++)
        free(active[d]);
}

Test(rank, selects_as_many_as_the_released_results)
{
    check_union(32, 11008, 3523); /* LLaMA-2-7B */
    check_union(30, 16384, 4915); /* BLOOM-7B */
    check_union(32, 14336, 4588); /* Mistral-7B */
    check_union(40, 13824, 5530); /* LLaMA-2-13B */
    check_union(32, 16384, 5243); /* OPT-6.7B */
    check_union(32, 10240, 3277); /* Phi-2 */
}
