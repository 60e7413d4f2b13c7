/* Whether standard input is one JSON object that has the key named by the argument. */
#include <jansson.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    json_error_t error;
    json_t *value = json_loadf(stdin, JSON_REJECT_DUPLICATES, &error);
    if (value == NULL) {
        printf("line %d: %s\n", error.line, error.text);
        return 1;
    }
    int found = argc == 2 && json_object_get(value, argv[1]) != NULL;
    if (!found)
        printf("there is no key %s\n", argc == 2 ? argv[1] : "given");
    json_decref(value);
    return found ? 0 : 1;
}
