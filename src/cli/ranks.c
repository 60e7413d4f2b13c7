/* The processes that mpirun or srun has started as one run: the only file that knows MPI. */
#include "cli/ranks.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sched.h>
#endif
#ifdef _OPENMP
#include <omp.h>
#endif
#ifdef HAVE_MPI
#include <mpi.h>
#endif

#include "cli/command.h"
#include "cli/output.h"

/* ---- What the environment says --------------------------------------------------------------- */

/* The number that the first of these variables that is set has, or `otherwise`. */
static long number_in(const char *const *names, size_t count, long otherwise)
{
    for (size_t i = 0; i < count; i++) {
        const char *text = getenv(names[i]);
        if (text != NULL && *text != '\0')
            return strtol(text, NULL, 10);
    }
    return otherwise;
}

/* As many processes as Open MPI's mpirun, MPICH's or Slurm's srun has started. (SLURM_NTASKS is set
 * in a batch script, too, which is one process.) */
static long started_together(void)
{
    static const char *const counts[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE",
                                         "SLURM_STEP_NUM_TASKS"};
    return number_in(counts, sizeof counts / sizeof counts[0], 1);
}

/* Which of them this is. */
static long own_number(void)
{
    static const char *const ranks[] = {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK",
                                        "SLURM_PROCID"};
    return number_in(ranks, sizeof ranks / sizeof ranks[0], 0);
}

#ifndef HAVE_MPI

/* ---- Without MPI ----------------------------------------------------------------------------- */

const char *mmn_cli_ranks_library(void)
{
    return NULL;
}

int mmn_cli_ranks_begin(void)
{
    const long count = started_together();
    if (count <= 1)
        return MMN_CLI_DONE;
    if (own_number() == 0)
        mmn_cli_message("this was started as %ld processes, but mmneuron was built without MPI, so"
                        " that each would do all of the work; configure it --with-mpi, or start it"
                        " alone, for one --shard each",
                        count);
    return MMN_CLI_USAGE;
}

const mmn_ranks *mmn_cli_ranks(void)
{
    return NULL;
}

bool mmn_cli_ranks_follow(void)
{
    return false;
}

uint64_t mmn_cli_ranks_threads(uint64_t asked)
{
    return asked;
}

int mmn_cli_ranks_ready(int code, uint64_t threads, bool quiet)
{
    (void)threads, (void)quiet;
    return code;
}

int mmn_cli_ranks_end(int code)
{
    return code;
}

#else

/* ---- Messages -------------------------------------------------------------------------------- */

/* How long a process that waits sleeps at a time, so that it takes no processor from one that
 * works; and how long it waits before it looks at other things. */
#define SLEEP_NANOSECONDS 200000L
#define WAIT_ROUNDS 500

enum { TAG = 1 };

/* What MPI has of this process: the program is one, so its state is the program's. */
static struct {
    bool joined, ready;
    MPI_Comm all;
    mmn_ranks ranks;
    void *bytes; /* of the last message */
    size_t capacity;
    uint64_t threads; /* its share of the processors */
} own;

static void doze(void)
{
    const struct timespec time = {.tv_nsec = SLEEP_NANOSECONDS};
    nanosleep(&time, NULL);
}

/* Fills the error by what MPI says. */
static mmn_status fail(mmn_error *error, const char *what, int problem)
{
    char text[MPI_MAX_ERROR_STRING + 1] = "";
    int length = 0;
    MPI_Error_string(problem, text, &length);
    if (error != NULL) {
        *error = (mmn_error){.status = MMN_SYSTEM};
        snprintf(error->message, sizeof error->message, "%s: %.800s", what, text);
    }
    return MMN_SYSTEM;
}

static mmn_status send_message(void *context, uint32_t to, const void *bytes, size_t size,
                               mmn_error *error)
{
    MPI_Request request;
    int done = 0;
    (void)context;
    if (size > INT32_MAX) {
        if (error != NULL) {
            *error = (mmn_error){.status = MMN_SYSTEM};
            snprintf(error->message, sizeof error->message,
                     "a message of %zu bytes is too large for MPI", size);
        }
        return MMN_SYSTEM;
    }
    int problem = MPI_Isend(bytes, (int)size, MPI_BYTE, (int)to, TAG, own.all, &request);
    while (problem == MPI_SUCCESS && !done) {
        problem = MPI_Test(&request, &done, MPI_STATUS_IGNORE);
        if (problem == MPI_SUCCESS && !done)
            doze();
    }
    return problem == MPI_SUCCESS ? MMN_OK : fail(error, "a message cannot be sent", problem);
}

/* Makes room for a message. */
static bool reserve(size_t size)
{
    if (size <= own.capacity)
        return true;
    void *grown = realloc(own.bytes, size);
    if (grown == NULL)
        return false;
    own.bytes = grown;
    own.capacity = size;
    return true;
}

static mmn_status receive_message(void *context, int wait, uint32_t *from, const void **bytes,
                                  size_t *size, mmn_error *error)
{
    static const char what[] = "a message cannot be received";
    MPI_Status status;
    int found = 0, count = 0, problem = MPI_SUCCESS;
    (void)context;
    *bytes = NULL;
    for (int round = 0; !found && round < (wait ? WAIT_ROUNDS : 1); round++) {
        if (round > 0)
            doze();
        problem = MPI_Iprobe(MPI_ANY_SOURCE, TAG, own.all, &found, &status);
        if (problem != MPI_SUCCESS)
            return fail(error, what, problem);
    }
    if (!found)
        return MMN_OK;
    MPI_Get_count(&status, MPI_BYTE, &count);
    if (count < 0 || !reserve((size_t)count + 1))
        return fail(error, what, MPI_ERR_NO_MEM);
    problem =
        MPI_Recv(own.bytes, count, MPI_BYTE, status.MPI_SOURCE, TAG, own.all, MPI_STATUS_IGNORE);
    if (problem != MPI_SUCCESS)
        return fail(error, what, problem);
    *from = (uint32_t)status.MPI_SOURCE;
    *bytes = own.bytes;
    *size = (size_t)count;
    return MMN_OK;
}

/* ---- Processors ------------------------------------------------------------------------------ */

#ifdef __linux__
typedef cpu_set_t processors;

static void find_processors(processors *set)
{
    CPU_ZERO(set);
    if (sched_getaffinity(0, sizeof *set, set) != 0)
        CPU_SET(0, set);
}

static long count_processors(const processors *set)
{
    return CPU_COUNT(set);
}
#else
typedef long processors;

static void find_processors(processors *set)
{
    *set = sysconf(_SC_NPROCESSORS_ONLN);
}

static long count_processors(const processors *set)
{
    return *set;
}
#endif

/* This process's share of the processors that it may use, with the processes of its node that may
 * use the same: so that it does not matter whether mpirun binds them. */
static uint64_t find_share(void)
{
    MPI_Comm node;
    int count = 1;
    long sharing = 0;
    processors set;
    find_processors(&set);
    if (MPI_Comm_split_type(own.all, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node) != MPI_SUCCESS)
        return 1;
    MPI_Comm_size(node, &count);
    processors *sets = calloc((size_t)count, sizeof set);
    if (sets == NULL) {
        mmn_cli_message("memory is short");
        MPI_Abort(own.all, MMN_CLI_FAILED);
    }
    MPI_Allgather(&set, sizeof set, MPI_BYTE, sets, sizeof set, MPI_BYTE, node);
    for (int i = 0; i < count; i++)
        sharing += memcmp(&sets[i], &set, sizeof set) == 0;
    free(sets);
    MPI_Comm_free(&node);
    const long share = count_processors(&set) / (sharing > 0 ? sharing : 1);
    return share > 0 ? (uint64_t)share : 1;
}

uint64_t mmn_cli_ranks_threads(uint64_t asked)
{
    if (asked > 0 || mmn_cli_ranks() == NULL)
        return asked;
#ifdef _OPENMP
    if (getenv("OMP_NUM_THREADS") != NULL)
        return (uint64_t)omp_get_max_threads();
#endif
    return own.threads;
}

/* ---- Joining and leaving --------------------------------------------------------------------- */

const char *mmn_cli_ranks_library(void)
{
#if defined(MPICH_VERSION)
    return "MPICH " MPICH_VERSION;
#elif defined(OMPI_MAJOR_VERSION)
#define TEXT_OF(number) TEXT(number)
#define TEXT(number) #number
    return "Open MPI " TEXT_OF(OMPI_MAJOR_VERSION) "." TEXT_OF(OMPI_MINOR_VERSION) "." TEXT_OF(
        OMPI_RELEASE_VERSION);
#else
    return "MPI";
#endif
}

const mmn_ranks *mmn_cli_ranks(void)
{
    return own.ranks.count > 1 ? &own.ranks : NULL;
}

bool mmn_cli_ranks_follow(void)
{
    return own.ranks.rank > 0;
}

/* Whether a program that starts several processes has started this one: where none has, MPI is left
 * alone, so that it costs nothing. */
static bool was_started(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK"};
    return number_in(names, sizeof names / sizeof names[0], -1) >= 0 || started_together() > 1;
}

int mmn_cli_ranks_begin(void)
{
    int provided = 0, rank = 0, count = 1;
    if (!was_started())
        return MMN_CLI_DONE;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS) {
        mmn_cli_message("MPI cannot be initialised");
        return MMN_CLI_FAILED;
    }
    own.joined = true;
    MPI_Comm_dup(MPI_COMM_WORLD, &own.all);
    MPI_Comm_set_errhandler(own.all, MPI_ERRORS_RETURN);
    MPI_Comm_rank(own.all, &rank);
    MPI_Comm_size(own.all, &count);
    own.ranks = (mmn_ranks){.size = sizeof own.ranks,
                            .rank = (uint32_t)rank,
                            .count = (uint32_t)count,
                            .send = send_message,
                            .receive = receive_message};
    if (rank > 0)
        mmn_cli_silence();
    if (count == 1 && started_together() > 1) {
        if (own_number() == 0)
            mmn_cli_message("this was started as %ld processes, of which MPI finds one only:"
                            " mmneuron was built with %s, whose own mpirun must start it",
                            started_together(), mmn_cli_ranks_library());
        return MMN_CLI_USAGE;
    }
    if (provided < MPI_THREAD_FUNNELED) {
        mmn_cli_message("this MPI does not work in a program that has threads");
        return MMN_CLI_FAILED;
    }
    own.threads = count > 1 ? find_share() : 0;
    return MMN_CLI_DONE;
}

/* "3 processes, 1 thread each" */
static void say_threads(uint64_t threads, bool quiet)
{
    unsigned long given = (unsigned long)threads, least = given, most = given;
    MPI_Reduce(&given, &least, 1, MPI_UNSIGNED_LONG, MPI_MIN, 0, own.all);
    MPI_Reduce(&given, &most, 1, MPI_UNSIGNED_LONG, MPI_MAX, 0, own.all);
    if (quiet)
        return;
    if (least == most)
        mmn_cli_message("%" PRIu32 " processes, %lu thread%s each", own.ranks.count, most,
                        most == 1 ? "" : "s");
    else
        mmn_cli_message("%" PRIu32 " processes, %lu to %lu threads each", own.ranks.count, least,
                        most);
}

int mmn_cli_ranks_ready(int code, uint64_t threads, bool quiet)
{
    if (mmn_cli_ranks() == NULL)
        return code;
    const int count = (int)own.ranks.count, rank = (int)own.ranks.rank;
    int mine = code == MMN_CLI_DONE ? count : rank, first = count;
    own.ready = true;
    MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, own.all);
    if (first == count) {
        say_threads(threads, quiet || rank > 0);
        return MMN_CLI_DONE;
    }
    if (first == rank && rank > 0)
        mmn_cli_say_kept(own.ranks.rank);
    MPI_Bcast(&code, 1, MPI_INT, first, own.all);
    return code;
}

int mmn_cli_ranks_end(int code)
{
    if (!own.joined)
        return code;
    if (!own.ready)
        code = mmn_cli_ranks_ready(code, 0, true);
    MPI_Bcast(&code, 1, MPI_INT, 0, own.all);
    MPI_Comm_free(&own.all);
    MPI_Finalize();
    free(own.bytes);
    return code;
}

#endif
