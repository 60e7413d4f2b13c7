/* The program: the table of its subcommands, and the choice among them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/destination.h"
#include "cli/output.h"
#include "cli/ranks.h"
#include "cli/signals.h"
#include "cli/waiting.h"
#include "mmneuron.h"

static const mmn_cli_command commands[] = {
    {"info", "MODEL", "describe a checkpoint: what it holds and what would be run", 1, 1,
     mmn_cli_info, false},
    {"ask", "MODEL [QUESTION...]", "answer questions, about an image or without", 1, SIZE_MAX,
     mmn_cli_ask, false},
    {"count", "MODEL DATA.jsonl -o COUNTS", "count how often each neuron is active in each domain",
     2, 2, mmn_cli_count, false},
    {"merge", "PART... -o FILE", "put the counts, or the rows, of the shards of one run together",
     1, SIZE_MAX, mmn_cli_merge, false},
    {"rank", "COUNTS [-o NEURONS.json]", "find the neurons that belong to a domain", 1, 1,
     mmn_cli_rank, false},
    {"eval", "MODEL DATA.jsonl [-o EVAL.json]", "measure accuracy with domain neurons off", 2, 2,
     mmn_cli_eval, true},
    {"perturb", "MODEL DATA.jsonl --neurons NEURONS.json",
     "measure how far switching neurons off moves the hidden states", 2, 2, mmn_cli_perturb, true},
    {"lens", "MODEL DATA.jsonl", "read the states of every layer as words, and their entropy", 2, 2,
     mmn_cli_lens, true},
    {"contrib", "MODEL [QUESTION|DATA.jsonl]",
     "find the neurons that add most to the words of an answer, or of a list's", 1, 2,
     mmn_cli_contrib, true},
    {"edit", "MODEL [QUESTION] --from WORD --to WORD -o DELTA",
     "change what the model says in place of a word, by that word's neurons", 1, 2, mmn_cli_edit,
     false},
    {"edits", "MODEL DATA.jsonl", "measure what the edits of a list do to other answers", 2, 2,
     mmn_cli_edits, true},
    {"judge", "JUDGE ANSWERS.jsonl", "let a model judge whether answers are right (Lingo-Judge)", 2,
     2, mmn_cli_judge, false},
    {"detect", "DETECTOR --image F --query Q", "find in a picture what queries name (OWL-ViT)", 1,
     1, mmn_cli_detect, false},
    {"locate", "DETECTOR MODEL --align W --image F --prompt P",
     "let MODEL read a picture through a detector, and see what a word of it goes by", 2, 2,
     mmn_cli_locate, false},
    {"hallucinations", "DETECTOR MODEL DATA.jsonl --align W",
     "ask MODEL, through a detector, what is in pictures, and the detector too", 3, 3,
     mmn_cli_hallucinations, true},
    {"bias", "DETECTOR MODEL D.jsonl --align W --from A --to B",
     "score pictures before and after the detector sees another thing in them", 3, 3, mmn_cli_bias,
     true},
    {"encode", "[MODEL DATA.jsonl] RESPONSES.safetensors",
     "do features of events, a model's or given ones, predict recordings?", 1, 3, mmn_cli_encode,
     true},
    {"report", "RESULTS... -o REPORT.html", "make a page with figures of results", 1, SIZE_MAX,
     mmn_cli_report, false},
    {"dump", "MODEL -o DUMP", "write every stage of one forward pass to a file", 1, 1, mmn_cli_dump,
     false},
    {"verify", "DUMP REFERENCE", "compare two dumps stage by stage", 2, 2, mmn_cli_verify, false},
    {"digest", "DUMP", "print a digest for every stage of a dump", 1, 1, mmn_cli_digest, false},
};
static const size_t command_count = sizeof(commands) / sizeof(commands[0]);

static const mmn_cli_command *find_command(const char *name)
{
    static mmn_cli_command study;
    for (size_t index = 0; index < command_count; index++) {
        if (strcmp(commands[index].name, name) == 0)
            return &commands[index];
    }
    for (size_t number = 0; mmn_cli_study_command(&study, number); number++) {
        if (strcmp(study.name, name) == 0)
            return &study;
    }
    return NULL;
}

static void print_overview(void)
{
    mmn_cli_command study;
    mmn_cli_print("Usage: mmneuron COMMAND [options] ARGUMENTS\n\n"
                  "Finds the neurons of a vision-language model that belong to one visual domain,"
                  "\nwith the same bits on every machine.\n\nCommands:\n");
    for (size_t index = 0; index < command_count; index++)
        mmn_cli_print("  %-8s %s\n", commands[index].name, commands[index].summary);
    for (size_t number = 0; mmn_cli_study_command(&study, number); number++)
        mmn_cli_print("  %-8s %s\n", study.name, study.summary);
    mmn_cli_print("  %-8s %s\n", "help", "print this, or the help of a command");
    mmn_cli_print("\n\"mmneuron COMMAND --help\" lists a command's options; the manual is in"
                  " man mmneuron.\n"
                  "Exit status: 0 done; 1 compared and different; 2 wrong usage; 3 bad input.\n");
}

static int unknown_command(const char *name)
{
    const char *nearest =
        mmn_nearest_name(name, &commands[0].name, sizeof(commands[0]), command_count);
    const char *kind = name[0] == '-' ? "option" : "command";
    if (nearest != NULL)
        return mmn_cli_usage(NULL, "there is no %s \"%s\"; did you mean \"%s\"?", kind, name,
                             nearest);
    return mmn_cli_usage(NULL, "there is no %s \"%s\"", kind, name);
}

/* Runs a command, and closes what it has opened. */
static int run_command(const mmn_cli_command *command, int argc, char **argv)
{
    mmn_cli_call call = {.command = command, .argc = argc, .argv = argv, .find = find_command};
    const int code = command->run(&call);
    mmn_cli_destination_close(&call.destination);
    mmn_model_close(call.model);
    return code == MMN_CLI_ANSWERED ? MMN_CLI_DONE : code;
}

/* "help COMMAND" is "COMMAND --help". */
static int print_help(int argc, char **argv)
{
    if (argc < 2) {
        print_overview();
        return MMN_CLI_DONE;
    }
    const mmn_cli_command *command = find_command(argv[1]);
    if (command == NULL)
        return unknown_command(argv[1]);
    char option[] = "--help";
    char *words[] = {argv[1], option, NULL};
    return run_command(command, 2, words);
}

static int run(int argc, char **argv)
{
    if (argc < 2)
        return mmn_cli_usage(NULL, "a command is missing");
    const char *name = argv[1], *library = mmn_cli_ranks_library();
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return print_help(argc - 1, argv + 1);
    if (strcmp(name, "--version") == 0) {
        mmn_cli_print("mmneuron %s\n", mmn_version());
        if (library != NULL)
            mmn_cli_print("MPI: %s\n", library);
        return MMN_CLI_DONE;
    }
    const mmn_cli_command *command = find_command(name);
    if (command == NULL)
        return unknown_command(name);
    if (mmn_cli_ranks() != NULL && !command->has_rows && command->run != mmn_cli_count)
        return mmn_cli_usage(NULL, "\"mmneuron %s\" is not divided among processes; start it alone",
                             name);
    return run_command(command, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    mmn_cli_settle_waiting();
    mmn_cli_guard_streams();
    int code = mmn_cli_ranks_begin();
    mmn_cli_watch_json();
    mmn_cli_guard_exit();
    mmn_cli_guard_mappings();
    if (code == MMN_CLI_DONE)
        code = run(argc, argv);
    return mmn_cli_ranks_end(mmn_cli_finish(code));
}
