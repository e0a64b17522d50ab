"""One group beside all others: separate fits, their difference, and groups too small to judge."""

import numpy as np
import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.checks import InputError


@pytest.fixture
def result(panel, columns):
    return cx.distributed_lags(panel(units=60, noise=1.0), **columns, lags=2, group="community")


def test_each_side_is_the_panel_of_its_own_rows(panel, columns, result):
    frame = panel(units=60, noise=1.0)
    both = result.compare("North")
    for part, rows in (("focus", frame["community"] == "North"), ("rest", frame["community"] != "North")):
        alone = cx.distributed_lags(frame[rows], **columns, lags=2)
        side = both[both["part"] == part].reset_index(drop=True)
        pd.testing.assert_frame_equal(side[alone.table.columns], alone.table)
        assert (side["units"] == alone.sample.counts["units"]).all()


def test_difference_of_independent_groups_adds_their_variances(result):
    own, rest, apart = (part.reset_index(drop=True) for _, part in result.compare("North").groupby("part", sort=False))
    np.testing.assert_allclose(apart["estimate"], own["estimate"] - rest["estimate"])
    np.testing.assert_allclose(apart["se"] ** 2, own["se"] ** 2 + rest["se"] ** 2)
    np.testing.assert_allclose(apart["cumulative"], own["cumulative"] - rest["cumulative"])
    # Welch-Satterthwaite: wider than the normal interval, narrower than the small side's own t
    half = (apart["ci_high"] - apart["ci_low"]) / 2 / apart["se"]
    assert (half > 1.96).all()
    assert (half < (own["ci_high"] - own["ci_low"]) / 2 / own["se"]).all()
    assert list(result.compare("North")["part"].unique()) == ["focus", "rest", "difference"]


def test_groups_lists_every_group_in_order(result):
    assert result.groups["group"].unique().tolist() == ["North", "South", "West"]
    own = result.compare("West").query("part == 'focus'").reset_index(drop=True)
    listed = result.groups.query("group == 'West'").reset_index(drop=True)
    pd.testing.assert_frame_equal(listed[own.columns[1:]], own[own.columns[1:]])


def test_a_unit_that_moves_counts_on_both_sides(panel, columns):
    frame = panel(units=60, noise=1.0)
    frame.loc[(frame["customer"] < "c010") & (frame["year"] > 2014), "community"] = "West"
    result = cx.distributed_lags(frame, **columns, lags=1, group="community")
    assert "7 units name more than one group" in result.remarks()
    own, rest, apart = (part.reset_index(drop=True) for _, part in result.compare("West").groupby("part", sort=False))
    # the shared units tie the two sides together, so variances no longer just add up
    assert not np.allclose(apart["se"] ** 2, own["se"] ** 2 + rest["se"] ** 2, rtol=1e-6)


def test_a_group_too_small_to_judge_says_so(panel, columns):
    frame = panel(units=40, noise=1.0)
    frame.loc[frame["customer"] == "c005", "community"] = "Hamlet"
    result = cx.distributed_lags(frame, **columns, lags=2, group="community")
    both = result.compare("Hamlet")
    assert both.loc[both["part"] != "rest", "estimate"].isna().all()
    assert both.loc[both["part"] == "rest", "estimate"].notna().all()
    text = result.text(focus="Hamlet")
    assert text.startswith("Hamlet (1 customer) cannot be judged by itself: fewer than two units have complete rows.")
    assert "All together: one point more satisfaction" in text
    assert "Hamlet（1 名客户）无法单独估计：数据完整的单位不足两个。" in result.text("zh", focus="Hamlet")
    result.plot(focus="Hamlet")
    assert result.groups.query("group == 'Hamlet'")["estimate"].isna().all()


def test_a_group_whose_driver_stands_still_says_so(panel, columns):
    frame = panel(units=40, noise=1.0)
    frame.loc[frame["community"] == "West", "satisfaction"] = 3.0
    result = cx.distributed_lags(frame, **columns, lags=1, group="community")
    assert "'satisfaction' does not move enough within it" in result.text(focus="West")
    assert "“satisfaction”在其中的变化不足" in result.text("zh", focus="West")


def test_a_group_with_too_few_rows_says_so(panel, columns):
    frame = panel(units=40, noise=1.0)
    pair = frame["customer"].isin(["c000", "c001"])
    frame.loc[pair, "community"] = "Hamlet"
    frame = frame[~pair | (frame["year"] < 2012)]
    result = cx.distributed_lags(frame, **columns, lags=0, group="community")
    assert "its 4 complete rows are too few" in result.text(focus="Hamlet")


def test_the_only_group_has_nothing_to_be_compared_with(panel, columns):
    frame = panel(units=40, noise=1.0).assign(community="North")
    result = cx.distributed_lags(frame, **columns, lags=1, group="community")
    assert "There is no other group to compare it with." in result.text(focus="North")
    assert "没有其他组可供比较。" in result.text("zh", focus="North")


def test_rows_without_a_group_belong_to_no_side(panel, columns):
    frame = panel(units=40, noise=1.0)
    frame.loc[frame["community"] == "West", "community"] = None
    result = cx.distributed_lags(frame, **columns, lags=1, group="community")
    both = result.compare("North")
    assert both["n"].iloc[-1] < result.sample.used
    assert result.groups["group"].unique().tolist() == ["North", "South"]
    with pytest.raises(InputError, match="empty in every row used"):
        cx.distributed_lags(frame.assign(community=None), **columns, lags=1, group="community")


def test_groups_may_be_numbers_or_mixed(panel, columns):
    frame = panel(units=40, noise=1.0)
    numbers = frame.assign(community=frame["community"].map({"North": 10, "South": 9, "West": 2}))
    result = cx.distributed_lags(numbers, **columns, lags=1, group="community")
    assert result.groups["group"].unique().tolist() == [2, 9, 10]
    assert result.text(focus="9").startswith("9 (")  # a parameter arrives as text
    assert result.text(focus=9) == result.text(focus="9")
    mixed = frame.assign(community=frame["community"].map({"North": 10, "South": "ten", "West": 2.5}).astype(object))
    assert len(cx.distributed_lags(mixed, **columns, lags=1, group="community").groups) == 6


def test_an_unknown_focus_is_refused_with_the_nearest_name(panel, columns, result):
    for call in (result.text, result.plot, result.plot_cumulative):
        with pytest.raises(
            InputError, match=r"focus='Nort': no such group \(did you mean 'North'\?\); groups are North"
        ):
            call(focus="Nort")
    with pytest.raises(InputError, match="focus='Nort': no such group"):
        result.compare("Nort")
    without = cx.distributed_lags(panel(units=20, noise=1.0), **columns, lags=1)
    with pytest.raises(InputError, match="focus needs groups; name their column"):
        without.text(focus="North")
    with pytest.raises(InputError, match="focus needs groups"):
        _ = without.groups


def test_the_comparison_is_readable_in_both_languages(result):
    assert "this one" in repr(result.readable(focus="North"))
    assert "本单位" in repr(result.readable("zh", focus="North"))
    assert "this one" not in repr(result.readable())
