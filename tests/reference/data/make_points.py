"""Writes points.inc: arguments of the elementary functions, and their values by mpmath.

    python3 make_points.py > points.inc

The values are binary64, hence 2^28 times finer than what is tested."""
import random
import struct

from mpmath import cos, erf, erfc, exp, log, mp, mpf, pi, sin, sqrt, tanh

mp.prec = 300

random.seed(1)


def f32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def logistic(x):
    return 1 / (1 + exp(-x))


# name: function, and the greatest magnitude of arguments
FUNCTIONS = {
    "exp": (exp, 105),
    "tanh": (tanh, 12),
    "erf": (erf, 5),
    "log": (log, 1e30),
    "sin": (sin, 2.0**20),
    "cos": (cos, 2.0**20),
    "sigmoid": (logistic, 105),
    "silu": (lambda x: x * logistic(x), 110),
    "gelu": (lambda x: x * erfc(-x / sqrt(2)) / 2, 15),
    "gelu_tanh": (lambda x: x * logistic(2 * sqrt(2 / pi) * (x + mpf("0.044715") * x**3)), 13),
    "quick_gelu": (lambda x: x * logistic(mpf("1.702") * x), 65),
}
DOUBLES = {"exp_f64": (exp, 709.0), "log_f64": (log, 1e300)}

SPECIAL = [2.0**-149, 2.0**-126, 1e-20, 2.0**-24, 2.0**-12, 0.1, 0.25, 0.5, 0.6931472, 0.8, 1.0,
           1.5, 1.5707964, 2.0, 3.1415927, 5.0, 9.0, 14.0]


def arguments(limit):
    yield from SPECIAL
    yield limit
    for _ in range(15):
        yield random.uniform(0, limit)
        yield random.uniform(0, 2)
        yield limit * 2.0 ** random.uniform(-30, 0)


def rows(functions, table, rounded):
    print(f"#ifdef {table}")
    for name, (function, limit) in functions.items():
        for magnitude in arguments(limit):
            for x in (rounded(magnitude), -rounded(magnitude)):
                if name.startswith("log") and x <= 0 or abs(x) > limit:
                    continue
                y = float(+function(mpf(x)))
                if abs(y) < 2.0**128 or rounded is float:  # finite in its type
                    print(f"{{mmn_{name}, {x.hex()}, {y.hex()}}},")
    print("#endif")


rows(FUNCTIONS, "POINTS_F32", f32)
rows(DOUBLES, "POINTS_F64", float)
