"""The measured fit of `examples/dis` by plain NumPy, against numbers that an independent program computed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import beta

import pdflang
from pdflang.components.flavours import FLAVOURS, evolution_rotation
from pdflang.data.commondata import CommonData, commondata_columns, read_commondata
from pdflang.data.context import DataContext
from pdflang.data.fktable import MatchedTable, match_rows, read_fk
from pdflang.data.matrix_checks import check_covariance

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "dis"
SETS = ("BCDMS_NC_NOTFIXED_P_EM-F2", "BCDMS_NC_NOTFIXED_D_EM-F2")
TABLES = ("bcdms_p_f2.npz", "bcdms_d_f2.npz")
CONTEXT = DataContext("bcdms")

# The constants of the earlier fit that serves as t0.
T0 = SimpleNamespace(
    a_uv=0.912, b_uv=3.595, e_uv=0.211, a_dv=0.849, b_dv=5.125,
    a_g=-0.512, b_g=7.722, c_s=0.904, a_s=-0.110, b_s=8.892,
)  # fmt: skip


def sum_rules(c: SimpleNamespace) -> tuple[float, float, float]:
    """A_uv, A_dv and A_g: ∫ x^(a−1) (1−x)^b dx = B(a, b + 1)."""
    a_uv = 2 / (beta(c.a_uv, c.b_uv + 1) + c.e_uv * beta(c.a_uv + 2, c.b_uv + 1))
    a_dv = 1 / beta(c.a_dv, c.b_dv + 1)
    up = a_uv * (beta(c.a_uv + 1, c.b_uv + 1) + c.e_uv * beta(c.a_uv + 3, c.b_uv + 1))
    down = a_dv * beta(c.a_dv + 1, c.b_dv + 1)
    sea = c.c_s * beta(c.a_s + 1, c.b_s + 1)
    return a_uv, a_dv, (1 - up - down - sea) / beta(c.a_g + 1, c.b_g + 1)


def proton(c: SimpleNamespace, x: np.ndarray) -> np.ndarray:
    """Momentum densities x·f at `x`, (flavours, nx)."""
    a_uv, a_dv, a_g = sum_rules(c)
    up = a_uv * x**c.a_uv * (1 - x) ** c.b_uv * (1 + c.e_uv * x**2)
    down = a_dv * x**c.a_dv * (1 - x) ** c.b_dv
    sea = c.c_s * x**c.a_s * (1 - x) ** c.b_s
    gluon = a_g * x**c.a_g * (1 - x) ** c.b_g
    by_flavour = {
        "g": gluon, "u": up + 0.2 * sea, "ubar": 0.2 * sea, "d": down + 0.2 * sea, "dbar": 0.2 * sea,
        "s": 0.1 * sea, "sbar": 0.1 * sea,
    }  # fmt: skip
    return np.array([by_flavour.get(flavour, np.zeros_like(x)) for flavour in FLAVOURS])


@pytest.fixture(scope="module")
def data() -> CommonData:
    everything = read_commondata(SETS, "legacy", [EXAMPLE], CONTEXT)
    return everything.select((everything.kinematics["Q2"] > 3.49) & (everything.kinematics["W2"] > 12.5))


@pytest.fixture(scope="module")
def theory(data: CommonData) -> tuple[MatchedTable, ...]:
    return match_rows([read_fk(EXAMPLE / name, CONTEXT) for name in TABLES], data, CONTEXT)


@pytest.fixture(scope="module")
def prediction(theory: tuple[MatchedTable, ...]) -> np.ndarray:
    rotation = evolution_rotation()
    return np.concatenate(
        [np.einsum("dka,ka->d", table.fk, rotation @ proton(T0, table.xgrid)) for table in theory]
    )


def chi2(data: CommonData, prediction: np.ndarray, covariance: np.ndarray) -> float:
    whitened = np.linalg.solve(
        check_covariance(covariance, CONTEXT, data.row_name), data.central - prediction
    )
    return float(whitened @ whitened)


def test_gluon_from_the_momentum_sum_rule() -> None:
    # The independent program printed 0.648908; the exact Beta integrals give 0.6489086.
    assert sum_rules(T0)[2] == pytest.approx(0.648908, abs=1e-6)


def test_rows(data: CommonData) -> None:
    assert [len(data.rows_of(name)) for name in SETS] == [337, 250]
    assert commondata_columns(SETS, [EXAMPLE], CONTEXT) == tuple(data.kinematics) == ("x", "Q2", "y", "W2")


def test_first_predictions(data: CommonData, prediction: np.ndarray) -> None:
    proton_rows, deuteron_rows = (prediction[data.rows_of(name)][:3] for name in SETS)
    np.testing.assert_allclose(proton_rows, [0.38974551, 0.39285156, 0.38935332], rtol=0, atol=5e-9)
    np.testing.assert_allclose(deuteron_rows, [0.35664257, 0.35919098, 0.34541945], rtol=0, atol=5e-9)


def test_chi2_with_the_t0_covariance(data: CommonData, prediction: np.ndarray) -> None:
    assert chi2(data, prediction, data.covariance(prediction)) == pytest.approx(656.4690, abs=5e-5)


def test_chi2_with_the_experimental_covariance(data: CommonData, prediction: np.ndarray) -> None:
    assert chi2(data, prediction, data.covariance()) == pytest.approx(671.6068, abs=5e-5)


@pytest.mark.parametrize(("name", "expected"), [(SETS[0], 364.0159), (SETS[1], 290.4960)])
def test_chi2_of_one_target(data: CommonData, prediction: np.ndarray, name: str, expected: float) -> None:
    alone = data.set_index == SETS.index(name)
    one = data.select(alone)
    assert chi2(one, prediction[alone], one.covariance(prediction[alone])) == pytest.approx(
        expected, abs=5e-5
    )


def test_the_two_targets_share_named_errors(data: CommonData, prediction: np.ndarray) -> None:
    """Special names correlate the sets: the block off the diagonal is not zero."""
    covariance = data.covariance(prediction)
    block = covariance[np.ix_(data.rows_of(SETS[0]), data.rows_of(SETS[1]))]
    assert np.abs(block).min() > 0
    assert np.array_equal(covariance, covariance.T)


def test_order_of_the_sets_does_not_matter(data: CommonData) -> None:
    swapped = read_commondata(SETS[::-1], "legacy", [EXAMPLE], CONTEXT)
    swapped = swapped.select((swapped.kinematics["Q2"] > 3.49) & (swapped.kinematics["W2"] > 12.5))
    order = np.concatenate([swapped.rows_of(name) for name in SETS])
    np.testing.assert_allclose(swapped.covariance()[np.ix_(order, order)], data.covariance(), rtol=1e-14)


def test_multiplicative_errors_of_measured_values_are_told() -> None:
    text = (EXAMPLE / "model.pdfm").read_text()
    assert not pdflang.loads(text, folder=EXAMPLE).notes
    experimental = text.replace("bcdms.covariance(t0 = t0.proton |> F2)", "bcdms.covariance")
    (note,) = pdflang.loads(experimental, folder=EXAMPLE).notes
    assert "multiplicative" in note and "bcdms.covariance(t0 = earlier(…))" in note
    named = text.replace("t0 = t0.proton |> F2", "t0 = before") + "let before = t0.proton |> F2\n"
    assert not pdflang.loads(named, folder=EXAMPLE).notes
