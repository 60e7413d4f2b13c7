/* Trials: running them, and saying where one fails. */
#include "trial.h"

#include <criterion/criterion.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/tools/slow.h"

enum { SLOWNESS = 4 }; /* slow ones run a quarter of the trials in about the same time */

static trial current;
static sigjmp_buf before_trial;
static volatile sig_atomic_t fault_signal;
static void *volatile fault_address;

static void leave_trial(int number, siginfo_t *information, void *context)
{
    (void)context;
    fault_signal = number;
    fault_address = information->si_addr;
    siglongjmp(before_trial, 1);
}

static void catch_faults(void)
{
    struct sigaction action = {.sa_sigaction = leave_trial, .sa_flags = SA_SIGINFO};

    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGILL, &action, NULL);
    sigaction(SIGFPE, &action, NULL);
}

void trial_fail(const trial *t, const char *details)
{
    cr_assert_fail("%s: %s(%s), MMN_TEST_SEED=%llu MMN_TEST_ROUNDS=1\n%s", t->table->name,
                   t->kernel, t->shape, (unsigned long long)t->seed, details);
}

static void report_fault(const trial *t)
{
    const char *what = fault_signal == SIGILL ? "not an instruction of this processor" : "a fault";
    char details[160];
    ptrdiff_t distance;

    snprintf(details, sizeof details, "%s, signal %d", what, (int)fault_signal);
    for (size_t i = 0; i < t->array_count; i++)
        if (guarded_explains(&t->arrays[i], fault_address, &distance))
            snprintf(details, sizeof details, "access to %s, %zu bytes long, %td bytes %s",
                     t->names[i], t->arrays[i].size, distance < 0 ? -distance : distance,
                     distance < 0 ? "before its beginning" : "behind its end");
    trial_fail(t, details);
}

static unsigned long long number_of(const char *variable, unsigned long long otherwise)
{
    const char *text = getenv(variable);

    return text && text[0] ? strtoull(text, NULL, 10) : otherwise;
}

void trial_run(const char *table, const char *kernel, int rounds, trial_check check)
{
    bool slow = is_slow();
    unsigned long long first = number_of("MMN_TEST_SEED", 1);
    unsigned long long end =
        first + number_of("MMN_TEST_ROUNDS",
                          (unsigned long long)(slow ? (rounds + SLOWNESS - 1) / SLOWNESS : rounds));

    current.table = mmn_kernels_select(table);
    current.reference = mmn_kernels_reference();
    current.kernel = kernel;
    if (!current.table)
        cr_skip_test("%s: this processor lacks its instructions", table);
    catch_faults();
    for (unsigned long long seed = first; seed < end; seed++) {
        trial_seed(&current, seed);
        trial_say(&current, "arguments not chosen yet");
        if (sigsetjmp(before_trial, 1) != 0)
            report_fault(&current);
        else
            check(&current);
        trial_release(&current);
    }
}

void trial_say(trial *t, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(t->shape, sizeof t->shape, format, arguments);
    va_end(arguments);
}
