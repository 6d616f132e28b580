"""What the rows promise: names that resolve, imports that stay light, documentation."""

import inspect
import pkgutil
import subprocess
import sys

import pytest

from pdflang.components import BetweenParameters, Constant, Distribution, Function, Parameter, library
from pdflang.ir.ranges import POSITIVE, REAL

FUNCTIONS = [row for row in library if isinstance(row, Function)]
DISTRIBUTIONS = [row for row in library if isinstance(row, Distribution)]


def test_listing_the_library_imports_no_numerics():
    code = (
        "import sys; from pdflang.components import library; library.names(); library.get('no such name');"
        "print(*{'jax', 'numpy', 'scipy'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


def test_installed_extensions_are_sound():
    assert library.problems() == ()


@pytest.mark.parametrize("row", FUNCTIONS, ids=lambda row: row.name)
def test_functions_resolve(row):
    assert callable(pkgutil.resolve_name(row.numpy))
    assert callable(pkgutil.resolve_name(row.jax))
    assert len(row.domain) == len(row.parameters)
    assert set(row.integer_parameters) <= set(row.parameters)


@pytest.mark.parametrize("row", DISTRIBUTIONS, ids=lambda row: row.name)
def test_distributions_resolve(row):
    names = [parameter.name for parameter in row.parameters]
    assert set(row.exactly_one) <= set(names)
    if isinstance(row.support, BetweenParameters):
        assert {end for end in (row.support.lower, row.support.upper) if isinstance(end, str)} <= set(names)
    if row.kind != "plain":
        assert row.meaning is row.reference is None
        return
    meaning = pkgutil.resolve_name(row.meaning)
    assert meaning.discrete == row.discrete
    assert hasattr(meaning, "log_cdf") == hasattr(meaning, "log_sf") == row.has_cdf
    assert hasattr(meaning, "sample") == row.proper == (row.reference is not None)
    taken = [name for name in names if name not in row.exactly_one or name == "scale_tril"]
    assert list(inspect.signature(meaning.log_prob).parameters) == ["y", *taken]
    if row.reference:
        assert list(inspect.signature(pkgutil.resolve_name(row.reference)).parameters) == taken


def test_every_row_is_documented():
    for row in library:
        assert row.documentation.endswith((".", "sigma.")), row.name
        assert len(row.documentation) < 200


def test_reserved_names_are_the_constants():
    assert [row.name for row in library if isinstance(row, Constant)] == ["pi", "inf"]


def test_signatures():
    assert library["Normal"].signature == "Normal(mu, sigma)"
    assert library["MvNormal"].signature == "MvNormal(mu, cov =, scale_tril =, precision =)"


def test_a_distribution_from_outside():
    toy = Distribution(
        "Rayleigh",
        (Parameter("sigma", "scale", POSITIVE),),
        POSITIVE,
        "y/sigma^2 * exp(-(y/sigma)^2/2).",
        meaning="rayleigh_package.Rayleigh",
        reference=None,
        has_cdf=False,
    )
    with library.registered(toy):
        assert library["Rayleigh"] is toy
        assert "Rayleigh" in library.names()
    assert library.get("Rayleigh") is None
    assert toy.support.within(REAL)
