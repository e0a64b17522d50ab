"""Reasons, flocks and silent drop-out: hand counts, peers, known truth, refusals, sentences."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.survfunc import CumIncidenceRight

import cxresearch as cx
from cxresearch.checks import InputError
from cxresearch.numerics import proportions

NAMES = {"unit": "customer", "period": "year", "left": "left"}
UNMET = ["unstable product", "weak service culture", "no innovation", "account manager left"]


@pytest.fixture(scope="module")
def simulated():
    return cx.simulate.leaving(customers=2000, years=8)


@pytest.fixture(scope="module")
def reasons(simulated):
    return cx.leaving_reasons(simulated[0], **NAMES, reason="reason", unmet=UNMET)


@pytest.fixture(scope="module")
def flocking():
    return cx.simulate.leaving(customers=2500, years=8, contagion=0.06)


@pytest.fixture(scope="module")
def flocks(flocking):
    return cx.leaving_clusters(
        flocking[0], **NAMES, group="community", satisfaction="satisfaction", threshold=5, covariates=["loyalty"]
    )


@pytest.fixture(scope="module")
def gone(simulated):
    return cx.attrition(simulated[0], **NAMES, satisfaction="satisfaction")


def reasoned(counts):
    """Customers seen once, so many of whom leave for each reason; None stays."""
    told = [reason for reason, n in counts.items() for _ in range(n)]
    return pd.DataFrame(
        {
            "customer": range(len(told)),
            "year": 2020,
            "left": [int(reason is not None) for reason in told],
            "reason": pd.array(told, dtype="str"),
        }
    )


# reasons


def test_one_period_gives_plain_shares_by_hand():
    result = cx.leaving_reasons(reasoned({"price": 6, "service": 3, "": 1, None: 10}), **NAMES, reason="reason")
    table = result.table.set_index("reason")
    assert table["left"].to_dict() == {"price": 6, "service": 3, "not stated": 1}
    assert table["estimate"].to_dict() == pytest.approx({"price": 0.3, "service": 0.15, "not stated": 0.05})
    low, high = proportions.interval(6.0, 20.0, 0.95)
    assert table.loc["price", "ci_low"] == pytest.approx(float(low))
    assert table.loc["price", "ci_high"] == pytest.approx(float(high))
    assert result.shares["share"].tolist() == pytest.approx([6 / 9, 3 / 9])
    assert "1 of 10 leavers gave no reason" in result.remarks()


def test_incidence_matches_statsmodels(reasons, simulated):
    last = simulated[0].groupby("customer").last()
    first = simulated[0].groupby("customer")["year"].first()
    duration = (last["year"] - first + 1).to_numpy()
    named = last["reason"].fillna("not stated").where(last["left"] == 1)
    labels = list(dict.fromkeys(reasons.table["reason"]))
    status = named.map({name: i + 1 for i, name in enumerate(labels)}).fillna(0).astype(int).to_numpy()
    peer = CumIncidenceRight(duration, status)
    for i, name in enumerate(labels):
        own = reasons.table[reasons.table["reason"] == name]
        np.testing.assert_allclose(own["estimate"], peer.cinc[i], atol=1e-12)
        np.testing.assert_allclose(own["se"], peer.cinc_se[i], atol=1e-12)


def test_recovers_the_shares_it_was_simulated_with(reasons, simulated):
    shares = reasons.shares.set_index("reason")
    for name, truth in simulated[1]["reasons"].items():
        half = shares.loc[name, "ci_high"] - shares.loc[name, "ci_low"]
        assert abs(shares.loc[name, "share"] - truth) < half
    assert shares.index[0] == "unmet needs"
    assert shares.loc["unmet needs", "share"] == pytest.approx(shares.loc[UNMET, "share"].sum())


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ({"need": 60, "price": 20, "moved": 20}, "supported"),
        ({"need": 10, "price": 60, "moved": 30}, "contradicted"),
        ({"need": 30, "price": 28, "moved": 5}, "undecided"),
        ({"need": 30}, "supported"),
    ],
)
def test_the_chief_reason_is_decided_by_intervals(counts, verdict):
    result = cx.leaving_reasons(reasoned(counts | {None: 50}), **NAMES, reason="reason", unmet=["need"])
    assert result.verdict() == verdict


def test_clusters_widen_the_intervals_of_reasons():
    frame, _ = cx.simulate.leaving(customers=1500, years=5, contagion=0.2)
    plain = cx.leaving_reasons(frame, **NAMES, reason="reason")
    wide = cx.leaving_reasons(frame, **NAMES, reason="reason", cluster="community")
    assert wide.at()["se"].sum() > 1.15 * plain.at()["se"].sum()


def test_reasons_refuse_what_they_cannot_use(simulated):
    frame = simulated[0]
    with pytest.raises(InputError, match=r"nobody gave that reason .did you mean 'price'"):
        cx.leaving_reasons(frame, **NAMES, reason="reason", unmet=["prize"])
    with pytest.raises(InputError, match="no leaver gives a reason"):
        cx.leaving_reasons(frame.assign(reason=None), **NAMES, reason="reason")
    with pytest.raises(InputError, match="different values; sort them into at most 30"):
        cx.leaving_reasons(frame.assign(reason=frame.index.astype(str)), **NAMES, reason="reason")
    with pytest.raises(InputError, match="unmet names no reason"):
        cx.leaving_reasons(frame, **NAMES, reason="reason").verdict()
    result = cx.leaving_reasons(frame, **NAMES, reason="reason")
    with pytest.raises(InputError, match="choose rows with where"):
        result.text(focus="C01")
    with pytest.raises(InputError, match="periods run from 1 to 8"):
        result.at(9)


def test_reasons_say_their_numbers_in_both_languages(reasons, simulated):
    share = f"{100 * reasons.shares['share'].iloc[0]:.0f} %"
    assert f"Of those who said why they left, {share} (" in reasons.text()
    assert f"说明原因的流失者中，{share}（" in reasons.text("zh")
    assert "the commonest other reason is price" in reasons.text()
    assert "产品质量不稳定" in reasons.text("zh")
    assert "2,000 customers" in reasons.text()
    shown = reasons.readable("zh", truth=simulated[1]["reasons"]).frame
    assert "需求未满足（合计）" in shown.iloc[0].tolist()
    assert cx.leaving_reasons(simulated[0], **NAMES, reason="reason").text().startswith("Single reasons: ")


# flocks


def test_flocks_are_found_where_they_are(flocks, flocking):
    last = flocks.table.iloc[-1]
    assert last["ci_low"] < flocking[1]["pair_correlation"] < last["ci_high"]
    assert last["p_value"] < 0.001
    assert flocks.verdict() == "supported"
    assert flocks.table["held"].tolist() == ["nothing", "period", "period and group", "everything"]


def test_no_flocks_are_seen_where_there_are_none():
    frame, _ = cx.simulate.leaving(customers=2000, years=8, contagion=0.0)
    result = cx.leaving_clusters(frame, **NAMES, group="community")
    last = result.table.iloc[-1]
    assert last["ci_low"] < 0 < last["ci_high"]
    assert last["p_value"] > 0.05
    assert result.verdict() == "contradicted"
    assert result.table["held"].tolist() == ["nothing", "period", "period and group"]
    assert any("Dissatisfaction is not held constant" in note.en for note in result.notes)


def test_bad_communities_and_bad_years_are_no_flocks():
    rng = np.random.default_rng(7)
    community, year = (axis.ravel() for axis in np.indices((40, 8)))
    chance = 1 / (1 + np.exp(2.5 - rng.normal(0, 0.7, 40)[community] - rng.normal(0, 0.5, 8)[year]))
    cells = pd.DataFrame({"community": community, "year": 2010 + year, "chance": chance})
    frame = cells.loc[cells.index.repeat(30)].reset_index(drop=True)
    frame["customer"] = frame.index  # each seen once: nobody's past matters
    frame["left"] = (rng.random(len(frame)) < frame["chance"]).astype(int)
    table = cx.leaving_clusters(frame, **NAMES, group="community").table.set_index("held")
    assert table.loc["nothing", "p_value"] < 1e-6
    assert table.loc["period", "p_value"] < 1e-6
    assert table.loc["period and group", "p_value"] > 0.05


def test_what_a_correlation_means_is_arithmetic(flocks):
    rho, told = flocks.table["estimate"].iloc[-1], flocks.spread
    assert told["chance_if_one_leaves"] == pytest.approx(told["chance"] + rho * (1 - told["chance"]))
    assert told["swing"] == pytest.approx(np.sqrt(1 + flocks.size * rho))
    sizes = flocks.table["pairs"].iloc[0] * 2 / flocks.sample.used
    assert flocks.size == pytest.approx(sizes)


def test_flocks_do_not_depend_on_names_or_order(flocks, flocking):
    frame = flocking[0].sample(frac=1, random_state=2)
    frame["community"] = "小区" + frame["community"].str[::-1]
    before = frame.copy()
    again = cx.leaving_clusters(
        frame, **NAMES, group="community", satisfaction="satisfaction", threshold=5, covariates=["loyalty"]
    )
    numbers = ["estimate", "se", "ci_low", "ci_high", "p_value", "pairs", "n"]
    np.testing.assert_allclose(again.table[numbers], flocks.table[numbers], rtol=1e-7)
    pd.testing.assert_frame_equal(frame, before)


def test_flocks_refuse_what_they_cannot_use(simulated):
    frame = simulated[0]
    with pytest.raises(InputError, match="at least two groups"):
        cx.leaving_clusters(frame.assign(community="one"), **NAMES, group="community")
    with pytest.raises(InputError, match="no two units share a group and period"):
        cx.leaving_clusters(frame.assign(alone=frame["customer"]), **NAMES, group="alone")
    with pytest.raises(InputError, match="go together"):
        cx.leaving_clusters(frame, **NAMES, group="community", threshold=5)
    with pytest.raises(InputError, match="determine each other"):
        cx.leaving_clusters(frame.assign(y=frame["year"]), **NAMES, group="community", covariates=["y"])
    with pytest.raises(InputError, match="smallest=0"):
        cx.leaving_clusters(frame, **NAMES, group="community").verdict(smallest=0)
    few = frame[frame["community"].isin(["C01", "C02", "C03"])]
    assert "3 groups in 'community' are few" in cx.leaving_clusters(few, **NAMES, group="community").remarks()


def test_flocks_say_what_they_mean_in_both_languages(flocks):
    told = flocks.spread
    assert f"a chance of {100 * told['chance_if_one_leaves']:.0f} % (" in flocks.text()
    assert "they leave in flocks" in flocks.text()
    assert "确有成群流失" in flocks.text("zh")
    assert "小区" in flocks.text("zh")
    assert "相关" in flocks.readable("zh").frame.columns


# drop-out


def test_drop_out_is_counted_by_hand():
    rows = [
        ("a", 2010, 5, 0), ("a", 2011, 4, 0), ("a", 2012, 5, 0),  # there to the end
        ("b", 2010, 2, 0), ("b", 2012, 3, 0),  # a gap is no drop-out
        ("c", 2010, 1, 0),  # vanishes
        ("d", 2010, 2, 0), ("d", 2011, 1, 1),  # leaves
        ("e", 2010, 4, 0), ("e", 2011, 2, 0),  # vanishes
        ("f", 2010, 3, 0), ("f", 2011, 3, 0), ("f", 2012, 3, 0),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["customer", "year", "satisfaction", "left"])
    result = cx.attrition(frame, **NAMES, satisfaction="satisfaction")
    assert result.table[["low", "at_risk", "vanished"]].to_numpy().tolist() == [
        [1, 1, 1], [2, 3, 1], [3, 2, 0], [4, 2, 0], [5, 1, 0]]  # fmt: skip
    assert result.sample.used == 9
    assert any("without error" in note.en for note in result.notes)  # each year's lowest scores are who vanish
    assert result.weights.isna().all()
    without = cx.attrition(frame, unit="customer", period="year", satisfaction="satisfaction")
    assert without.table["vanished"].sum() == 3  # who left counts too where it is not recorded


def test_recovers_the_odds_of_vanishing(gone, simulated):
    effect = gone.effect.iloc[0]
    assert effect["ci_low"] < simulated[1]["dropout_odds"] < effect["ci_high"]


def test_weights_begin_at_one_and_follow_the_product_formula(gone, simulated):
    frame = simulated[0].assign(w=gone.weights)
    assert (frame[frame["year"] == 2015]["w"] == 1).all()
    assert gone.weights.index.equals(frame.index)
    # the second year's weight is the share that goes on over the chance of going on with that score
    first = frame[(frame["year"] == 2015) & (frame["left"] == 0)].set_index("customer")
    second = frame[frame["year"] == 2016].set_index("customer")
    gone_on = first.index.isin(frame.loc[frame["year"] > 2015, "customer"])
    ratio = gone_on.mean() / second["w"]
    assert ratio.between(0, 1).all()
    order = np.argsort(first.loc[second.index, "satisfaction"].to_numpy())
    assert (np.diff(ratio.to_numpy()[order]) >= -1e-12).all()


def test_weights_take_the_bias_out_of_those_who_stay():
    frame, truth = cx.simulate.leaving(customers=20_000, years=5, dropout=0.15, dropout_odds=0.4, contagion=0)
    result = cx.attrition(frame, **NAMES, satisfaction="satisfaction")
    last = result.balance.iloc[-1]
    assert last["mean"] - truth["mean_satisfaction"] > 0.1
    assert abs(last["weighted_mean"] - truth["mean_satisfaction"]) < 0.03
    assert last["effective_n"] < last["n"]


def test_a_score_that_says_nothing_gives_weights_near_one():
    frame, _ = cx.simulate.leaving(customers=3000, years=5, dropout_odds=1.0, dropout=0.1)
    result = cx.attrition(frame, **NAMES, satisfaction="satisfaction")
    assert result.effect["ci_low"].iloc[0] < 1 < result.effect["ci_high"].iloc[0]
    assert result.weights.between(0.8, 1.25).all()


def test_weights_go_into_the_streak_study(gone, simulated):
    frame = simulated[0].assign(w=gone.weights)
    result = cx.streak_hazard(frame, **NAMES, satisfaction="satisfaction", threshold=5, weight="w")
    assert result.table["hazard"].between(0, 1).all()


def test_nobody_vanishes(simulated):
    frame = simulated[0]
    whole = frame[frame["customer"].isin(frame.loc[frame["year"] == 2022, "customer"])]
    result = cx.attrition(whole, unit="customer", period="year", satisfaction="satisfaction")
    assert result.table["vanished"].sum() == 0
    assert (result.weights == 1).all()
    assert result.effect["odds_ratio"].isna().all()
    assert "Nobody vanished" in result.remarks()
    assert result.text().startswith("Nobody vanished before the end")
    assert "没有人失联" in result.text("zh")
    result.plot("zh")


def test_drop_out_refuses_what_it_cannot_use(simulated):
    frame = simulated[0]
    with pytest.raises(InputError, match="bands=1"):
        cx.attrition(frame, **NAMES, satisfaction="satisfaction", bands=1)
    with pytest.raises(InputError, match="covariates='one' never changes"):
        cx.attrition(frame.assign(one=1), **NAMES, satisfaction="satisfaction", covariates=["one"])
    with pytest.raises(InputError, match="no complete row lies before"):
        cx.attrition(frame[frame["year"] == 2015], **NAMES, satisfaction="satisfaction")


def test_drop_out_says_its_numbers_in_both_languages(gone):
    low, high = (f"{100 * gone.table['share'].iloc[i]:.1f} %" for i in (0, -1))
    assert f"After the lowest scores {low} (" in gone.text()
    assert f"after the highest {high} (" in gone.text()
    assert f"失联的占 {low}（" in gone.text("zh")
    assert f"{gone.balance['weighted_mean'].iloc[-1]:.2f}" in gone.text()
    assert "加权" in gone.remarks("zh")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_figures_say_the_finding(reasons, flocks, gone, simulated, language):
    truth = simulated[1]
    drawn = [
        reasons.plot(language, truth=truth["reasons"]),
        flocks.plot(language, truth=truth["pair_correlation"]),
        gone.plot(language),
    ]
    assert all(figure.axes[0].get_title(loc="left") for figure in drawn)
    with pytest.raises(InputError, match="focus"):
        gone.plot(language, focus="C01")
