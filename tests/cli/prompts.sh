#!/bin/sh
# The folder's own chat template and generation_config.json: obeyed, or named.
. "$top_srcdir/tests/cli/setup.sh"

next=$top_srcdir/golden/checkpoints/llava-v1.6-vicuna
text_model=$top_srcdir/golden/checkpoints/llama-2
photo=$images/wide.jpg

# copy_of FOLDER NAME: a folder whose files can be changed.
copy_of() {
    mkdir "$work/$2" && cp -r "$1"/. "$work/$2" && chmod -R u+w "$work/$2"
}

# asks_with PROMPT ARGUMENTS: ask's prompt is this.
asks_with() {
    wanted=$1
    shift
    exits 0 $MMNEURON ask --json -n 1 "$@" && grep -qF "\"prompt\": \"$wanted\"" "$work/out"
}

# LLaVA-NeXT on LLaMA-3: the same family, another prompt.
copy_of "$next" headers
cat >"$work/headers/chat_template.jinja" <<'TEMPLATE'
{% for message in messages %}{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>

' }}{% for c in message['content'] %}{% if c['type'] == 'image' %}{{ '<image>
' }}{% else %}{{ c['text'] }}{% endif %}{% endfor %}{{ '<|eot_id|>' }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>

' }}{% endif %}
TEMPLATE
header='<|start_header_id|>user<|end_header_id|>\n\n'
answer='<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n'

own_template_decides() {
    asks_with "$header<image>\\nWhat?$answer" "$work/headers" --image "$photo" 'What?' &&
        asks_with "${header}What?$answer" "$work/headers" 'What?' &&
        asks_with 'USER: <image>\nWhat? ASSISTANT:' "$work/headers" --template llava-1.5 \
            --image "$photo" 'What?' || return 1
    exits 0 $MMNEURON info "$work/headers" &&
        grep -q '^template  *llama-3-instruct, from chat_template.jinja$' "$work/out" || return 1
    exits 0 $MMNEURON info "$next" && grep -q '^template .*has no chat template$' "$work/out"
}

# A template that is none of the known ones, but can be followed.
copy_of "$text_model" own
echo '{% for m in messages %}{{ "Q " ~ m.content | trim }}{% endfor %} A' \
    >"$work/own/chat_template.jinja"

follows_others() {
    asks_with 'Q Why? A' "$work/own" '  Why? ' &&
        exits 0 $MMNEURON info "$work/own" && grep -q '^template  *own, from chat_' "$work/out"
}

# A template that cannot be followed stops ask, eval and contrib, unless another or a prompt is given.
copy_of "$text_model" strange
echo '{{ strftime_now("%d %b %Y") }}{{ messages[0].content }}' >"$work/strange/chat_template.jinja"
printf '{"id":"1","domain":"a","question":"What?","answers":["x"]}\n' >"$work/list.jsonl"

printf '{"id":"1","domain":"a","prompt":"What?","answers":["x"]}\n' >"$work/prompts.jsonl"
cat "$work/prompts.jsonl" "$work/list.jsonl" | sed '2s/"id":"1"/"id":"2"/' >"$work/mixed.jsonl"

stops_at_the_unknown() {
    exits 0 $MMNEURON info "$work/strange" &&
        grep -q '^template  *unknown: .*chat_template.jinja.*date' "$work/out" || return 1
    exits 3 $MMNEURON ask "$work/strange" 'What?' && grep -q -e --template "$work/errors" &&
        grep -q -e --prompt "$work/errors" && grep -q date "$work/errors" || return 1
    exits 3 $MMNEURON contrib "$work/strange" 'What?' || return 1
    exits 3 $MMNEURON eval "$work/strange" "$work/list.jsonl" && grep -q date "$work/errors" &&
        ! grep -q 'line 1' "$work/errors" || return 1
    exits 3 $MMNEURON eval "$work/strange" "$work/mixed.jsonl" -o "$work/mixed.json" &&
        grep -q date "$work/errors" && ! grep -q 'line' "$work/errors" || return 1
    exits 0 $MMNEURON eval "$work/strange" "$work/prompts.jsonl" -n 2 -o "$work/mixed.json" ||
        return 1
    exits 0 $MMNEURON eval "$work/strange" "$work/list.jsonl" --template raw -n 2 || return 1
    asks_with 'What?' "$work/strange" --template raw 'What?' &&
        asks_with 'What?' "$work/strange" --prompt 'What?'
}

# Where a template stands: which file counts, and what transformers finds no template in.
says='{{ messages[0].content }} says'
copy_of "$text_model" places

# places_say WORDS: what the folder's files ask.
places_say() {
    asks_with "Why? says $1" "$work/places" 'Why?'
}

# places_refuse WORD: ask stops, names it, and says what can be done.
places_refuse() {
    exits 3 $MMNEURON ask "$work/places" 'Why?' && grep -q -e "$1" "$work/errors" &&
        grep -q -e --template "$work/errors"
}

set_settings() {
    printf '{"tokenizer_class": "LlamaTokenizer", %s}\n' "$1" >"$work/places/tokenizer_config.json"
}

knows_the_places() {
    set_settings "\"chat_template\": \"$says one\"" && places_say one || return 1
    set_settings "\"chat_template\": [{\"name\": \"default\", \"template\": \"$says one\"},
        {\"name\": \"rag\", \"template\": \"no\"},
        {\"name\": \"default\", \"template\": \"$says two\"}]" && places_say two || return 1
    set_settings '"chat_template": []' && places_refuse '"default"' || return 1
    set_settings "\"think_token\": \"<t>\", \"extra_special_tokens\": {\"x_token\": \"<x>\"},
        \"chat_template\": \"$says {{ think_token }}{{ x_token }}{{ bos_token }}\"" &&
        places_say '<t><x><s>' || return 1
    set_settings "\"think_token\": {\"content\": \"<t>\"}, \"bos_token\": \"<s>\",
        \"extra_special_tokens\": {\"bos_token\": \"<b>\"},
        \"chat_template\": \"$says {{ think_token }}{{ bos_token }}{{ x_token }}\"" &&
        echo '{"x_token": "<x>", "think_token": "<first>"}' \
            >"$work/places/special_tokens_map.json" && places_say '<first><b><x>' || return 1
    echo "$says jinja" >"$work/places/chat_template.jinja" && places_say jinja || return 1
    mkdir "$work/places/additional_chat_templates" &&
        echo no >"$work/places/additional_chat_templates/rag.jinja" && places_say jinja &&
        rm "$work/places/chat_template.jinja" && places_refuse additional_chat_templates &&
        echo "$says named" >"$work/places/additional_chat_templates/default.jinja" &&
        places_say named && rm -r "$work/places/additional_chat_templates" || return 1
    set_settings '"legacy": true' &&
        printf '{"chat_template": "%s"}\n' "$says no" >"$work/places/chat_template.json" &&
        places_refuse "chat_template.json.*processor" && rm "$work/places/chat_template.json"
}

# A processor's: chat_template.json has one template, and no folder of others beside it.
copy_of "$next" pictures
knows_the_processors_places() {
    echo '{"other": "x"}' >"$work/pictures/chat_template.json"
    exits 3 $MMNEURON ask "$work/pictures" 'Why?' && grep -q 'chat_template.json' "$work/errors" ||
        return 1
    echo '{"chat_template": "{{ messages[0].content[-1].text }}{% if messages[0].content|length > 1 %}<image>{% endif %}"}' \
        >"$work/pictures/chat_template.json"
    asks_with 'Why?' "$work/pictures" 'Why?' || return 1
    mkdir "$work/pictures/additional_chat_templates"
    echo no >"$work/pictures/additional_chat_templates/rag.jinja"
    exits 3 $MMNEURON ask "$work/pictures" 'Why?' && grep -q additional "$work/errors"
}

says_which_in_results() {
    exits 0 $MMNEURON eval "$work/own" "$work/list.jsonl" -n 2 --json &&
        grep -q '"template": "own", "template_from": "chat_template.jinja"' "$work/out" || return 1
    exits 0 $MMNEURON eval "$text_model" "$work/list.jsonl" -n 2 --json &&
        grep -q '"template": "raw"' "$work/out" && ! grep -q template_from "$work/out"
}

# generation_config.json: told by info, recorded, overruled, refused by name.
copy_of "$text_model" rules
echo '{"eos_token_id": 2, "do_sample": true, "temperature": 0.6, "no_repeat_ngram_size": 1,
 "num_beams": 2, "max_length": 4096}' >"$work/rules/generation_config.json"
copy_of "$text_model" guided
echo '{"guidance_scale": 1.5}' >"$work/guided/generation_config.json"
prompt="The lamp is"

tells_rules() {
    exits 0 $MMNEURON info "$work/rules" &&
        grep -q '^generation .*ends at 2; generation_config.json: no_repeat_ngram_size 1, num_b' \
            "$work/out" && grep -q 'only when asked: do_sample true, temperature 0.6' "$work/out" ||
        return 1
    exits 0 $MMNEURON info "$work/guided" &&
        grep -q '^generation *ends at a limit only, since generation_config.json' "$work/out" &&
        grep -q 'not supported.*guidance_scale 1.5' "$work/out"
}

obeys_or_ignores_rules() {
    exits 0 $MMNEURON ask "$text_model" --json -n 8 --prompt "$prompt" &&
        cp "$work/out" "$work/plain" || return 1
    exits 0 $MMNEURON ask "$work/rules" --json -n 8 --prompt "$prompt" &&
        ! cmp -s "$work/out" "$work/plain" || return 1
    exits 0 $MMNEURON ask "$work/rules" --json -n 8 --prompt "$prompt" \
        --ignore-generation-config && cmp "$work/out" "$work/plain" || return 1
    exits 3 $MMNEURON ask "$work/guided" -n 8 --prompt "$prompt" &&
        grep -q 'generation_config.json: .*guidance_scale' "$work/errors" || return 1
    exits 0 $MMNEURON dump "$work/guided" --prompt "$prompt" --generate 3 -o "$work/dump" \
        --ignore-generation-config || return 1
    exits 0 $MMNEURON contrib "$work/rules" --prompt "$prompt" --all-words --json &&
        grep -q '"generation_config": {"no_repeat_ngram_size": 1, "num_beams": 2}' "$work/out" ||
        return 1
    exits 0 $MMNEURON eval "$work/rules" "$work/list.jsonl" -n 2 --json &&
        grep -q '"num_beams": 2.*"generation_config": {"no_repeat' "$work/out" || return 1
    exits 0 $MMNEURON eval "$work/rules" "$work/list.jsonl" -n 2 --json --num-beams 1 \
        --ignore-generation-config && grep -q '"generation_config": "ignored"' "$work/out"
}

# Top-k of 1 is the likeliest; a stop string ends the answer with the token that completes it.
samples_and_stops() {
    exits 0 $MMNEURON ask "$text_model" --json -n 8 --prompt "$prompt" &&
        cp "$work/out" "$work/plain" || return 1
    exits 0 $MMNEURON ask "$text_model" --json -n 8 --prompt "$prompt" --temperature 2 --top-k 1 &&
        cmp "$work/out" "$work/plain" || return 1
    exits 0 $MMNEURON ask "$text_model" -n 8 --prompt "$prompt" --stop never --stop S &&
        cp "$work/out" "$work/stopped" || return 1
    exits 0 $MMNEURON ask "$text_model" -n 8 --prompt "$prompt" || return 1
    [ "$(wc -c <"$work/stopped")" -lt "$(wc -c <"$work/out")" ] &&
        tail -n 1 "$work/stopped" | grep -q 'S[^S]*$' &&
        exits 0 $MMNEURON eval "$text_model" "$work/list.jsonl" -n 4 --json --stop S --top-k 3 \
            --temperature 1 && grep -q '"top_k": 3, "stop": \["S"\]' "$work/out"
}

check "the folder's own chat template decides" own_template_decides
check "an own template that is none of the known ones is followed" follows_others
check "a template that cannot be followed stops what needs it" stops_at_the_unknown
check "a template is found where transformers finds it" knows_the_places
check "a processor's template is found where transformers finds it" knows_the_processors_places
check "results say which template was used" says_which_in_results
check "info tells what generation_config.json says" tells_rules
check "generation_config.json is obeyed, ignored or refused by name" obeys_or_ignores_rules
check "answers are drawn by top-k and ended by stop strings" samples_and_stops
done_testing
