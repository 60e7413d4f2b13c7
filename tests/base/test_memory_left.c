/* What is left of memory, as files of Linux in a folder of the test say it. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/memory_left.h"
#include "tests/tools/scratch.h"

#define MIB (UINT64_C(1) << 20)

TestSuite(memory_left, .init = scratch_make, .fini = scratch_remove);

/* Makes a file and the folders that it lies in. */
static void make(const char *name, const char *text)
{
    char folder[200];
    for (const char *at = strchr(name, '/'); at; at = strchr(at + 1, '/')) {
        snprintf(folder, sizeof(folder), "%.*s", (int)(at - name), name);
        mkdir(scratch_path(folder), 0700);
    }
    scratch_write(name, text);
}

static void make_system(const char *groups)
{
    make("proc/meminfo", "MemTotal:  8388608 kB\nMemFree:  1024 kB\nMemAvailable:   4194304 kB\n");
    if (groups)
        make("proc/self/cgroup", groups);
}

Test(memory_left, is_unknown_where_nothing_says_it)
{
    cr_expect_eq(mmn_memory_left(scratch), 0);
    make("proc/meminfo", "MemTotal:  8388608 kB\n");
    cr_expect_eq(mmn_memory_left(scratch), 0);
    make("proc/meminfo", "MemAvailable: lots\n");
    cr_expect_eq(mmn_memory_left(scratch), 0);
}

Test(memory_left, is_what_is_available)
{
    make_system(NULL);
    cr_expect_eq(mmn_memory_left(scratch), 4096 * MIB);
    make_system("0::/user/job\n");
    cr_expect_eq(mmn_memory_left(scratch), 4096 * MIB);
    make("sys/fs/cgroup/user/job/memory.max", "max\n");
    make("sys/fs/cgroup/user/job/memory.current", "1048576\n");
    cr_expect_eq(mmn_memory_left(scratch), 4096 * MIB);
}

/* 1,024 MiB less 300 that are taken, of which 200 are of files. */
Test(memory_left, is_bounded_by_a_group)
{
    make_system("0::/user/job\n");
    make("sys/fs/cgroup/user/job/memory.max", "1073741824\n");
    make("sys/fs/cgroup/user/job/memory.current", "314572800\n");
    make("sys/fs/cgroup/user/job/memory.stat",
         "anon 5\ninactive_file_x 1\ninactive_file 157286400\nactive_file 52428800\n");
    cr_expect_eq(mmn_memory_left(scratch), 924 * MIB);
    /* by one above it, too, and more is taken than allowed there */
    make("sys/fs/cgroup/user/memory.max", "1048576\n");
    make("sys/fs/cgroup/user/memory.current", "2097152\n");
    cr_expect_eq(mmn_memory_left(scratch), 1);
}

Test(memory_left, is_bounded_by_a_container_whose_folder_is_not_seen)
{
    make_system("0::/../../elsewhere\n");
    make("sys/fs/cgroup/memory.max", "536870912\n");
    make("sys/fs/cgroup/memory.current", "0\n");
    cr_expect_eq(mmn_memory_left(scratch), 512 * MIB);
}

Test(memory_left, is_bounded_by_groups_of_the_first_version)
{
    make_system("7:cpu,memory:/job\n4:memoryless:/other\n0::/\n");
    make("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "1073741824\n");
    make("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "314572800\n");
    make("sys/fs/cgroup/memory/job/memory.stat", "total_inactive_file 209715200\n");
    make("sys/fs/cgroup/memory/other/memory.limit_in_bytes", "1\n");
    make("sys/fs/cgroup/memory/other/memory.usage_in_bytes", "1\n");
    cr_expect_eq(mmn_memory_left(scratch), 924 * MIB);
}
