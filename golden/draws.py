"""Random numbers as mmneuron draws them, and the neurons that they choose.

Philox4x32-10 is written here from Salmon et al. (SC 2011), bounded numbers from Lemire (2019); doc/formats.md says what
the counters are. Nothing of mmneuron is used.
"""


def philox(counter: list[int], key: list[int]) -> list[int]:
    words, key = list(counter), list(key)
    for _ in range(10):
        first, third = 0xD2511F53 * words[0], 0xCD9E8D57 * words[2]
        words = [third >> 32 ^ words[1] ^ key[0], third & 0xFFFFFFFF,
                 first >> 32 ^ words[3] ^ key[1], first & 0xFFFFFFFF]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return words


def below(bound: int, seed: int, second: int, third: int, fourth: int) -> int:
    """A number below `bound`, from as many attempts as it takes, which are the counter's first word."""
    attempt, surplus = 0, 2 ** 32 % bound
    while True:
        for word in philox([attempt, second, third, fourth], [seed & 0xFFFFFFFF, seed >> 32]):
            if word * bound & 0xFFFFFFFF >= surplus:
                return word * bound >> 32
        attempt += 1


def random_neurons(own: list[tuple[int, int]], width: int, module: int, seed: int) -> list[tuple[int, int]]:
    """As many neurons (layer, neuron) of each layer of module number `module` as there are `own` ones, none of them."""
    found = []
    for layer in sorted({layer for layer, _ in own}):
        taken = {neuron for at, neuron in own if at == layer}
        others = [neuron for neuron in range(width) if neuron not in taken]
        for number in range(len(taken)):
            place = number + below(len(others) - number, seed, module, layer, number)
            others[number], others[place] = others[place], others[number]
            found.append((layer, others[number]))
    return found
