/* How much memory the system has left, from the files in which Linux says it. */
#include "base/memory_left.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 4096, LINE_SIZE = 4400 };

/* How a version of control groups names what it says. */
typedef struct group_files {
    const char *place, *limit, *usage, *inactive, *active; /* the last two are pages of files */
} group_files;

static const group_files version_1 = {"/sys/fs/cgroup/memory", "memory.limit_in_bytes",
                                      "memory.usage_in_bytes", "total_inactive_file",
                                      "total_active_file"};
static const group_files version_2 = {"/sys/fs/cgroup", "memory.max", "memory.current",
                                      "inactive_file", "active_file"};

/* The number in a file, or that behind `key` in one of its lines; false where there is none, such
 * as where a limit is "max". */
static bool find_number(uint64_t *number, const char *folder, const char *name, const char *key)
{
    char path[PATH_SIZE + 64], line[LINE_SIZE], *end;
    const size_t length = key ? strlen(key) : 0;
    bool found = false;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    while (file && !found && fgets(line, sizeof(line), file)) {
        if (key && (strncmp(line, key, length) != 0 || !strchr(": ", line[length])))
            continue;
        const char *start = line + length + strspn(line + length, ": ");
        *number = strtoull(start, &end, 10);
        found = isdigit((unsigned char)*start) && isspace((unsigned char)*end);
    }
    if (file)
        fclose(file);
    return found;
}

/* Lowers *left to what one group's limit leaves. */
static void ask_group(uint64_t *left, const char *folder, const group_files *files)
{
    uint64_t limit, usage, inactive = 0, active = 0;
    if (!find_number(&limit, folder, files->limit, NULL) ||
        !find_number(&usage, folder, files->usage, NULL))
        return;
    find_number(&inactive, folder, "memory.stat", files->inactive);
    find_number(&active, folder, "memory.stat", files->active);
    const uint64_t pages = inactive + active < usage ? inactive + active : usage;
    const uint64_t own = limit > usage - pages ? limit - (usage - pages) : 0;
    *left = own < *left ? own : *left;
}

/* The same of a group and those above it. In a container the group's own folder may not be seen,
 * and what is seen at the top is its own. */
static void ask_groups(uint64_t *left, const char *root, const char *group,
                       const group_files *files)
{
    char folder[PATH_SIZE];
    const int top = snprintf(folder, sizeof(folder), "%s%s", root, files->place);
    const int length = snprintf(folder, sizeof(folder), "%s%s%s", root, files->place, group);
    if (top < 0 || length < 0 || (size_t)length >= sizeof(folder))
        return;
    for (size_t end = (size_t)length; end >= (size_t)top; end--)
        if (end == (size_t)top || end == (size_t)length || folder[end] == '/') {
            folder[end] = '\0';
            ask_group(left, folder, files);
        }
}

/* Whether the controllers of a line, between its colons, hold memory. */
static bool holds_memory(const char *start, const char *end)
{
    static const char name[] = "memory";
    while (start < end) {
        const size_t length = strcspn(start, ",:");
        if (length == sizeof(name) - 1 && strncmp(start, name, length) == 0)
            return true;
        start += length + 1;
    }
    return false;
}

uint64_t mmn_memory_left(const char *root)
{
    char path[PATH_SIZE], line[LINE_SIZE];
    uint64_t left;
    snprintf(path, sizeof(path), "%s/proc", root);
    if (!find_number(&left, path, "meminfo", "MemAvailable") || left > UINT64_MAX / 1024)
        return 0;
    left *= 1024;
    snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = '\0';
        const char *controllers = strchr(line, ':');
        const char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        if (group == controllers + 1)
            ask_groups(&left, root, group + 1, &version_2);
        else if (holds_memory(controllers + 1, group))
            ask_groups(&left, root, group + 1, &version_1);
    }
    if (file)
        fclose(file);
    return left > 0 ? left : 1; /* 0 would say that it is not known */
}
