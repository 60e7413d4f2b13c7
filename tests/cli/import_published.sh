#!/bin/sh
# mmneuron-import between published neurons and counts, as torch.save writes them, and the program's files: there and
# back nothing changes, and the program ranks imported counts as LAPE does, which is written out here in torch.
. "$top_srcdir/tests/cli/setup.sh"
python=${PYTHON:-python3}
"$python" -c 'import torch, xxhash, safetensors, numpy' 2>/dev/null ||
    skip_all "torch, xxhash, safetensors or numpy is not there"
cd "$work" || exit 1
bundle=$top_srcdir/models/five-languages
import() {
    "$python" "$top_srcdir/import/mmneuron-import" "$@"
}

"$python" - <<'E' || exit 1
import os, torch
generator = torch.Generator().manual_seed(4)
# MMNeuron's: of LLaVA's three modules, positions, counts, and sums that are multiples of 2^-20.
for domain in "ad", "com", "med":
    data = {}
    for module, shape in {"lang": (3, 60), "vision": (4, 50), "mmproj": (1, 40)}.items():
        tokens = int(torch.randint(500, 900, (), generator=generator))
        data[f"{module}_len"] = torch.tensor(tokens)
        data[f"{module}_log"] = torch.randint(0, tokens, shape, generator=generator, dtype=torch.int32)
        data[f"{module}_value"] = torch.randint(-2**30, 2**30, shape, generator=generator).double() / 2**20
    torch.save(data, f"{domain}.log")
# LAPE's: counts without sums, and masks of which some layers are empty.
for language in "en", "zh", "ja":
    counts = torch.randint(0, 4096, (5, 640), generator=generator, dtype=torch.int32)
    torch.save({"n": 4096, "over_zero": counts}, f"activation.{language}.train.model")
torch.save([[torch.randperm(640, generator=generator)[:(7 * layer * k) % 11].sort().values.long()
             for layer in range(5)] for k in range(3)], "masks.pth")
E

masks_there_and_back() {
    import neurons language=masks.pth -o masks.json --domains zh,en,ja --width language=640 &&
        import neurons masks.json -o back.pth --domains zh,en,ja &&
        "$python" - <<'E'
import torch
first, back = (torch.load(file, weights_only=True) for file in ("masks.pth", "back.pth"))
assert len(first) == len(back) == 3 and sum(len(index) for mask in first for index in mask) == 45
assert all(torch.equal(a, b) and a.dtype == b.dtype for x, y in zip(first, back) for a, b in zip(x, y, strict=True))
E
}
# The program takes what was imported; its digest is that of the neurons that went out.
neurons_out_and_in() {
    import neurons "$bundle/cases/neurons.json" -o five.pth &&
        import neurons lang=five.pth -o five.json --domains de,en,es,fr,ja --width lang=640 || return 1
    "$python" -c "import json
a, b = (json.load(open(file)) for file in ('five.json', '$bundle/cases/neurons.json'))
assert a['digest'] == b['digest'] and a['modules']['language']['domains'] == b['modules']['language']['domains']" &&
        $MMNEURON eval "$bundle/model" "$bundle/test.jsonl" --neurons five.json --samples 1 --seeds 0 -q >eval.out
}
lape_counts_there_and_back() {
    import counts en=activation.en.train.model zh=activation.zh.train.model ja=activation.ja.train.model \
        -o lape.safetensors && import counts lape.safetensors -o lape &&
        "$python" - <<'E'
import torch
for language in "en", "zh", "ja":
    first, back = (torch.load(folder + f"activation.{language}.train.model", weights_only=True) for folder in ("", "lape/"))
    assert first.keys() == back.keys() and first["n"] == back["n"]
    assert torch.equal(first["over_zero"], back["over_zero"]) and back["over_zero"].dtype == torch.int32
E
}
# LAPE in float64, ties by layer and neuron.
ranks_as_lape() {
    $MMNEURON rank lape.safetensors --rate 0.05 -o ranked.json -q >rank.out && "$python" - <<'E'
import json, torch
languages = ["en", "zh", "ja"]
data = [torch.load(f"activation.{language}.train.model", weights_only=True) for language in languages]
p = torch.stack([each["over_zero"] for each in data], -1).double() / torch.tensor([each["n"] for each in data])
q = p / p.sum(-1, keepdim=True)
entropy = -torch.where(q > 0, q * q.log(), 0.0).sum(-1)
bar = p.flatten().kthvalue(round(p.numel() * 0.95)).values
entropy[(p > bar).sum(-1) == 0] = torch.inf
order = entropy.flatten().argsort(stable=True)[:round(entropy.numel() * 0.05)].sort().values
expected = {language: [[int(i) // 640, int(i) % 640] for i in order if p[i // 640, i % 640, k] > bar]
            for k, language in enumerate(languages)}
assert sum(map(len, expected.values())) >= 160
assert json.load(open("ranked.json"))["modules"]["language"]["domains"] == expected
E
}
# Counts that have no sums do not steer.
needs_sums() {
    import neurons language=masks.pth -o masks.json --domains zh,en,ja --width language=640 || return 1
    $MMNEURON ask "$bundle/model" --prompt Das --neurons masks.json --off en --on ja --counts lape.safetensors \
        --other-model -q 2>errors
    [ $? -eq 3 ] && grep -q "no sums of values" errors
}
mmneuron_counts_there_and_back() {
    import counts ad=ad.log com=com.log med=med.log -o mm.safetensors &&
        $MMNEURON rank mm.safetensors -o mm.json -q >rank.out && grep -q projector mm.json &&
        import counts mm.safetensors -o mm --layout mmneuron && "$python" - <<'E'
import torch
for domain in "ad", "com", "med":
    first, back = (torch.load(file, weights_only=True) for file in (f"{domain}.log", f"mm/{domain}/{domain}_1.log"))
    assert first.keys() == back.keys(), back.keys()
    assert all(torch.equal(first[key], back[key]) and first[key].dtype == back[key].dtype for key in first)
E
}
# What the program counted goes out and comes in again as it was, but for what published files do not hold.
own_counts_out_and_in() {
    $MMNEURON count "$bundle/model" "$bundle/count.jsonl" --samples 3 -o own.safetensors -q >/dev/null &&
        $MMNEURON rank own.safetensors --rate 0.05 -o own.json -q >/dev/null &&
        import counts own.safetensors -o own --name tiny || return 1
    for language in de en es fr ja; do
        set -- "$@" "$language=own/activation.$language.train.tiny"
    done
    import counts "$@" -o again.safetensors && $MMNEURON rank again.safetensors --rate 0.05 -o again.json -q >/dev/null &&
        "$python" - <<'E'
import json
from safetensors.torch import load_file
a, b = load_file("own.safetensors"), load_file("again.safetensors")
assert a.keys() == b.keys()
for name in a:  # float32 has 24 bits of a sum
    assert (a[name] == b[name]).all() if not name.endswith(".sum") else (a[name] - b[name]).abs().max() <= a[name].abs().max() / 2**24 + 1
own, again = (json.load(open(file)) for file in ("own.json", "again.json"))
assert own["digest"] == again["digest"]
E
}
# refuses MESSAGE ARGUMENT...: bad input, and nothing is left.
refuses() {
    message=$1
    shift
    import "$@" -o refused 2>errors
    [ $? -eq 3 ] && grep -q "$message" errors && ! ls refused* 2>/dev/null
}
refuses_damage() {
    echo "no zip" >junk
    "$python" -c "
import os, pickle, torch
class Bad:
    def __reduce__(self):
        return os.system, ('touch was_run',)
torch.save([Bad()], 'hostile.pth')
torch.save({'n': 4, 'over_zero': torch.zeros(2, 3)}, 'reals')
torch.save({'n': 4, 'over_zero': torch.zeros(2, 4, dtype=torch.int32)}, 'small')" &&
        refuses "cannot load" neurons language=junk --domains a --width language=9 &&
        refuses "cannot load" neurons language=hostile.pth --domains a --width language=9 && [ ! -e was_run ] &&
        refuses "as many masks" neurons language=masks.pth --domains a,b --width language=640 &&
        refuses "below 5" neurons language=masks.pth --domains a,b,c --width language=5 &&
        refuses "must say how many" neurons language=masks.pth --domains a,b,c &&
        refuses "whole numbers" counts a=reals &&
        refuses "other modules" counts a=small b=activation.en.train.model &&
        refuses "neither" counts a=masks.pth && refuses "is no module" neurons brain=masks.pth --domains a &&
        refuses "DOMAIN=FILE" counts junk
}
check "masks, there and back" masks_there_and_back
check "the program's neurons, out and in" neurons_out_and_in
check "LAPE's counts, there and back" lape_counts_there_and_back
check "imported counts are ranked as LAPE does" ranks_as_lape
check "no means without sums" needs_sums
check "MMNeuron's counts, there and back" mmneuron_counts_there_and_back
check "the program's counts, out and in" own_counts_out_and_in
check "damage" refuses_damage
done_testing
