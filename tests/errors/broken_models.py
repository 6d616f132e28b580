"""Models with mistakes, by topic and name. What is said of each is kept in `golden/`."""

from __future__ import annotations

_EVENTS = {"events.csv": "x,energy\n0.5,10\n0.7,20\n"}

NAMES = {
    "datum after observe": "data counts[N]: int\nparam mu ~ LogNormal(0, 1)\nobserve count ~ Poisson(mu)",
    "no datum at all": "param mu ~ Normal(0, 1)\nobserve y ~ Normal(mu, 1)",
    "distribution in lower case": "data y[N]\nparam mu ~ normal(0, 1)\nobserve y ~ normal(mu, 1)",
    "distribution in snake case": "data y[N]\nparam tau ~ half_normal(1)\nobserve y ~ Normal(0, tau)",
    "distribution of another program": "data y[N]\nparam mu ~ gauss(0, 1)\nobserve y ~ Normal(mu, 1)",
    "distribution misspelt, with a parameter of its name": (
        "data y[N]\nparam norm ~ Norml(0, 1)\nobserve y ~ Norml(norm, 1)"
    ),
    "label": "index flavour = up, down\nparam c[flavour] ~ Normal(0, 1)\nlet a = c.dwon\nlet b = c.strange",
    "label of an index without labels": "index n = 3\nparam c[n] ~ Normal(0, 1)\nlet a = c.u",
    "member of a number": "param c ~ Normal(0, 1)\nlet a = c.u",
    "column as the source of another datum": (
        _EVENTS,
        'data e = table("events.csv")\ndata y[N] = e.x\nparam m ~ Normal(0, 1)\nobserve e.energy ~ Normal(m, 1)',
    ),
    "column": (_EVENTS, 'data e = table("events.csv").enrgy\ndata f = table("events.csv")\nlet a = f.y'),
    "operator": "pdf u(x) = x\nlet a = u |> bin([0, 1])\nlet b = u |> att([0.5])",
    "function": "param a ~ Normal(0, 1)\nlet b = exq(a)\nlet c = ln(a)\nlet d = np.exp(a)",
    "parameter": "param alpha_s ~ Normal(0.118, 0.001)\nlet a = 2*alpha_S\nlet b = alphas^2",
    "name of another file": ({"other.pdfm": "let mass = 3"}, 'use "other.pdfm" as o\nlet a = o.mas\nlet b = p.mass'),
    "type": "data y[N]: integer\ndata g[N]: scool\nindex school = 3\nparam a[2]: orderd ~ Normal(0, 1)",
    "flavour": (
        "pdfset p(x) at Q = 1.65 { gluon = x }\npdfset q(x) at Q = 1.65 { uv = x }\n"
        "pdfset r(x) at Q = 1 { q = x }"
    ),
    "combination of flavours": (
        "pdfset p(x) at Q = 1.65 { g = x, singlet = x, T3 = x }\npdfset q(x) at Q = 1.65 { Sigma = x, S = x }\n"
        "pdfset r(x) at Q = 1.65 { g = x, u = x, Sigma = x }\npdfset s(x) at Q = 1.65 { Sigma = x, T3 = x, V = x }"
    ),
    "combination that leaves flavours open": (
        "pdfset p(x) at Q = 1.65 { V = x, V3 = x }\npdfset q(x) at Q = 1.65 { Sigma = x, T3 = x, T8 = x, V = x }\n"
        "pdfset r(x) at Q = 1.65 { Sigma = x, T3 = x, T8 = x, T24 = x }\n"
        "pdfset s(x) at Q = 1.65 { Sigma = x, T3 = x, T8 = x, V = x, V3 = x, V8 = x, V15 = x }"
    ),
    "flavour of a pdfset": (
        "pdfset p(x) at Q = 1.65 { g = x, u = x }\noutput a = p.sigma(0.1)\noutput b = p.gluon(0.1)\n"
        "output c = p.T4(0.1)\noutput e = p.Sgma(0.1)"
    ),
    "file": ({"theory.pdfm": "let m = 3"}, 'use "teory.pdfm" as t\nuse std.pdg: power\nuse "../up.pdfm" as u'),
    "twice": "param a ~ Normal(0, 1)\nlet a = 3\nlet pi = 3",
    "arguments and labels twice": "func f(x, x) = x\nindex k = u, d, u",
    "with": (
        {"m.pdfm": "param a ~ Normal(0, 1)\nconst c = 3\nparam v[3] ~ Normal(0, 1)",
         "n.pdfm": 'use "m.pdfm" as m with c ~ Normal(0, 1)'},
        'use "m.pdfm" as m with b = 3\nuse "n.pdfm" as n',
    ),
    "with constants and arrays": (
        {"m.pdfm": "param a ~ Normal(0, 1)\nconst c = 3\nparam v[3] ~ Normal(0, 1)\nlet s = c + sum(v)"},
        'use "m.pdfm" as m with c = a, v = [1, 2]\nparam a ~ Normal(0, 1)\nlet b = m.s',
    ),
}

KINDS = {
    "lengths in linear_solve": "let a = linear_solve([[1, 2], [3, 4]], [1, 2, 3])",
    "function for a number": "data n: int\nparam c ~ LogNormal(0, 1)\npdf u(x) = c*x\nobserve n ~ Poisson(u)",
    "function in the body of a function": (
        "data n\nparam a ~ Normal(0, 1) in (0, inf)\npdf u(x) = a*x\npdf d(x) = x\n"
        "theory s(x) = 4*u + d(x)\nobserve n ~ Normal(s(0.5), 1)"
    ),
    "function of a function": "data n: int\npdf u(x) = x\nobserve n ~ Poisson(exp(u))",
    "function of the library": "data n: int\nobserve n ~ Poisson(exp)",
    "number for a function": "data e[N]\nparam c ~ LogNormal(0, 1)\nobserve e ~ PoissonProcess(c)",
    "number called": "param c ~ Normal(0, 1)\nlet a = c(3)\nparam v[3] ~ Normal(0, 1)\nlet b = v(0)",
    "number piped to bins": "param c ~ Normal(0, 1)\nlet a = c |> bins([0, 1])",
    "array and function": "pdf u(x) = x\nlet a = [1, 2]*u",
    "functions of different arguments": "pdf u(x) = x\npdf v(z) = z\nlet a = u + v",
    "interval for a number": "let a = 1 + (0, 1)",
    "interval for a set": "let a = sum(x for x in (0, 1))",
    "text for a number": 'let a = "three"',
    "distribution without arguments": "data y[N]\nparam mu ~ Normal\nobserve y ~ Normal(mu, 1)",
    "number for a distribution": "data y[N]\nparam mu ~ 3\nobserve y ~ mu",
    "counts for a parameter": "param k ~ Poisson(3)",
    "mixture truncated as a whole": (
        "data y\nparam a ~ Mixture([0.5, 0.5], [Normal(0, 1), Normal(3, 1)]) in (0, inf)\n"
        "param b[2]: positive ~ Mixture([0.5, 0.5], [Normal(0, 1), Normal(3, 1)])\nobserve y ~ Normal(a*sum(b), 1)"
    ),
    "improper distribution of data": "data y[N]\nparam a ~ Normal(0, 1)\nobserve y ~ Flat()",
    "condition as a position": "data y[3]\nparam a ~ Normal(0, 1)\nobserve y[t in 3] ~ Normal(a*y[t > 1], 1)",
    "ordered number": "data y[N]\nparam a: ordered ~ Normal(0, 1)\nobserve y ~ Normal(a, 1)",
    "observed parameter": "param mu ~ Normal(0, 1)\nobserve mu ~ Normal(0, 1)",
    "condition": "param a ~ Normal(0, 1)\nlet b = if a then 1 else 2\nlet c = not a\nlet d = a and true",
    "where": "let a = sum(1 for i in 3 where i)\ndata y = [1, 2] where y > 1",
    "arguments": "data y[N]\nlet a = exp(1, 2)\nlet b = exp(z = 1)\nlet c = exp()\nobserve y ~ Normal(0, sd = 1)",
    "covariance twice": "data y[2]\nobserve y ~ MvNormal([0, 0], cov = [[1, 0], [0, 1]], precision = [[1, 0], [0, 1]])",
    "mixtures": (
        "data y[N]\ndata z[N]\nobserve y ~ Mixture([0.5, 0.5], [Normal(0, 1), Poisson(3)])\n"
        "observe z ~ Mixture([0.2, 0.8], [Normal(0, 1)])"
    ),
    "weights of a mixture": (
        "const w = [2, 3, 6]\ndata y[N]\ndata z[N]\nobserve y ~ Mixture([0.5, 0.6], [Normal(0, 1), Normal(3, 1)])\n"
        "observe z ~ Mixture(w/10, [Normal(0, 1), Normal(3, 1), Normal(5, 1)])"
    ),
    "reading an output": "output a = 3\nlet b = a + 1",
    "family": "index f = u, d\npdf q[i in f](x) = x\nlet a = q(0.5)",
    "pdfset to a table": 'pdf u(x) = x\nlet a = u |> fktable("t.npz", rows = 3)',
}

SHAPES = {
    "diagonals and lengths": (
        "data v[N]\ndata m[N, 3]\nlet a = len(2)\nlet b = add_diag(v, 1)\nlet c = add_diag(m[0:3], v[0:2])\n"
        "let d = add_diag([[1, 0], [0, 1]], [1, 2, 3])"
    ),
    "density that is an array": "pdfset p(x) at Q = 1.65 { g = 3*(1 - x)^5, u = [1, 2]*(1 - x)^3 }",
    "rows of different lengths": "const A = [[1, 2], [2]]",
    "value of another length": "data n[3] = [1, 2]\nparam a ~ Normal(0, 1)\nobserve n ~ Normal(a, 1)",
    "array as the end of an interval": (
        "data e[N]\nparam c ~ LogNormal(0, 1)\npdf u(x) = c*x\nobserve e ~ PoissonProcess(u, over = ([0.1, 0.2], 1))\n"
        "let a = integral(x for x in (0, e))\nparam x[N] ~ Normal(0, 1) in (e, inf)"
    ),
    "nothing to count": "index f = 0\nlet a = sum(i for i in range(-3))\nlet b = max(i for i in range(0))",
    "lengths": "data y[3]\nparam mu[2] ~ Normal(0, 1)\nobserve y ~ Normal(mu, 1)",
    "named axes": (
        "index a = 3\nindex b = 3\ndata y[a]\nparam mu[a] ~ Normal(0, 1)\nparam nu[b] ~ Normal(0, 1)\n"
        "observe y ~ Normal(mu + nu, 1)"
    ),
    "too many axes": "data y\nparam mu[2] ~ Normal(0, 1)\nobserve y ~ Normal(mu, 1)",
    "vector for a matrix": "data y[2]\nobserve y ~ MvNormal([0, 0], cov = [1, 1])",
    "mean of another length": "data y[3]\nobserve y ~ MvNormal([0, 0], cov = [[1, 0], [0, 1]])",
    "matrix product": "let a = [[1, 2], [3, 4]] @ [1, 2, 3]\nlet b = 3 @ [1, 2]",
    "ragged array": "let a = [1, [2, 3]]\nlet b = []",
    "sum of a number": "param c ~ Normal(0, 1)\nlet a = sum(c)",
    "factor": "data y[N]\nparam c[3] ~ Normal(0, 1)\nobserve y ~ Normal(c[0], 1)\nfactor f = -c^2",
    "brackets": "param c[3] ~ Normal(0, 1)\nlet a = c[3]\nlet b = c[0.5]\nlet d = c[0, 1]\nlet e = 3[0]",
    "let over axes": "index a = 3\nparam c ~ Normal(0, 1)\nlet b[a] = c",
    "binders": "data y[N, M]\nobserve y[N, j in M] ~ Normal(0, 1)",
    "family over two": "index a = 2\npdf q[i in a, j in a](x) = x",
    "index for another": "data y[N]\ndata x[M]\nobserve y[i in N] ~ Normal(x[i], 1)",
}

DOMAINS = {
    "edge outside": "data n[2]: int\nparam c ~ LogNormal(0, 1)\npdf u(x in (0.1, 0.9)) = c*x\n"
    "observe n ~ Poisson(u |> bins([0.2, 0.5, 1.0]))",
    "point outside": "pdf u(x) = x\nlet a = u(1.5)\nlet b = u |> at([0.5, -0.1])",
    "integral outside": "pdf u(x in (0.1, 1)) = x\nlet a = integral(u(x) for x in (0, 1))",
    "no domain": "func f(x) = x\nlet a = integral(f)",
    "edges": "pdf u(x) = x\nlet a = u |> bins([0.5, 0.2, 1])\nlet b = u |> bins([0.5])",
    "points of interp": "param a ~ Normal(0, 1)\nlet b = interp(a, [0, 1, 0.5], [1, 2, 3])",
    "edges of parameters": "pdf u(x) = x\nparam c ~ Uniform(0, 1)\nlet a = u |> bins([0, c, 1])",
    "diverges for all": "pdf u(x) = 1/x\nlet a = integral(u)",
    "diverges for all that the prior allows": (
        "param a ~ Normal(-2, 1) in (-3, -1.5)\npdf u(x) = x^a\noutput b = integral(u)"
    ),
    "diverges for some": (
        "data n: int\nparam a ~ Normal(0, 1)\nparam b ~ Normal(0, 1) in (-2, inf)\n"
        "pdf u(x) = x^a*(1 - x)^b\nobserve n ~ Poisson(integral(u))"
    ),
    "sum rules that diverge for some": (
        "data y\nparam a_v ~ Normal(0.7, 0.3)\nparam a_S ~ Normal(-0.8, 0.2)\nparam b ~ Normal(9, 1)\n"
        "solve A_v where integral(proton.uv(x)/x for x in (0, 1)) == 2\n"
        "solve A_g where integral(proton.g(x) + proton.Sigma(x) for x in (0, 1)) == 1\n"
        "pdf xsea(x) = 0.2*x^a_S*(1 - x)^b\npdfset proton(x) at Q = 1.65 "
        "{ g = A_g*x^(-0.1)*(1 - x)^5, u = A_v*x^a_v*(1 - x)^3 + xsea(x), ubar = xsea(x) }\n"
        "observe y ~ Normal(proton.g(0.1), 1)"
    ),
    "sea that turns negative": (
        "data y\nparam c[3] ~ Normal(0, 1)\nparam a_S ~ Normal(-0.2, 0.05)\nparam d_S ~ Normal(0, 2)\n"
        "pdf xsea(x) = 0.2*x^a_S*(1 - x)^7*(1 + d_S*x)\n"
        "pdf xstrange(x) = x^a_S*(1 - x)^7*(1 + sum(c[i]*(2*x - 1)^i for i in range(3)))\n"
        "pdfset proton(x) at Q = 1.65 { g = (1 - 2*x)*x^(-0.1)*(1 - x)^5, ubar = xsea(x), dbar = 2*xsea(x),\n"
        "    s = xstrange(x) }\nobserve y ~ Normal(proton.ubar(0.1), 1)"
    ),
    "diverges inside, and towards infinity": (
        "param p ~ Beta(2, 3)\nlet a = integral(1/(x - 0.3) for x in (0, 1))\n"
        "let b = integral(1/abs(x - p) for x in (0, 1))\n"
        "let c = integral(1/(1 + x) for x in (0, inf))\nlet d = integral(exp(p*x) for x in (0, inf))"
    ),
    "diverges inside, and towards infinity, for some": (
        "data y\nparam a ~ Normal(0, 1)\nlet b = integral(1/abs(x - a) for x in (0, 1))\n"
        "let c = integral(exp(-a*x) for x in (0, inf))\nobserve y ~ Normal(b + c, 1)"
    ),
    "empty interval": "param a ~ Normal(0, 1) in (1, 0)",
    "bound excludes the prior": (
        "param a ~ LogNormal(0, 1) in (-2, -1)\nparam b ~ Beta(2, 3) in (1, 2)\nparam c ~ Uniform(0, 1) in (1, 3)"
    ),
    "ends of a distribution": "param a ~ Uniform(2, 1)",
    "constant": "let a = 0/0\nconst b = log(-1)\nlet c = geomspace(0, 1, 10)",
}

SUPPORTS = {
    "bounds that cross": "param a ~ Normal(0, 1)\nparam b ~ Normal(0, 1)\nparam c ~ Normal(0, 1) in (a, b)",
    "ends that cross": "param a ~ Normal(0, 1)\nparam b ~ Uniform(a, a - 1)",
    "bounds beyond the prior": "param a ~ Normal(0, 1) in (2, 3)\nparam b ~ Beta(1, 1) in (a, 5)",

    "constants without a value": "const a = 0/0\nconst b = linear_solve([[1, 2], [2, 4]], [1, 1])",
    "matrices that are no covariance": (
        "data y[2]\nparam m[2] ~ MvNormal([0, 0], cov = [[1, 2], [2, 1]])\n"
        "observe y ~ MvNormal([0, 0], precision = [[1, 0.5], [0.4, 1]])"
    ),
    "refuted": "data n: int\nparam mu ~ Normal(0, 1)\nobserve n ~ Poisson(mu)",
    "refuted through a definition": (
        "data y\nparam a ~ Normal(0, 1)\nparam b ~ LogNormal(0, 1)\nlet width = b - a^2\nobserve y ~ Normal(0, width)"
    ),
    "refuted under an integral": (
        "data n[2]: int\nparam lumi ~ Normal(1, 0.5)\npdf u(x) = 1 - x\n"
        "observe n ~ Poisson(lumi * u |> bins([0, 0.5, 1]))"
    ),
    "refuted in a process": (
        "data e[N]\nparam a ~ Normal(0, 1)\ntheory rate(x in (-1, 1)) = 10*(1 + a*x)\nobserve e ~ PoissonProcess(rate)"
    ),
    "refuted, constant": "data y\nobserve y ~ Normal(0, -1)",
    "count": "data n: int\nparam p ~ Beta(2, 3)\nobserve n ~ Binomial(3.5, p)",
    "remainder": "param a ~ Normal(0, 1)\nlet b = mod(a, 0)",
    "function of a negative base": "data y\nparam a ~ Normal(0, 1)\nobserve y ~ Normal(sqrt(a) + (-2)^a, 1)",
    "function, at times": (
        "data y\nparam a ~ Normal(0, 1)\nobserve y ~ Normal(sqrt(a), 1)\n"
        "output b = integral((x - a)^0.5 for x in (0, 1))"
    ),
    "logarithm": "param a ~ Normal(0, 1)\nlet b = log(-exp(a))",
    "unknown": "data n[N]: int\ndata b[N]\nparam mu ~ LogNormal(0, 1)\nobserve n ~ Poisson(mu + b)",
    "weights": "data y\nparam w ~ Normal(0, 1)\nobserve y ~ Mixture([w, 1 - w], [Normal(0, 1), Normal(3, 1)])",
}

SOLVE = {
    "not affine": "solve A where integral(A^2*x for x in (0, 1)) == 2",
    "nothing to solve": "solve A where integral(x for x in (0, 1)) == 2",
    "not a number": "solve A where [A, A] == [1, 2]",
    "bracket": "solve A in 3 where A^2 == 2",
    "each other's solution": "solve A where A*B == 1\nsolve B where B == 2*A",
    "each other's solution through a name": "solve A where A == c\nsolve B where B == 2*A\nlet c = B + 1",
}

CIRCLES = {
    "data that read each other": (
        "data y\ndata z\nparam a ~ Normal(0, 1)\nobserve y ~ Normal(a*z, 1)\nobserve z ~ Normal(a*y, 1)"
    ),
    "definitions": "let a = b + 1\nlet b = 2*c\nlet c = a\nlet d = a + b + c",
    "bounds": "param a ~ Normal(0, 1) in (-inf, b)\nparam b ~ Normal(0, 1) in (a, inf)",
    "prior through a solution": "param a ~ Normal(A, 1)\nsolve A where 2*A == b\nparam b ~ Normal(a, 1)",
    "prior": "param mu ~ Normal(tau, 1)\nparam tau ~ LogNormal(mu, 1)",
    "functions": "func f(x) = g(x)\nfunc g(x) = f(x) + 1\nlet a = f(2)",
    "itself": "let a = a + 1",
    "an entry of data that reads itself": (
        "data y[T]\nparam a ~ Uniform(0, 1)\nfunc step(v, z) = a*v + z^2\nlet v = scan(step, 1, y)\n"
        "observe y[t in T] ~ Normal(0, v[t])"
    ),
    "an entry of data that reads later ones": "data y[T]\nobserve y[t in 0:T - 1] ~ Normal(y[t + 1], 1)",
    "files": ({"b.pdfm": 'use "a.pdfm" as a', "a.pdfm": 'use "b.pdfm" as b'}, 'use "a.pdfm" as a'),
}

_RATE = "data t[N]\nparam k ~ HalfNormal(1)\nfunc rate(t, y) = -k*y\n"

FLOWS = {
    "a rate without time": _RATE + "func f(y) = -y\nlet x = ode(f, 1, t)",
    "one time": _RATE + "let x = ode(rate, 1, 3)",
    "times that fall": _RATE + "let x = ode(rate, 1, [2, 1])",
    "times before the start": _RATE + "let x = ode(rate, 1, [2, 3], start = 2.5)",
    "times that read parameters": _RATE + "let x = ode(rate, 1, [k])",
    "a rate of another shape": _RATE + "let x = ode(rate, [1, 2], t) + ode(f, 1, t)\nfunc f(t, y) = [y, y]",
    "one for each of a set": _RATE + "let x[i in 3] = ode(rate, i, [1, 2])[0]",
    "an argument of another name": _RATE + "let x = ode(rate, 1, t, begin = 2)",
}

_STEP = "data e[T]\ndata m[2, T]\nparam a ~ Normal(0, 1)\nfunc step(state, error) = a*state + error\n"

RECURRENCES = {
    "no function": _STEP + "let s = scan(a, 0, e)",
    "nothing to step by": "func step(state) = 2*state\nlet s = scan(step, 1)",
    "no inputs": _STEP + "let s = scan(step, 0)",
    "an input of another name": _STEP + "let s = scan(step, 0, eror = e)",
    "an input that is a number": _STEP + "let s = scan(step, 0, 3)",
    "inputs over two axes": _STEP + "data h[U]\nfunc of_two(s, e, h) = s\nlet s = scan(of_two, 0, e, h)",
    "a state that changes its axes": _STEP + "let s = scan(step, [0, 1, 2], m[0]) + scan(step, 0, m)",
}

PHASES = {
    "elements chosen by a parameter": "param a[3] ~ Normal(0, 1)\nlet v = a[i] for i in 3 where a[i] > 0",
    "constant reads a parameter": "param a ~ Normal(0, 1)\nconst b = 2*a",
    "constant reads data": "data y[N]\nconst b = sum(y)",
    "length reads a parameter": "param a ~ LogNormal(0, 1)\nparam z[a] ~ Normal(0, 1)\nlet g = linspace(0, 1, a)",
    "data from a parameter": "param a ~ LogNormal(0, 1)\ndata y = a",
    "scale of a pdfset": "param Q ~ LogNormal(0, 1)\npdfset p(x) at Q = Q { g = x }",
    "table in an expression": 'let a = table("a.csv")',
}

OBSERVATIONS = {
    "prior reads observed data": (
        "data y[N]\nlet middle = mean(y)\nparam mu ~ Normal(middle, 1)\nobserve y ~ Normal(mu, 1)"
    ),
    "factor reads observed data": (
        "data y[N]\nparam mu ~ Normal(0, 1)\nlet r = sum(y) - mu\nobserve y ~ Normal(mu, 1)\nfactor f = -r^2"
    ),
    "observed twice": "data y[N]\nparam mu ~ Normal(0, 1)\nobserve y ~ Normal(mu, 1)\nobserve y ~ Normal(mu, 2)",
    "never observed": "data y[N]\ndata x[N]\nparam mu ~ Normal(0, 1)\nobserve y ~ Normal(mu, 1)",
    "unused parameter": "data y[N]\nparam mu ~ Normal(0, 1)\nparam nu ~ Normal(mu, 1)\nobserve y ~ Normal(mu, 1)",
    "nothing observed": "param mu ~ Normal(0, 1)\noutput a = mu",
    "scale that cancels": (
        "data hits[N]\nparam c ~ LogNormal(0, 1)\nparam a ~ LogNormal(0, 1)\n"
        "theory shape(x in (0, 1)) = c*x^a + c*(1 - x)\nobserve hits ~ Iid(shape)"
    ),
    "axes of nearly one name": (
        "data y[N]\ndata s[n]\nparam mu ~ Normal(0, 1)\nobserve y ~ Normal(mu, 1)\noutput a = sum(s)"
    ),
    "energy of a pdf": "data n: int\npdf f(E) = exp(-E)\nobserve n ~ Poisson(integral(f))",
    "momentum sum": "pdfset p(x) at Q = 1.65 { g = 3*(1 - x)^5, u = x*(1 - x)^3 }",
    "table for one column": (_EVENTS, 'data e = table("events.csv")\nobserve e ~ Normal(0, 1)'),
}

UNSUPPORTED = {
    "bounds": (
        "data e[N]\nparam a ~ Beta(2, 2)\nparam b ~ Mixture([0.5, 0.5], [Normal(0, 1) in (a, inf), Normal(0, 1)])\n"
        "detector d(y in (0, 1) | x) { smear y ~ Normal(x, 0.1) in (0, a) }\npdf f(x) = b*x\n"
        "observe e ~ Iid(f |> d)"
    ),
    "others": 'param r[2]: correlation ~ Normal(0, 1)',
}

_SMEARED = {"events.csv": "y,z\n0.5,0.1\n0.7,0.2\n"}
_DETECTOR = "data e = table(\"events.csv\")\npdf f(x) = (1 - x)^3\n"
_SEEN = "\nobserve e ~ PoissonProcess(f |> d)"

DETECTORS = {
    "measured variable that nothing makes": (
        _EVENTS, _DETECTOR + "detector d(y in (0, 1), q in (0, 1) | x) { smear y ~ Normal(x, 0.1) }" + _SEEN
    ),
    "true variable smeared": (_EVENTS, _DETECTOR + "detector d(y in (0, 1) | x) { smear x ~ Normal(x, 0.1) }" + _SEEN),
    "variable misspelt": (
        _EVENTS, _DETECTOR + "detector d(yield in (0, 1) | x) { smear yeld ~ Normal(x, 0.1) }" + _SEEN
    ),
    "made twice": (
        _EVENTS,
        _DETECTOR + "detector d(y in (0, 1) | x) { smear y ~ Normal(x, 0.1)  smear y ~ Normal(x, 0.2) }" + _SEEN,
    ),
    "two efficiencies": (_EVENTS, _DETECTOR + "detector d(x | x) { efficiency 0.5  efficiency x }" + _SEEN),
    "efficiency above 1": (_EVENTS, _DETECTOR + "detector d(x | x) { efficiency 1.5 }" + _SEEN),
    "efficiency that can be above 1": (
        _EVENTS, "param s ~ LogNormal(0, 1)\n" + _DETECTOR + "detector d(x | x) { efficiency s*x }" + _SEEN
    ),
    "background that can be negative": (
        _EVENTS, "param s ~ Normal(0, 1)\n" + _DETECTOR + "detector d(x | x) { background s*x }" + _SEEN
    ),
    "resolution that is negative": (
        _SMEARED,
        "param s ~ Normal(-2, 0.1)\n" + _DETECTOR + "detector d(y in (0, 1) | x) { smear y ~ Normal(x, s) }" + _SEEN,
    ),
    "smeared by counts": (_SMEARED, _DETECTOR + "detector d(y in (0, 9) | x) { smear y ~ Poisson(x) }" + _SEEN),
    "smeared by a number": (_SMEARED, _DETECTOR + "detector d(y in (0, 1) | x) { smear y ~ 0.1 }" + _SEEN),
    "joint smearing of one variable": (
        _SMEARED,
        _DETECTOR + "detector d(y in (0, 1), z in (0, 1) | x) { smear (y, z) ~ Normal(x, 0.1) }" + _SEEN,
    ),
    "variable of the rate that the detector does not know": (
        _EVENTS,
        'data e = table("events.csv")\ntheory f(x in (0, 1), q in (1, 2)) = x*q\n'
        "detector d(y in (0, 1) | x) { smear y ~ Normal(x, 0.1) }" + _SEEN,
    ),
    "variable of the detector that the rate has not": (
        _EVENTS, _DETECTOR + "detector d(y in (0, 1), q | x, q) { smear y ~ Normal(x, 0.1) }" + _SEEN
    ),
    "acts on bins": (
        "data n[2]: int\npdf f(x) = x\ndetector d(x | x) { efficiency 0.5 }\n"
        "observe n ~ Poisson(f |> bins([0, 0.5, 1]) |> d)"
    ),
    "family without a member": (
        "index m = 2\ndata n[2]: int\npdf f(x) = x\ndetector d[k in m](x | x) { efficiency 0.5 }\n"
        "observe n ~ Poisson(f |> d |> bins([0, 0.5, 1]))"
    ),
    "column that the events do not have": (
        _EVENTS, _DETECTOR + "detector d(y in (0, 1) | x) { smear y ~ Normal(x, 0.1) }" + _SEEN
    ),
    "a bin edge outside the region": (
        "data n[2]: int\npdf f(x) = x\ndetector d(y in (0, 1) | x) { smear y ~ Normal(x, 0.1) }\n"
        "observe n ~ Poisson(f |> d |> bins([0, 0.5, 2]))"
    ),
    "counts through a detector without a density": (
        "data n[2]: int\npdf f(x) = x\ndetector d(y in (0, 1) | x) { draw z ~ Beta(2, 20)  let y = x*z }\n"
        "observe n ~ Poisson(f |> d |> bins([0, 0.5, 1]))"
    ),
    "weights that are parameters": (
        _EVENTS,
        'data e = table("events.csv")\npdf f(x) = x\nparam w ~ Normal(0, 1)\n'
        "observe e ~ PoissonProcess(f, weights = w)",
    ),
    "a box with another variable": (
        _EVENTS,
        'data e = table("events.csv")\ntheory f(x in (0, 1), energy in (1, 50)) = x\n'
        "observe e ~ PoissonProcess(f, over = box(y = (0, 0.5)))",
    ),
    "a box beyond the domain": (
        _EVENTS,
        'data e = table("events.csv")\ntheory f(x in (0, 1)) = x\nobserve e ~ PoissonProcess(f, over = (0, 5))',
    ),
    "a region that follows a parameter": (
        _EVENTS,
        'data e = table("events.csv")\nparam s ~ LogNormal(0, 1)\ntheory f(x in (0, s)) = x\n'
        "observe e ~ PoissonProcess(f)",
    ),
    "domains that do not meet": (
        _SMEARED,
        'data e = table("events.csv")\ntheory f(x in (2, 3)) = x\n'
        "detector d(y in (0, 1) | x in (0, 1)) { smear y ~ Normal(x, 0.1) }" + _SEEN,
    ),
    "bounds that read a variable": (
        _SMEARED, _DETECTOR + "detector d(y in (0, 1) | x) { smear y ~ Normal(x, 0.1) in (0, x) }" + _SEEN
    ),
    "a position that is smeared": (
        _SMEARED, "index m = a, b\n" + _DETECTOR + "detector d(y in m | x) { smear y ~ Normal(x, 0.1) }" + _SEEN
    ),
    "joint smearing with another mean": (
        _SMEARED,
        'data e = table("events.csv")\ntheory f(u in (0, 1), v in (0, 1)) = u\n'
        "detector d(y in (0, 1), z in (0, 1) | u, v) {\n    smear (y, z) ~ MvNormal([u, v, 1], "
        "cov = [[1, 0, 0], [0, 1, 0], [0, 0, 1]])\n}" + _SEEN,
    ),
    "joint smearing without a density": (
        _SMEARED,
        'data e = table("events.csv")\ntheory f(u in (0, 1), v in (0, 1)) = u\n'
        "detector d(y in (0, 1), z in (0, 1) | u, v) { smear (y, z) ~ Dirichlet([1, 2]) }" + _SEEN,
    ),
    "where without a condition": "output r = integral(x*y for x in (0, 1) for y in (0, x) where 3)",
    "points for two variables": "theory f(x in (0, 1), y in (0, 1)) = x\noutput r = f |> at([0.1, 0.2])",
    "a step that reads a later one": (
        _SMEARED,
        _DETECTOR
        + "detector d(y in (0, 1) | x) { draw z ~ Normal(w, 1)  draw w ~ Normal(0, 1)  let y = x + z }"
        + _SEEN,
    ),
    "steps in a circle": (
        _SMEARED, _DETECTOR + "detector d(y in (0, 1) | x) { let p = q  let q = p  smear y ~ Normal(p, 1) }" + _SEEN
    ),
    "no domain for one of several variables": (
        _EVENTS,
        'data e = table("events.csv")\ntheory f(x in (0, 1), energy) = x\nobserve e ~ PoissonProcess(f)',
    ),
}  # fmt: skip

SEVERAL = {
    "twice, and more": "param a ~ Normal(0, 1)\nlet a = 3\nlet b = exq(a)\nobserve z ~ Normal(a, 1)",
    "declarations": (
        "data y[N]\nparam a ~ Normal(0, 1) in (2, 1)\nparam b ~ Norml(0, 1)\nlet c = exq(1)\nlet d = a + b + c\n"
        "observe y ~ Poisson(-1)\nobserve z ~ Normal(d, 1)"
    ),
    "files": (
        {"theory.pdfm": "param m ~ Normal(0)\nlet w = n + 1\nlet v = 2\n"},
        'use "theory.pdfm" as t\ndata y[N]\nobserve y ~ Normal(t.v + t.u, sgima)',
    ),
    "Greek, wide and odd characters": 'data 数据[N]\nparam μ ~ Normal(0, "\u202eabc")\nobserve 数据 ~ Normal(μ, σ)',
}

_METADATA = """implemented_observables:
- observable_name: F2
  ndata: 1
  kinematics: {variables: {x: {}, Q2: {}}, file: kinematics.yaml}
  data_central: data.yaml
  data_uncertainties: [uncertainties.yaml]
"""
_SETS = {
    f"{name}/{file}": content
    for name in ("A", "B")
    for file, content in {
        "metadata.yaml": _METADATA,
        "data.yaml": "data_central: [0.4]",
        "kinematics.yaml": "bins: [{x: {mid: 0.1}, Q2: {mid: 4}}]",
        "uncertainties.yaml": "definitions: {stat: {treatment: ADD, type: UNCORR}}\nbins: [{stat: 0.01}]",
    }.items()
} | {
    "f2.json": '{"flavours": ["g", "u"], "xgrid": [0.1, 0.5], "variables": ["x", "Q2"], "kin": [[0.1, 4]], '
    '"fk": [[[0.3, 0.1], [0.2, 0.1]]], "Q0": 1.65}',
    "c.json": '{"c": [[1, 0], [0, 1]], "d": [[1, 0], [0, 1]]}',
}
_AB = 'data d = commondata("A_F2", "B_F2")\n'
_GLUON = "pdfset p(x) at Q = 1.65 { g = 1 - x }\n"

DATA_SETS = {
    "number of weights": (_SETS, 'data d = commondata("A_F2", "B_F2", weights = [1, 2, 3])'),
    "weights that are no array": (_SETS, 'data d = commondata("A_F2", weights = 2)'),
    "weight zero": (_SETS, 'data d = commondata("A_F2", "B_F2", weights = [1, 0])'),
    "negative weight": (_SETS, 'data d = commondata("A_F2", "B_F2", weights = [-1, 1])'),
    "infinite weight": (_SETS, 'data d = commondata("A_F2", weights = [inf])'),
    "weights that cannot be computed": (_SETS, 'data d = commondata("A_F2", weights = [log(-1)])'),
    "weights that are parameters": (_SETS, 'param w ~ LogNormal(0, 1)\ndata d = commondata("A_F2", weights = [w])'),
    "weights misspelt": (_SETS, 'data d = commondata("A_F2", weight = [1])'),
    "t0 that is no prediction": (
        _SETS,
        _AB + "output a = d.errors(t0 = 1)\noutput b = d.covariance(t0 = [[1, 2], [3, 4]])\noutput c = d.errors()",
    ),
    "part": (_SETS, _AB + 'output a = d["A_F"]\noutput b = d["B_F2", "A_F2"]\noutput c = d["A_F2"].covariance'),
    "column of a part": (_SETS, _AB + 'output a = d["A_F2"].y'),
    "parts in another order": (_SETS, _AB + 'let a = concat(d["B_F2"].x, d["A_F2"].x)'),
    "number of tables": (
        _SETS, _AB + _GLUON + 'theory t = fktable("f2.json", rows = d)\noutput a = p |> t'
    ),
    "table for a number": (_SETS, _AB + _GLUON + 'theory t = fktable("f2.json", rows = 3)\noutput a = p |> t'),
    "table at another scale": (
        _SETS, _AB + 'pdfset p(x) at Q = 1.3 { g = 1 - x }\noutput a = p |> fktable("f2.json", rows = d["A_F2"])'
    ),
    "flavour that a table does not have": (
        _SETS, _AB + 'pdfset p(x) at Q = 1.65 { c = 1 - x }\noutput a = p |> fktable("f2.json", rows = d["A_F2"])'
    ),
    "pdfset defined on less than the grid": (
        _SETS, 'pdfset p(x in (0.2, 1)) at Q = 1.65 { g = 1 - x }\noutput a = p |> fktable("f2.json")'
    ),
    "matrix": (
        _SETS,
        _AB + 'data c[d, d] = table("c.json").e\ndata g[d, d] = table("c.json").c where x > 1\n'
        'data h[d, d] = commondata("A_F2")',
    ),
}

TOPICS = {
    "names": NAMES,
    "kinds": KINDS,
    "shapes": SHAPES,
    "domains": DOMAINS,
    "supports": SUPPORTS,
    "solve": SOLVE,
    "circles": CIRCLES,
    "recurrences": RECURRENCES,
    "differential equations": FLOWS,
    "phases": PHASES,
    "observations": OBSERVATIONS,
    "detectors": DETECTORS,
    "unsupported": UNSUPPORTED,
    "several": SEVERAL,
    "data sets": DATA_SETS,
}
