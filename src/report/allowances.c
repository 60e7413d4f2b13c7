/* What results say of their run's allowances: in JSON, and in tables for people. */
#include "report/allowances.h"

void mmn_allowances_json(mmn_text *text, const mmn_allowances *allowances)
{
    if (allowances->unknown_keys)
        mmn_text_add(text, ", \"allow_unknown_keys\": true");
    if (allowances->long_prompts)
        mmn_text_add(text, ", \"allow_long_prompts\": true");
    if (allowances->foreign && allowances->neurons_model[0] == '\0')
        mmn_text_add(text, ", \"neurons_model\": null");
    else if (allowances->foreign)
        mmn_text_add(text, ", \"neurons_model\": \"%s\"", allowances->neurons_model);
}

void mmn_allowances_remarks(mmn_text *text, const mmn_allowances *allowances)
{
    if (allowances->foreign && allowances->neurons_model[0] == '\0')
        mmn_text_add(text, "remark: the neurons' file does not say of which model they are\n");
    else if (allowances->foreign)
        mmn_text_add(text, "remark: the neurons are of another model, %s\n",
                     allowances->neurons_model);
    if (allowances->long_prompts)
        mmn_text_add(text, "remark: prompts longer than the model was made for were allowed\n");
    if (allowances->unknown_keys)
        mmn_text_add(text, "remark: unknown keys of the list were passed over\n");
}
