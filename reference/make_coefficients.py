#!/usr/bin/env python3
"""Derives the polynomial coefficients of reference/functions.c; prints them as C hexadecimal floats.

Each polynomial interpolates its function at Chebyshev nodes in 60-digit arithmetic and is then
rounded, coefficient by coefficient, to the precision it is used in. Needs mpmath.
"""

import mpmath

mpmath.mp.dps = 60


def interpolate(function, low, high, degree):
    """Coefficients, lowest first, of the polynomial through the Chebyshev nodes of [low, high]."""
    count = degree + 1
    middle, half = (mpmath.mpf(low) + high) / 2, (mpmath.mpf(high) - low) / 2
    nodes = [middle + half * mpmath.cos(mpmath.pi * (2 * k + 1) / (2 * count)) for k in range(count)]
    matrix = mpmath.matrix(count, count)
    values = mpmath.matrix(count, 1)
    for row, node in enumerate(nodes):
        for column in range(count):
            matrix[row, column] = node ** column
        values[row] = function(node)
    return list(mpmath.lu_solve(matrix, values))


def hexadecimal(value, bits):
    """`value` rounded to `bits` bits of significand, as C writes it."""
    with mpmath.workprec(bits):
        rounded = +value
    return float(rounded).hex().replace("0000000p", "p")


def show(name, coefficients, bits):
    suffix = "f" if bits == 24 else ""
    print(f"{name}:")
    for index, value in enumerate(coefficients):
        print(f"    {hexadecimal(value, bits)}{suffix}, /* {index} */")


half_log2 = mpmath.log(2) / 2


def exp_tail(r):
    if abs(r) < mpmath.mpf(10) ** -20:
        return mpmath.mpf(1) / 2
    return (mpmath.exp(r) - 1 - r) / r ** 2


def scaled_erfc(t):
    """exp(z^2) erfc(z) at z = 4 (1 + t) / (1 - t), t in [-1, 1]."""
    if t >= 1:
        return mpmath.mpf(0)
    z = 4 * (1 + t) / (1 - t)
    return mpmath.exp(z * z) * mpmath.erfc(z)


def erf_odd(square):
    z = mpmath.sqrt(square)
    return mpmath.erf(z) / z if z else 2 / mpmath.sqrt(mpmath.pi)


def atanh_tail(square):
    s = mpmath.sqrt(square)
    return (2 * mpmath.atanh(s) - 2 * s) / s ** 3 if s else mpmath.mpf(2) / 3


def sin_tail(square):
    x = mpmath.sqrt(square)
    return (mpmath.sin(x) - x) / x ** 3 if x else -mpmath.mpf(1) / 6


def cos_tail(square):
    x = mpmath.sqrt(square)
    return (mpmath.cos(x) - 1 + square / 2) / square ** 2 if x else mpmath.mpf(1) / 24


show("exp f32", interpolate(exp_tail, -half_log2, half_log2, 4), 24)
show("exp f64", interpolate(exp_tail, -half_log2, half_log2, 10), 53)
show("erfc", interpolate(scaled_erfc, -1, mpmath.mpf("0.45"), 13), 53)
show("erf", interpolate(erf_odd, 0, 1, 9), 53)
show("log", interpolate(atanh_tail, 0, mpmath.mpf("0.02944"), 9), 53)
quarter = (mpmath.pi / 4) ** 2
show("sin", interpolate(sin_tail, 0, quarter, 5), 53)
show("cos", interpolate(cos_tail, 0, quarter, 5), 53)


def split(value, bits, parts):
    result = []
    for part in range(parts):
        with mpmath.workprec(bits if part < parts - 1 else 53):
            piece = +value
        result.append(piece)
        value -= piece
    return [float(piece).hex() for piece in result]


print("ln2 f32:", split(mpmath.log(2), 15, 2))
print("ln2 f64:", split(mpmath.log(2), 41, 2))
print("pi/2:", split(mpmath.pi / 2, 30, 3))
print("log2 e:", float(1 / mpmath.log(2)).hex(), "2/pi:", float(2 / mpmath.pi).hex())
