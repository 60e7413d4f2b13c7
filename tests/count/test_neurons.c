/* Reading neurons.json: what a good one says, and that damaged and hostile ones are refused with a
 * reason. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../format/damage.h"
#include "base/file.h"
#include "base/memory.h"
#include "count/neurons.h"
#include "tests/tools/failing_allocator.h"

#define GOOD MMN_SOURCE_DIR "/tests/mask/data/masked.json"

static mmn_error error;
static char file[] = "/tmp/mmneuron-neurons-XXXXXX";

static void set_up(void)
{
    int descriptor = mkstemp(file);
    cr_assert_geq(descriptor, 0);
    close(descriptor);
}

static void tear_down(void)
{
    unlink(file);
}

TestSuite(neurons, .init = set_up, .fini = tear_down);

static mmn_status read_text(const char *text, size_t size)
{
    mmn_neurons *neurons = NULL;
    FILE *stream = fopen(file, "wb");
    cr_assert(fwrite(text, 1, size, stream) == size && fclose(stream) == 0);
    error = (mmn_error){0};
    mmn_status status = mmn_neurons_read(&neurons, file, &error);
    cr_assert_eq(status == MMN_OK, neurons != NULL);
    if (status != MMN_OK)
        cr_assert(status == error.status && error.message[0] != '\0');
    mmn_neurons_free(neurons);
    return status;
}

Test(neurons, says_what_the_file_says)
{
    mmn_neurons *neurons;
    cr_assert_eq(mmn_neurons_read(&neurons, GOOD, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(neurons->domain_count, 2);
    cr_assert_str_eq(neurons->domains[0], "documents");
    cr_assert_str_eq(neurons->domains[1], "medical");
    const mmn_listed_module *vision = mmn_neurons_find_module(neurons, "vision");
    cr_assert(vision && vision->layers == 3 && vision->neurons == 100);
    cr_assert_eq(vision->lists[0].numbers[1], 3);
    cr_assert_eq(vision->lists[1].numbers[0], 21);
    cr_assert_eq(vision->lists[1].numbers[vision->lists[1].count - 1], 299);
    cr_assert_null(mmn_neurons_find_module(neurons, "qformer"));
    mmn_neurons_free(neurons);
}

/* Changes to white space alone leave the file good; all others must not pass the digest. */
static size_t accepted;

static void read_damaged(const char *text, size_t size)
{
    mmn_status status = read_text(text, size);
    cr_assert(status == MMN_OK || status == MMN_INPUT, "%s", error.message);
    accepted += status == MMN_OK;
}

Test(neurons, survive_damage)
{
    enum { CUTS = 600, FLIPS = 3000 };
    char *text;
    size_t size;
    cr_assert_eq(mmn_read_file(&text, &size, GOOD, 1 << 20, &error), MMN_OK);
    damage_silence silence = damage_listen();
    damage_text(read_damaged, text, size, CUTS, FLIPS);
    damage_heard_nothing(silence);
    cr_assert_lt(accepted, FLIPS / 8);
    mmn_free(text);
}

static void is_refused(const char *text, const char *reason)
{
    cr_assert_eq(read_text(text, strlen(text)), MMN_INPUT, "%.200s", text);
    cr_assert_not_null(strstr(error.message, reason), "%.200s: %s", text, error.message);
}

#define FORMAT "{\"format\":\"mmneuron-neurons-1\","
#define MODULE(layers, neurons, domains)                                                           \
    FORMAT "\"modules\":{\"vision\":{\"layers\":" layers ",\"neurons\":" neurons                   \
           ",\"domains\":" domains "}}}"

Test(neurons, are_refused_with_a_reason)
{
    is_refused("", "JSON");
    is_refused("[]", "must be a JSON object");
    is_refused("{}", "must be \"mmneuron-neurons-1\"");
    is_refused("{\"format\":7}", "must be a text");
    is_refused(FORMAT "\"digest\":[]}", "must be a text");
    is_refused(FORMAT "\"x\":1}", "must be modules that hold neurons");
    is_refused(FORMAT "\"modules\":[]}", "must be an object");
    is_refused(FORMAT "\"modules\":{}}", "must be modules that hold neurons");
    is_refused(FORMAT "\"modules\":{\"other\":{}}}", "must be modules that hold neurons");
    is_refused(FORMAT "\"modules\":{\"vision\":null}}", "is missing");
    is_refused(FORMAT "\"modules\":{\"vision\":3}}", "must be an object");
    is_refused(MODULE("0", "4", "{}"), "between 1 and");
    is_refused(MODULE("-1", "4", "{}"), "between 1 and");
    is_refused(MODULE("9223372036854775807", "4", "{}"), "between 1 and");
    is_refused(MODULE("99999999999999999999", "4", "{}"), "too big integer");
    is_refused(MODULE("1e9", "4", "{}"), "must be an integer");
    is_refused(MODULE("1e999", "4", "{}"), "real number overflow");
    is_refused(MODULE("2", "9223372036854775807", "{}"), "between 1 and");
    is_refused(MODULE("2", "\"4\"", "{}"), "must be an integer");
    is_refused(MODULE("2", "4", "[]"), "must be an object");
    is_refused(MODULE("2", "4", "{}"), "1 to");
    is_refused(MODULE("2", "4", "{\"a/b\":[]}"), "no domain can have");
    is_refused(MODULE("2", "4", "{\"a\":{}}"), "must be an array");
    is_refused(MODULE("2", "4", "{\"a\":null}"), "is missing");
    is_refused(MODULE("2", "4", "{\"a\":[0,1]}"), "must be [layer, neuron]");
    is_refused(MODULE("2", "4", "{\"a\":[[0,1,2]]}"), "must be [layer, neuron]");
    is_refused(MODULE("2", "4", "{\"a\":[[0,4]]}"), "must be [layer, neuron]");
    is_refused(MODULE("2", "4", "{\"a\":[[2,0]]}"), "must be [layer, neuron]");
    is_refused(MODULE("2", "4", "{\"a\":[[0,-1]]}"), "must be [layer, neuron]");
    is_refused(MODULE("2", "4", "{\"a\":[[0,9223372036854775807]]}"), "must be [layer, neuron]");
    is_refused(MODULE("2", "4", "{\"a\":[[0,1],[0,1]]}"), "not behind");
    is_refused(MODULE("2", "4", "{\"a\":[[1,0],[0,1]]}"), "not behind");
    is_refused(MODULE("100000", "2147483647", "{\"a\":[[99999,2147483646]]}"), "is not that of");
}

Test(neurons, too_deep_and_too_many_are_refused)
{
    enum { DEPTH = 1000000, PAIRS = 1400000 };
    char *text = damage_nested(FORMAT "\"modules\":", '[', DEPTH, "");
    is_refused(text, "maximum parsing depth");
    free(text);
    text = malloc(PAIRS * 6 + 1);
    for (size_t i = 0; i < PAIRS; i++)
        memcpy(text + 6 * i, "[0,0],", 6);
    text[PAIRS * 6] = '\0';
    is_refused(text, "more than 4000000 values");
    free(text);
}

Test(neurons, memory_may_be_short)
{
    mmn_neurons *neurons;
    unsigned long number = 1;
    mmn_status status;
    do {
        fail_allocation_at(number);
        status = mmn_neurons_read(&neurons, GOOD, &error);
        fail_allocation_at(0);
        cr_assert(status == MMN_OK || status == MMN_SYSTEM, "%lu: %s", number, error.message);
        cr_assert_eq(status == MMN_OK, neurons != NULL);
        mmn_neurons_free(neurons);
    } while (status != MMN_OK && ++number < 1000);
    cr_assert_eq(status, MMN_OK);
    cr_assert_gt(number, 8);
}
