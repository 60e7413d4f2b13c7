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

stops_at_the_unknown() {
    exits 0 $MMNEURON info "$work/strange" &&
        grep -q '^template  *unknown: .*chat_template.jinja.*date' "$work/out" || return 1
    exits 3 $MMNEURON ask "$work/strange" 'What?' && grep -q -e --template "$work/errors" &&
        grep -q -e --prompt "$work/errors" && grep -q date "$work/errors" || return 1
    exits 3 $MMNEURON contrib "$work/strange" 'What?' || return 1
    exits 3 $MMNEURON eval "$work/strange" "$work/list.jsonl" && grep -q date "$work/errors" ||
        return 1
    exits 0 $MMNEURON eval "$work/strange" "$work/list.jsonl" --template raw -n 2 || return 1
    asks_with 'What?' "$work/strange" --template raw 'What?' &&
        asks_with 'What?' "$work/strange" --prompt 'What?'
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
check "results say which template was used" says_which_in_results
check "info tells what generation_config.json says" tells_rules
check "generation_config.json is obeyed, ignored or refused by name" obeys_or_ignores_rules
check "answers are drawn by top-k and ended by stop strings" samples_and_stops
done_testing
