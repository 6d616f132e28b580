"""Data that cannot be right: files, the model that reads them, the command, the codes that must be said."""

from __future__ import annotations

_LINE = (
    'data y[N] = table("d.csv").y\ndata x[N] = table("d.csv").x\nparam a ~ Normal(0, 1)\nobserve y ~ Normal(a*x, 1)\n'
)
_MEAN = 'data y = table("d.csv").y\nparam a ~ Normal(0, 1)\nobserve y ~ Normal(a, 1)\n'
_COUNTS = 'data n = table("d.csv").n\nparam mu ~ LogNormal(0, 1)\nobserve n ~ Poisson(mu)\n'
_EVENTS = (
    'data hits = table("d.csv")\nparam c ~ LogNormal(0, 1)\ntheory rate(x in (0, 1)) = 2*c*x\n'
    "observe hits ~ PoissonProcess(rate)\n"
)
_GIVEN = "data y[N]\ndata s[N]\nparam a ~ Normal(0, 1)\nobserve y ~ Normal(a, s)\n"
_JOINT = "data y[N]\ndata C[N, N]\nparam a ~ Normal(0, 1)\nlet mean[i in N] = a\nobserve y ~ MvNormal(mean, cov = C)\n"

# name: (model, files, arguments of `map`, code)
CASES: dict[str, tuple[str, dict[str, str], list[str], str]] = {
    "missing file": (_MEAN, {"data.csv": "y\n1\n"}, [], "E501"),
    "a covariance that cannot be computed": (
        "data s\n" + _JOINT.replace("cov = C", "cov = C*log(s)"), {},
        ["--data", "y=[1,2]", "--data", "s=-1", "--data", "C=[[1,0],[0,1]]"], "E507",
    ),
    "a known mean that cannot be computed": (
        "data v[N]\n" + _JOINT.replace("(mean,", "(a*v + log(v),"), {},
        ["--data", "y=[1,2]", "--data", "v=[1,-1]", "--data", "C=[[1,0],[0,1]]"], "E601",
    ),
    "missing file given": (_GIVEN, {}, ["--data", "y=points.csv"], "E501"),
    "wrong column": (_MEAN, {"d.csv": "yy,x\n1,2\n"}, [], "E517"),
    "event variable is no column": (_EVENTS, {"d.csv": "z\n0.5\n"}, [], "E517"),
    "empty file": (_MEAN, {"d.csv": ""}, [], "E503"),
    "header only": (_MEAN, {"d.csv": "y\n"}, [], "E516"),
    "a row after others were left out": (
        _MEAN.replace(".y\n", ".y where x > 1\n"), {"d.csv": "x,y\n1,1\n2,2\n3,nan\n"}, [], "E507"
    ),
    "nothing selected": (_MEAN.replace(".y\n", ".y where y > 5\n"), {"d.csv": "y\n1\n2\n"}, [], "E516"),
    "NaN": (_MEAN, {"d.csv": "y\n1\n2\nnan\n"}, [], "E507"),
    "text in a numeric column": (_MEAN, {"d.csv": "y\n1\n2.O\n3\n"}, [], "E508"),
    "empty field": (_MEAN, {"d.csv": "y,x\n1,1\n,2\n"}, [], "E508"),
    "row too short": (_MEAN, {"d.csv": "y,x\n1,1\n2\n"}, [], "E503"),
    "counts that are not whole": (_COUNTS, {"d.csv": "n\n3\n2.5\n"}, [], "E508"),
    "negative counts": (_COUNTS, {"d.csv": "n\n3\n-2\n-1\n"}, [], "E509"),
    "events outside the domain": (_EVENTS, {"d.csv": "x\n0.5\n0.7\n1.2\n"}, [], "E509"),
    "weights that add up to nothing": (
        "data hits = table(\"d.csv\")\nparam a ~ Normal(0, 1)\ntheory shape(x in (0, 1)) = exp(a*x)\n"
        "observe hits ~ Iid(shape, weights = hits.w)\n",
        {"d.csv": "x,w\n0.5,1\n0.7,-1\n"}, [], "E509",
    ),
    "sizes that differ": (_GIVEN, {}, ["--data", "y=[1,2]", "--data", "s=[1,2,3]"], "E506"),
    "a number of another shape": (_GIVEN, {}, ["--data", "y=[[1,2]]", "--data", "s=[1,2]"], "E506"),
    "a scale that is negative": (_GIVEN, {}, ["--data", "y=[1,2]", "--data", "s=[1,-2]"], "E509"),
    "not given": (_GIVEN, {}, ["--data", "y=[1,2]"], "E518"),
    "JSON cut off": (_GIVEN, {"all.json": '{"y": [1, 2], "s": [1,'}, ["--data", "all.json"], "E503"),
    "JSON with null": (_GIVEN, {"all.json": '{"y": [1, null], "s": [1, 1]}'}, ["--data", "all.json"], "E503"),
    "JSON on the command line": (_GIVEN, {}, ["--data", "y=[1,"], "E505"),
    "covariance not positive definite": (
        _JOINT, {}, ["--data", "y=[1,2]", "--data", "C=[[1,2],[2,1]]"], "E511",
    ),
    "covariance not symmetric": (_JOINT, {}, ["--data", "y=[1,2]", "--data", "C=[[1,0.5],[0.4,1]]"], "E511"),
    "label": (
        "index f = up, down\ndata g[N]: f\ndata y[N]\nparam a[f] ~ Normal(0, 1)\nobserve y ~ Normal(a[g], 1)\n",
        {"d.csv": "g,y\nup,1\nupp,2\n"}, ["--data", "g=d.csv", "--data", "y=d.csv"], "E510",
    ),
    "edges of data": (
        "data n[2]: int\ndata edges[3]\nparam c ~ LogNormal(0, 1)\npdf u(x) = c*x\n"
        "observe n ~ Poisson(u |> bins(edges))\n",
        {}, ["--data", "n=[1,2]", "--data", "edges=[0.1,0.5,0.3]"], "E408",
    ),
    "several": (
        _LINE + 'data z = table("d.csv").z\nparam b ~ Normal(0, 1)\nobserve z ~ Normal(b, 1)\n',
        {"d.csv": "x,y,z\n1,nan,1\n2,1,a\n"}, [], "E507 E508",
    ),
}  # fmt: skip

# name: (model, arguments): the density is not finite anywhere that was tried.
NOT_FINITE = {
    "logarithm of a negative prediction": (
        "data x[2]\ndata y[2]\nparam a ~ LogNormal(0, 1)\nobserve y ~ Normal(log(a + x), 1)\n",
        ["--data", "x=[1,-50]", "--data", "y=[1,2]"],
    ),
    "factor": (
        "data y[2]\ndata x\nparam a ~ LogNormal(0, 1)\nobserve y ~ Normal(a, 1)\nfactor f = log(x - a)\n",
        ["--data", "x=-3", "--data", "y=[1,2]"],
    ),
}
