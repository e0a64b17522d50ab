"""Units held against yardsticks, and against themselves a wave ago."""

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

import cxresearch as cx
from cxresearch.checks import InputError
from cxresearch.touchpoints.benchmark_cells import NO_WAVE


@pytest.fixture
def survey():
    """Ten stores in three years; store A falls by a point in the last one, all others stay as they are."""
    rng = np.random.default_rng(2)
    year = np.repeat([2024, 2025, 2026], 600)
    store = np.tile(np.repeat(list("ABCDEFGHIJ"), 60), 3)
    level = 7 + 0.6 * (store == "J") - 1.0 * ((store == "A") & (year == 2026))
    return pd.DataFrame({"store": store, "year": year, "score": level + rng.normal(size=1800)})


TERMS = {"unit": "store", "score": "score"}


def test_a_target_moves_the_interval_by_itself(survey):
    result = cx.benchmark(survey, **TERMS, target=7.2)
    assert set(result.against["against"]) == {"target"}
    both = result.table.merge(result.against, on=["touchpoint", "unit"], suffixes=("", "_held"))
    assert (both["reference"] == 7.2).all()
    np.testing.assert_allclose(both["difference"], both["shrunken"] - 7.2)
    np.testing.assert_allclose(both["ci_low_held"], both["ci_low"] - 7.2)
    np.testing.assert_allclose(both["ci_high_held"], both["ci_high"] - 7.2)
    assert both.set_index("unit").loc["J", "signal_held"] == "above"


def test_the_network_is_the_mean_of_all_and_the_best_quarter_what_a_quarter_exceeds(survey):
    more = pd.concat([survey, survey[survey["store"] == "J"]])
    found = cx.benchmark(more, **TERMS, against=["network", "best_quarter"]).against
    held = found.set_index(["against", "unit"])
    assert held.loc["network", "reference"].iloc[0] == pytest.approx(more["score"].mean(), abs=0.01)
    low = cx.benchmark(survey, **TERMS, against=["best_quarter"], better="low").against
    high = cx.benchmark(survey, **TERMS, against=["best_quarter"]).against
    assert low["reference"].iloc[0] < survey["score"].mean() < high["reference"].iloc[0]
    assert (high["difference"] < 0).sum() >= 6


def test_a_yardstick_of_the_network_is_surer_than_two_units(survey):
    result = cx.benchmark(survey, **TERMS, against=["network"])
    width = (result.against["ci_high"] - result.against["ci_low"]).mean()
    own = (result.table["ci_high"] - result.table["ci_low"]).mean()
    assert 0.7 * own < width < 1.2 * own


def test_rates_are_held_against_a_target_in_their_own_scale():
    rates = pd.DataFrame({"hall": list("ABCD"), "solved": [90.0, 50, 80, 85], "cases": [100, 120, 80, 200]})
    result = cx.benchmark(rates, unit="hall", score="solved", n="cases", target=75)
    held = result.against.set_index("unit")
    assert held.loc["B", "signal"] == "below"
    shrunken = result.table.set_index("unit")["shrunken"]
    np.testing.assert_allclose(held["difference"], shrunken.loc[held.index] - 75)


def test_yardsticks_change_nothing_else(survey):
    plain = cx.benchmark(survey, **TERMS)
    held = cx.benchmark(survey, **TERMS, against=["network", "best_quarter"], target=7)
    pd.testing.assert_frame_equal(plain.table, held.table)
    assert plain.against.empty
    assert plain.changes.empty
    assert list(plain.against) == list(held.against)


def test_what_changed_is_found_and_what_did_not_is_not(survey):
    result = cx.benchmark(survey, **TERMS, wave="year")
    last = result.changes[result.changes["wave_to"] == 2026].set_index("unit")
    assert last.loc["A", "signal"] == "down"
    assert last.loc["A", "ci_low"] < -1 < last.loc["A", "ci_high"]
    assert (last.drop("A")["signal"] == "unclear").all()
    assert result.table.set_index("unit").loc["A", "n"] == 60
    assert result.sample.used == 1800
    assert result.sample.counts["waves"] == 3
    before = cx.benchmark(survey[survey["year"] == 2026], **TERMS).table
    pd.testing.assert_frame_equal(result.table, before)


def test_the_change_of_one_touchpoint_matches_scipy():
    rng = np.random.default_rng(1)
    two = pd.DataFrame({"store": ["A"] * 90 + ["B"] * 90, "year": [1] * 40 + [2] * 50 + [1] * 45 + [2] * 45})
    two["score"] = rng.normal(size=180)
    # with one store's answers constant within a wave the pooled variance is not the store's own: make both alike
    two.loc[two["store"] == "B", "score"] = np.nan
    two.loc[90:91, "score"], two.loc[135:136, "score"] = 0.0, 0.0
    found = cx.benchmark(two, **TERMS, wave="year", min_n=2).changes.set_index("unit").loc["A"]
    first, second = (two.loc[(two["store"] == "A") & (two["year"] == y), "score"] for y in (1, 2))
    s = [np.sqrt((v.var() * (len(v) - 1)) / (len(v) - 1 + 1)) for v in (first, second)]  # one more degree from B
    se = np.hypot(s[0] / np.sqrt(40), s[1] / np.sqrt(50))
    assert found["se"] == pytest.approx(se)
    df = se**4 / (s[0] ** 4 / 40**2 / 40 + s[1] ** 4 / 50**2 / 50)
    change = second.mean() - first.mean()
    assert found["ci_low"] == pytest.approx(change - stats.t.ppf(0.975, df) * se)
    assert found["p_value"] == pytest.approx(2 * stats.t.sf(abs(change / se), df))


def test_the_change_of_a_rate_matches_statsmodels():
    rates = pd.DataFrame(
        {
            "hall": ["A", "B"] * 2,
            "year": [1, 1, 2, 2],
            "solved": [0.9, 0.5, 0.8, 0.65],
            "cases": [100, 120, 150, 80],
        }
    )
    found = cx.benchmark(rates, unit="hall", score="solved", n="cases", wave="year").changes.set_index("unit")
    for hall, counts, cases in (("A", (120, 90), (150, 100)), ("B", (52, 60), (80, 120))):
        low, high = confint_proportions_2indep(counts[0], cases[0], counts[1], cases[1], method="newcomb")
        np.testing.assert_allclose(found.loc[hall, ["ci_low", "ci_high"]].astype(float), [low, high], atol=1e-9)
        assert found.loc[hall, "p_value"] == pytest.approx(proportions_ztest(counts, cases)[1])


@pytest.mark.parametrize("kind", [pl.from_pandas, duckdb.from_df])
def test_waves_in_any_frame(survey, kind):
    gaps = survey.assign(year=survey["year"].where(survey.index % 50 > 0), w=1 + survey.index % 3)
    ours = cx.benchmark(kind(gaps), **TERMS, wave="year", weight="w")
    theirs = cx.benchmark(gaps, **TERMS, wave="year", weight="w")
    pd.testing.assert_frame_equal(ours.changes, theirs.changes, rtol=1e-10, check_dtype=False)
    assert ours.sample == theirs.sample
    assert dict(theirs.sample.dropped)[NO_WAVE] == 36


def test_waves_and_yardsticks_that_cannot_be_are_refused(survey):
    with pytest.raises(InputError, match="holds 1 wave"):
        cx.benchmark(survey[survey["year"] == 2024], **TERMS, wave="year")
    mixed = survey["year"].astype(object).where(survey.index > 5, "now")
    with pytest.raises(InputError, match="no order"):
        cx.benchmark(survey.assign(year=mixed), **TERMS, wave="year")
    with pytest.raises(InputError, match="wave='yeer': no such column"):
        cx.benchmark(survey, **TERMS, wave="yeer")
    with pytest.raises(InputError, match="wave='yeer': no such column"):
        cx.benchmark(pl.from_pandas(survey), **TERMS, wave="yeer")
    with pytest.raises(InputError, match=r"against='netwrok' is not known.*'network'"):
        cx.benchmark(survey, **TERMS, against=["netwrok"])
    with pytest.raises(InputError, match="give a list"):
        cx.benchmark(survey, **TERMS, against="network")
    with pytest.raises(InputError, match="must be a number"):
        cx.benchmark(survey, **TERMS, target=float("nan"))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_words_hold_the_numbers(survey, language):
    result = cx.benchmark(survey, **TERMS, wave="year", against=["network"], target=7.2)
    change = result.changes[result.changes["wave_to"] == 2026].set_index("unit")["change"]
    said = str(result.change_text(language, focus="A"))
    assert f"−{abs(change['A']):.2f}" in said
    assert "2025" in said
    assert "2026" in said
    held = str(result.held_text(language, focus="A"))
    assert "7.20" in held
    assert f"{result.against['reference'].iloc[0]:.2f}" in held
    nothing = cx.benchmark(survey, **TERMS)
    assert nothing.held_text(language)
    assert nothing.change_text(language)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_figure_of_changes_draws_every_unit(survey, language):
    figure = cx.benchmark(survey, **TERMS, wave="year").plot(language, kind="changes", focus="A")
    labels = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert sorted(labels) == list("ABCDEFGHIJ")
    with pytest.raises(InputError, match="no waves to compare"):
        cx.benchmark(survey, **TERMS).plot(language, kind="changes")
