"""Carry-over: known truth found, undefined said, groups and eras compared, words that hold the numbers."""

import numpy as np
import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.checks import InputError

TRUTH = {
    "mean_lag": 1.0, "median_lag": 1 / 3, "share_lag": 2.0, "horizon": 3.0, "duration": 4.0, "total_effect": 1.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def columns():
    return {"unit": "customer", "period": "year", "outcome": "loyalty", "driver": "satisfaction"}


@pytest.fixture(scope="module")
def simulated():
    return cx.simulate.panel(customers=3000, noise=0.7)


@pytest.fixture(scope="module")
def found(simulated, columns):
    return cx.carry_over(simulated[0], **columns, max_lag=6, group="community")


def with_effects(effects, units=400, years=9, noise=0.5, seed=1, **more):
    """A panel whose past is simulated too."""
    rng = np.random.default_rng(seed)
    before = len(effects) - 1
    x = rng.normal(size=(units, years + before))
    y = noise * rng.normal(size=(units, years))
    y += sum(b * x[:, before - lag : before - lag + years] for lag, b in enumerate(effects))
    unit, year = (axis.ravel() for axis in np.indices((units, years)))
    frame = {"customer": unit, "year": 2010 + year, "satisfaction": x[:, before:].ravel(), "loyalty": y.ravel()}
    return pd.DataFrame(frame | more)


def test_noise_free_panel_gives_its_quantities_back(panel, columns):
    result = cx.carry_over(panel(units=80, share=0.95), **columns, max_lag=5)
    assert list(result.table.columns) == ["quantity", "estimate", "ci_low", "ci_high"]
    assert result.table["quantity"].tolist() == list(TRUTH)
    for name, value in TRUTH.items():
        np.testing.assert_allclose(result.ranges[name], value, atol=1e-6)


def test_simulated_truth_lies_in_the_intervals(found, simulated):
    truth = found.truth_of(simulated[1]["effects"])
    assert truth == pytest.approx(TRUTH)
    for name in ("mean_lag", "horizon", "duration", "total_effect"):
        assert truth[name] == pytest.approx(simulated[1][name])
    for name, (estimate, low, high) in found.ranges.items():
        assert low <= estimate <= high
        assert low <= truth[name] <= high
    assert found.horizons.loc[found.horizons["chosen"], "horizon"].tolist() == [3]


def test_effects_are_those_of_distributed_lags(found, simulated, columns):
    lags = cx.distributed_lags(simulated[0], **columns, lags=6)
    pd.testing.assert_frame_equal(found.lags, lags.table)
    assert found.ranges["total_effect"][0] == pytest.approx(lags.table["cumulative"].iloc[-1])
    # the bootstrap interval of the sum is close to the clustered one
    last = lags.table.iloc[-1]
    wide = last["cumulative_ci_high"] - last["cumulative_ci_low"]
    assert np.ptp(found.ranges["total_effect"][1:]) == pytest.approx(wide, rel=0.12)


def test_verdict_follows_from_the_interval_of_the_duration(found):
    _, low, high = found.ranges["duration"]
    assert found.verdict(duration=2) == "contradicted"
    assert found.verdict(duration=4) == ("supported" if low == high else "undecided")


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(2.1, 2.9, "supported"), (0.5, 1.9, "contradicted"), (1.5, 2.5, "undecided"), (3.1, 4.0, "contradicted")],
)
def test_verdict_on_building_up_follows_from_the_interval_of_the_share(found, low, high, said):
    from dataclasses import replace

    table = found.table.copy()
    table.loc[table["quantity"] == "share_lag", ["ci_low", "ci_high"]] = [low, high]
    assert replace(found, table=table).verdict_built(periods=4) == said


def test_a_group_too_small_to_compare_is_said(columns):
    frame = with_effects([0.5, 0.3], units=100).assign(group="rest")
    frame.loc[frame["customer"] == 0, "group"] = "tiny"
    result = cx.carry_over(frame, **columns, max_lag=2, group="group", bootstraps=100)
    assert result.text(focus="tiny").startswith("tiny and the others cannot be compared")
    assert result.plot(focus="tiny") is not None


def test_mixed_signs_leave_the_mean_undefined_and_say_why(columns):
    result = cx.carry_over(with_effects([0.6, 0.0, -0.2]), **columns, max_lag=4, bootstraps=200)
    assert np.isnan([result.ranges[name] for name in ("mean_lag", "median_lag", "share_lag")]).all()
    assert result.ranges["horizon"][0] == 2
    assert "both signs" in result.remarks()
    assert "正" in result.remarks("zh")
    assert "cannot be said" in result.text()


def test_no_effect_is_said(columns):
    result = cx.carry_over(with_effects([0.0], units=200, seed=2), **columns, max_lag=3, bootstraps=200)
    assert result.ranges["duration"][:2] == (0.0, 0.0)
    assert np.isnan(result.ranges["mean_lag"][0])
    assert result.text().startswith("No effect of satisfaction on loyalty is found")
    assert result.text("zh").startswith("没有发现")


def test_as_many_lags_as_units_leave_the_horizon_undefined(columns):
    result = cx.carry_over(with_effects([0.5], units=5, years=14), **columns, max_lag=4, bootstraps=200)
    assert np.isnan(result.ranges["duration"]).all()
    assert "too few" in result.text()
    assert result.verdict(duration=4) == "undecided"


def test_horizon_at_the_longest_lag_is_open(columns):
    result = cx.carry_over(with_effects([0.5, 0.5, 0.5]), **columns, max_lag=2, bootstraps=200)
    assert "3 to 3 or more" in result.text()
    assert "may last longer" in result.remarks()


def test_groups_differ_by_the_difference_of_their_horizons(columns):
    short, long = with_effects([0.6, 0.4]), with_effects([0.5, 0.4, 0.4, 0.3], seed=2)
    long["customer"] += 1000
    frame = pd.concat([short.assign(market="open"), long.assign(market="closed")])
    result = cx.carry_over(frame, **columns, max_lag=4, group="market", smallest=0.15, bootstraps=300)
    table = result.compare("open", "closed").set_index(["part", "quantity"])
    assert table.loc[("first", "duration"), "estimate"] == 2
    assert table.loc[("second", "duration"), "estimate"] == 4
    assert tuple(table.loc[("difference", "duration"), ["estimate", "ci_low", "ci_high"]]) == (-2, -2, -2)
    low, high = table.loc[("difference", "mean_lag"), ["ci_low", "ci_high"]]
    assert low < 0.4 - np.average(range(4), weights=[0.5, 0.4, 0.4, 0.3]) < high
    assert result.text(focus="open").startswith("In open an improvement is felt for about 2 years")
    assert "2 年" in result.text("zh", focus="open")


def test_eras_of_the_same_customers_are_compared(columns):
    frame = with_effects([0.6, 0.4], years=14)
    frame["era"] = np.where(frame["year"] < 2018, "before", "after")
    result = cx.carry_over(frame, **columns, max_lag=2, group="era", smallest=0.15, bootstraps=300)
    apart = result.compare("after", "before").query("part == 'difference'").set_index("quantity")
    assert apart.loc["duration", "estimate"] == 0
    assert apart.loc["total_effect", "ci_low"] < 0 < apart.loc["total_effect", "ci_high"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_text_holds_the_numbers(found, language):
    text = found.text(language)
    duration, total = found.ranges["duration"], found.ranges["total_effect"]
    year = "years" if language == "en" else "年"
    assert f"{duration[0]:.0f} {year}" in text
    assert {"en": "(4 alone)", "zh": "（区间只含 4 年）"}[language] in text
    assert all(number in text for number in (f"{total[0]:.2f}", "12,000", "3,000"))


@pytest.mark.parametrize(
    ("low", "high", "en", "zh"),
    [
        (3, 5, "for about 4 years (3 to 5), counting the current year", "持续约 4 年（3 至 5 年），含当年"),
        (4, 7, "for about 4 years (4 to 7 or more)", "持续约 4 年（4 至 7 年或更久）"),
        (4, 4, "for about 4 years (4 alone)", "持续约 4 年（区间只含 4 年）"),
    ],
)
def test_a_manager_reads_for_how_long(found, low, high, en, zh):
    from dataclasses import replace

    table = found.table.copy()
    table.loc[table["quantity"] == "duration", ["ci_low", "ci_high"]] = [low, high]
    told = replace(found, table=table)
    assert told.text().startswith(f"An improvement in satisfaction is felt in loyalty {en}")
    assert told.text("zh").startswith(f"满意度的改善对忠诚度的影响{zh}")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_plot_and_readable_speak_both_languages(found, language):
    figure = found.plot(language, truth=[0.4, 0.3, 0.2, 0.1], focus="C1")
    assert found.ranges["duration"][0] == 4
    assert ("4 years" if language == "en" else "4 年") in figure.axes[0].get_title(loc="left")
    shown = found.readable(language, truth=TRUTH).frame
    assert shown.shape == (6, 5)
    assert "90 %" in " ".join(map(str, shown.iloc[:, 0]))


def test_rows_in_any_order_and_other_names_change_nothing(simulated, columns):
    frame = simulated[0].query("customer <= 300")
    one = cx.carry_over(frame, **columns, max_lag=3, bootstraps=200)
    shuffled = frame.sample(frac=1, random_state=1).rename(columns={"loyalty": "忠诚", "satisfaction": "estimate"})
    before = shuffled.copy()
    two = cx.carry_over(shuffled, **columns | {"outcome": "忠诚", "driver": "estimate"}, max_lag=3, bootstraps=200)
    pd.testing.assert_frame_equal(shuffled, before)
    for name in ("horizon", "duration", "mean_lag", "total_effect"):
        assert one.ranges[name][0] == pytest.approx(two.ranges[name][0])
    assert one.sample.used + sum(n for _, n in one.sample.dropped) == len(frame)


def test_same_seed_same_answer(simulated, columns):
    frame = simulated[0].query("customer <= 100")
    one, two, three = (cx.carry_over(frame, **columns, max_lag=2, bootstraps=100, seed=s).table for s in (1, 1, 2))
    pd.testing.assert_frame_equal(one, two)
    assert not one.equals(three)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"share": 1.0}, "share=1.0 must lie between 0 and 1"),
        ({"share": True}, "share=True must lie between 0 and 1"),
        ({"smallest": 0}, "smallest=0 must be above 0"),
        ({"bootstraps": 10}, "bootstraps=10 is too few for an interval; take 100 or more"),
        ({"max_lag": -1}, "max_lag=-1 must be a whole number from 0 upwards"),
        ({"driver": ["satisfaction", "customer"]}, "driver must name one column; several together: process_carry_over"),
        ({"driver": "satisfacton"}, "did you mean 'satisfaction'"),
        ({"effects": "both"}, "effects='both' is not known"),
        ({"seed": -1}, "seed=-1 must be a whole number"),
    ],
)
def test_refusals(panel, columns, given, message):
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        cx.carry_over(panel(), **columns | {"max_lag": 2} | given)


def test_refusals_of_comparisons(found, columns, panel):
    with pytest.raises(InputError, match="compare needs groups"):
        cx.carry_over(panel(), **columns, max_lag=2, bootstraps=100).compare("C1")
    with pytest.raises(InputError, match="did you mean 'C1'"):
        found.compare("c1 ")
    with pytest.raises(InputError, match="cannot be compared with itself"):
        found.compare("C1", "C1")


@pytest.mark.parametrize("effects", ["two-way", "unit", "none"])
def test_weights_and_covariates_are_those_of_distributed_lags(panel, columns, effects):
    frame = panel(units=150, noise=1.0, share=0.95).reset_index(drop=True)
    rng = np.random.default_rng(6)
    frame = frame.assign(price=rng.normal(size=len(frame)), w=rng.uniform(0.5, 3, len(frame)))
    frame["loyalty"] += 0.7 * frame["price"]
    held = {"weights": "w", "covariates": ["price"], "effects": effects}
    lags = cx.distributed_lags(frame, **columns, **held, lags=3)
    found = cx.carry_over(frame, **columns, **held, max_lag=3, bootstraps=400)
    pd.testing.assert_frame_equal(found.lags, lags.table)
    last = lags.table.iloc[-1]
    total = found.ranges["total_effect"]
    assert total[0] == pytest.approx(last["cumulative"])
    assert total[2] - total[1] == pytest.approx(last["cumulative_ci_high"] - last["cumulative_ci_low"], rel=0.25)
    many = cx.process_carry_over(
        frame, **{k: v for k, v in columns.items() if k != "driver"}, **held, drivers=["satisfaction"], max_lag=3,
        bootstraps=400,
    )  # fmt: skip
    pd.testing.assert_frame_equal(many.details.drop(columns="driver"), found.table)
