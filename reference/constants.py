"""Prints the constants of functions.c as C hexadecimal literals (needs mpmath)."""

from mpmath import (cos, erfc, exp, factorial, floor, log, lu_solve, matrix, mp, mpf, pi, polyval,
                    sqrt)

mp.prec = 200


def binary(value, bits):
    """value rounded to `bits` significant bits (to nearest, ties to even), as a Python float."""
    with_exponent = mp.frexp(value)[1] - bits
    scaled = value / mpf(2) ** with_exponent
    rounded = int(floor(scaled + mpf(1) / 2))
    if scaled - floor(scaled) == mpf(1) / 2 and rounded % 2:
        rounded -= 1
    return float(mpf(rounded) * mpf(2) ** with_exponent)


def literal(value, suffix=""):
    sign, digits = ("-", value.hex()[1:]) if value < 0 else ("", value.hex())
    mantissa, exponent = digits.split("p")
    mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{sign}{mantissa}p{int(exponent)}{suffix}"


def remez(function, low, high, degree, weight):
    """The polynomial p of that degree with the least maximum of |p - function| * weight."""
    count = degree + 2
    middle, half = (low + high) / 2, (high - low) / 2
    points = [middle - half * cos(pi * i / (count - 1)) for i in range(count)]
    grid = [middle - half * cos(pi * mpf(i) / (60 * count)) for i in range(60 * count + 1)]
    for _ in range(8):
        system, right = matrix(count, count), matrix(count, 1)
        for row, x in enumerate(points):
            for power in range(degree + 1):
                system[row, power] = x ** power
            system[row, degree + 1] = (-1) ** row / weight(x)
            right[row] = function(x)
        solution = lu_solve(system, right)
        coefficients = [solution[power] for power in range(degree + 1)]
        errors = [(polyval(coefficients[::-1], x) - function(x)) * weight(x) for x in grid]
        peaks = []
        for i, error in enumerate(errors):
            if peaks and errors[peaks[-1]] * error > 0:
                if abs(error) > abs(errors[peaks[-1]]):
                    peaks[-1] = i
            else:
                peaks.append(i)
        while len(peaks) > count:
            peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
        points = [grid[i] for i in peaks]
    return coefficients, max(abs(error) for error in errors)


def show(title, values, bits, suffix=""):
    print(title)
    for value in values:
        print("   ", literal(binary(mpf(value), bits), suffix))


def split(title, value, bits):
    high = binary(value, bits)
    show(title + ", high and low part", [high], bits)
    show("", [value - high], 53)


def exp_quotient(r):
    """(exp(r) - 1 - r) / r^2"""
    return sum(r ** k / factorial(k + 2) for k in range(40))


coefficients, error = remez(exp_quotient, -log(2) / 2, log(2) / 2, 4,
                            lambda r: r * r * exp(-r) + mpf(2) ** -40)
show(f"exp, f32: (exp(r) - 1 - r) / r^2, relative error of exp {float(error):.2g}",
     coefficients, 24, "f")
show("1 / log 2, f32", [1 / log(2)], 24, "f")
high = binary(log(2), 15)
show("log 2, f32, high and low part", [high], 24, "f")
show("", [log(2) - high], 24, "f")

show("1 / log 2", [1 / log(2)], 53)
split("log 2", log(2), 42)
show("exp: 1/k!, k = 2 to 13", [1 / factorial(k) for k in range(2, 14)], 53)
show("log: 2/(2k+1), k = 1 to 10", [mpf(2) / (2 * k + 1) for k in range(1, 11)], 53)
show("2 / pi", [2 / pi], 53)
split("pi / 2", pi / 2, 33)
show("sin: (-1)^k/(2k+1)!, k = 1 to 7", [(-1) ** k / factorial(2 * k + 1) for k in range(1, 8)], 53)
show("cos: (-1)^k/(2k)!, k = 1 to 8", [(-1) ** k / factorial(2 * k) for k in range(1, 9)], 53)
show("erf: 2/sqrt(pi) (-1)^k/(k! (2k+1)), k = 0 to 6",
     [2 / sqrt(pi) * (-1) ** k / (factorial(k) * (2 * k + 1)) for k in range(7)], 53)
show("sqrt(1/2), sqrt(8/pi), 0.044715", [sqrt(mpf(1) / 2), sqrt(8 / pi), mpf("0.044715")], 53)

K = mpf("3.75")


def scaled_erfc(t):
    """(1 + 2z) exp(z^2) erfc(z) of t = (z - K) / (z + K)"""
    z = K * (1 + t) / (1 - t)
    return (1 + 2 * z) * exp(z * z) * erfc(z)


mp.prec = 400
coefficients, error = remez(scaled_erfc, mpf(-1), (11 - K) / (11 + K), 18,
                            lambda t: 1 / scaled_erfc(t))
show(f"erfc: (1 + 2z) exp(z^2) erfc(z), z <= 11, in t; relative error {float(error):.2g}",
     coefficients, 53)
