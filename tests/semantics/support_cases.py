"""Arguments whose support a reader can settle: what must be proved, what must be refuted, what stays open.

Each is the rate of a Poisson, which must not be negative; in `SCALES` it is the scale of a Normal, which must
be positive. `a` may be any number, `s` is positive, `h` not negative, `p` in (0, 1), `v` a positive array.
"""

PREAMBLE = """
index f = u, d
data n: int
data counts[f]: int
data y
data x[f]
const edges = [0.1, 0.4, 0.9]
param a ~ Normal(0, 1)
param b ~ Normal(0.5, 0.5) in (-1, inf)
param s ~ LogNormal(0, 1)
param h ~ HalfNormal(1)
param p ~ Beta(2, 3)
param v[f] ~ Gamma(2, 1)
param w[f] ~ Normal(0, 1)
param o[2]: ordered ~ Normal(0, 1)
param m[3] ~ Dirichlet([1, 1, 1])
pdf q(x) = s*x^b*(1 - x)^h
pdf line(x) = 1 - p*x
pdf signed(x) = a*x
let theta = exp(a) + h
"""

PROVED = {
    "exp": "exp(a)",
    "what constants give": "1 - (edges/sum(edges))[0]",
    "product of positives": "s*h*p",
    "square": "a^2",
    "square as product": "a*a",
    "sum of squares": "a^2 + b^2",
    "difference of a probability": "1 - p",
    "bounded below": "b + 1",
    "bounded below, scaled": "2*(b + 1) + 3",
    "power of a positive": "s^a",
    "integral of a density": "integral(q)",
    "bins": "(q |> bins(edges))[1]",
    "sum over an index": "sum(v[i] for i in f)",
    "sum of an array": "sum(v)",
    "dot": "dot(v, v)",
    "element": "v.u + v.d",
    "derived": "theta",
    "convex combination": "p*s + (1 - p)*h",
    "polynomial that stays positive": "line(0.5)",
    "integral of it": "integral(line)",
    "absolute value": "abs(a - 3)",
    "maximum": "max(a, 0)",
    "choice": "if a > 0 then s else h",
    "square root": "sqrt(a^2 + 1)",
    "quotient": "s/(1 + h)",
    "trigonometry": "1 + cos(a)",
    "logistic": "1/(1 + exp(-a))",
    "simplex element": "m[0]",
    "cosh": "cosh(a)",
    "condition": "a > 0",
    "clip": "clip(a, 0, 5)",
    "even power": "(a - b)^4",
    "guarded by a condition": "if a > 0 then a else 0",
    "guarded by the other branch": "if a < 1 then 0 else a - 1",
    "hypot": "hypot(a, b)",
    "mean": "mean(v)",
    "product": "prod(v)",
    "matrix product": "dot(v, exp(w))",
    "moment": "(q |> moments(3))[1]",
    "value of a density": "q(0.3)",
    "normalised": "normalised(line)(0.3)",
}

REFUTED = {
    "location": "a",
    "bounded below too low": "b",
    "difference": "s - h",
    "difference of an array": "v.u - v.d",
    "negative exp": "-exp(a)",
    "log": "log(s)",
    "sine": "sin(a)",
    "shifted probability": "p - 0.5",
    "integral of a density with a sign": "integral(signed)",
    "bins of a signal with a sign": "(signed |> bins(edges))[0]",
    "value of a density with a sign": "signed(0.3)",
    "cube": "a^3",
    "product of signs": "a*b",
    "sum over an index": "sum(w[i] for i in f)",
    "sum of an array": "sum(w)",
    "one minus a positive": "1 - s",
    "mean": "mean(w)",
    "element": "w.d",
    "first of an ordered array": "o[0]",
    "constant": "-1",
    "choice": "if a > 0 then s else -s",
    "polynomial": "1 - 2*p*s",
    "derived": "theta - 10",
    "tanh": "tanh(a)",
}

UNKNOWN = {
    "data of any sign": "s + a*0 + y*s",
    "root": "s*y",
}

SCALES_UNKNOWN = {
    "the smaller of what is 0 somewhere and a positive": "min(abs(a - 1), s)",
}

SCALES_PROVED = {
    "exp": "exp(a)",
    "what constants give": "1 - (edges/sum(edges))[0]",
    "positive": "s",
    "half normal": "h",
    "array of positives": "v.u*s",
    "one more than a square": "1 + a^2",
    "square root": "sqrt(0.01 + a^2)",
    "bounded": "0.1 + p",
    "reciprocal": "1/s",
    "hypot with a constant": "hypot(0.1, a)",
    "logarithm above one": "log(2 + h)",
    "softplus": "log(1 + exp(a))",
    "softplus by log1p": "log1p(exp(a))",
    "power": "(1 - p)^a",
    "cosh": "cosh(a)",
}

SCALES_REFUTED = {
    "location": "a",
    "zero": "0",
    "negative": "-s",
    "difference": "s - 1",
    "logarithm": "log(1 + s) - 1",
    "probability minus one": "p - 1",
    "bounded below": "b",
    "linear in data-free terms": "1 + a*s",
    "step": "step(a)",
    "whole number below a positive": "floor(s)",
}

# Means of a Normal: may functions be applied to what they are applied to?

INSIDE = {
    "proved": "sqrt(s)",
    "at an end": "log(h)",
    "even": "sqrt(a^2)",
    "whole power": "a^2 + a^3",
    "whole power of a parameter": "a^(2*floor(s))",
    "power of a positive": "s^a",
    "clipped": "sqrt(max(a, 0))",
    "guarded": "if a > 0 then sqrt(a) else 0",
    "guarded by the other": "if a <= 0 then 0 else log(a)",
    "guarded where it is read": "if a > 0 then lazy else 0",
    "guarded under an integral": "integral(if z > a then sqrt(z - a) else 0 for z in (0, 1))",
    "guarded twice, differently": "(if a > 0 then sqrt(a) else 0) + (if a > 1 then sqrt(a) else 0)",
    "variable inside of its domain": "integral(sqrt(z)*log(z) for z in (0, 1))",
    "data of unknown sign": "sum(log(s*x[i]) for i in f)",
    "narrow prior": "sqrt(1 - narrow)",
    "remainder": "mod(a, s)",
    "interpolation": "interp(a, edges, edges)",
}

OUTSIDE_AT_TIMES = {
    "root": "sqrt(a)",
    "logarithm": "log(a - 10)",
    "power of a parameter": "a^s",
    "power that is no whole number": "a^0.5",
    "of an array": "sum(sqrt(w))",
    "of an element": "sum(sqrt(w[i]) for i in f)",
    "bounded": "asin(a)",
    "of two arguments": "beta(s, a)",
    "difference": "sqrt(1 - a^2)",
    "guarded by something else": "if s > 1 then sqrt(a) else 0",
    "guarded at one of two places": "(if a > 0 then sqrt(a) else 0) + sqrt(a)",
    "under an integral": "integral(sqrt(z - a) for z in (0, 1))",
    "in a function": "helper(a) + helper(a - 1)",
    "through a definition": "exp(lazy)",
}

OUTSIDE_ALWAYS = {
    "root": "sqrt(-1 - s)",
    "power": "(-2)^a",
    "constant array": "sum(sqrt([1, -1]))*a",
    "remainder": "mod(a, 0)",
    "interpolation": "interp(a, [0, 1, 0.5], [1, 2, 3])",
}
