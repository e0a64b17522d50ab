"""Sentences hold the numbers, in both languages, and say no more than the intervals allow."""

from dataclasses import replace

import numpy as np
import pytest

import cxresearch as cx
from cxresearch.loyalty import lag_words as words
from cxresearch.loyalty import nouns


@pytest.fixture(scope="module")
def result(panel, columns):
    return cx.distributed_lags(panel(units=200, noise=1.0), **columns, lags=4, group="community")


def with_table(result, estimate, half, **more):
    """The result with effects of our choice, each with an interval of the same half width."""
    estimate = np.array(estimate, dtype=float)
    table = result.table.iloc[: len(estimate)].assign(
        estimate=estimate,
        ci_low=estimate - half,
        ci_high=estimate + half,
        cumulative=estimate.cumsum(),
        cumulative_ci_low=estimate.cumsum() - half,
        cumulative_ci_high=estimate.cumsum() + half,
    )
    return replace(result, table=table, lags=len(estimate) - 1, **more)


def test_text_says_effects_up_to_the_last_clear_lag_and_in_all(result):
    shown = with_table(result, [0.4, 0.3, 0.2, 0.104, 0.01], 0.05)
    assert shown.text() == (
        "One point more satisfaction goes with 0.40 more loyalty in the same year (0.35 to 0.45), "
        "0.30 more after 1 year, 0.20 more after 2 years, 0.10 more after 3 years, the last whose interval excludes "
        "zero (a rough reading, not an estimate of how long effects last). "
        "Over 5 years it adds up to 1.01 more (0.96 to 1.06). "
        "Based on 1,000 rows of 200 customers; 95 % intervals in brackets."
    )
    assert shown.text("zh") == (
        "满意度每高 1 分，当年忠诚度平均高 0.40 分（0.35 至 0.45），1 年后高 0.30 分，2 年后高 0.20 分，"
        "3 年后高 0.10 分，再往后区间都含零（这只是粗略读数，不等于影响持续的时间）。"
        "5 年累计高 1.01 分（0.96 至 1.06）。依据 200 名客户的 1,000 行数据；括号内为 95 % 区间。"
    )


def test_text_when_nothing_is_clear(result):
    shown = with_table(result, [0.01, -0.02, 0.0], 0.05)
    assert "at no lag up to 2 years does the interval exclude zero" in shown.text()
    assert "直到 2 年后，各期区间都含零" in shown.text("zh")
    assert words.finding(shown, shown.table, "satisfaction", "en") == "No lag of satisfaction stands clear of zero"


def test_text_when_the_longest_lag_is_still_clear(result):
    shown = with_table(result, [0.4, 0.3, -0.2], 0.05)
    assert "0.20 less after 2 years, the longest lag looked at: effects may last longer." in shown.text()
    assert "2 年后低 0.20 分；这已是所考察的最长滞后期" in shown.text("zh")


def test_text_of_lag_zero_alone(result):
    shown = with_table(result, [0.4], 0.05)
    assert shown.text().startswith(
        "One point more satisfaction goes with 0.40 more loyalty in the same year (0.35 to 0.45). "
    )
    assert "adds up" not in shown.text()


def test_small_and_large_effects_keep_their_digits(result):
    assert "0.0040 more" in with_table(result, [0.004, 0.003], 0.001).text()
    assert "41.23 more" in with_table(result, [41.23, 3], 1).text()
    assert "1,234 more" in with_table(result, [1234.4, 3], 1).text()
    assert [nouns.digits(v) for v in (0, 0.004, 0.04, 0.4, 4, 40, 400, 4000, np.nan)] == [2, 4, 3, 2, 2, 2, 1, 0, 2]
    assert "no more loyalty" in with_table(result, [0.0001, 5.0], 0.00001).text()


def test_a_long_list_of_lags_is_cut_in_the_middle(panel, columns):
    result = cx.distributed_lags(panel(units=100, years=14, noise=0.1), **columns, lags=9)
    text = with_table(result, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.35, 0.3, 0.25, 0.01], 0.05).text()
    assert "0.50 more after 4 years, 0.25 more after 8 years, the last" in text
    assert "after 6 years" not in text


def test_focus_is_spoken_of_first(result):
    north = result.compare("North")
    total = north[north["part"] == "focus"]["cumulative"].iloc[-1]
    for language, start in (
        ("en", "North (67 customers): one point more satisfaction"),
        ("zh", "North（67 名客户）：满意度"),
    ):
        text = result.text(language, focus="North")
        assert text.startswith(start)
        assert f"{total:.2f}" in text
    assert "against" in result.text(focus="North")
    assert "其余为" in result.text("zh", focus="North")


def test_a_clear_difference_is_called_one(panel, columns):
    frame = panel(units=200, noise=0.3)
    frame.loc[frame["community"] == "North", "loyalty"] += frame["satisfaction"]
    result = cx.distributed_lags(frame, **columns, lags=2, group="community")
    assert "which is more than chance explains" in result.text(focus="North")
    assert "超出偶然所能解释的范围" in result.text("zh", focus="North")
    alike = cx.distributed_lags(panel(units=200, noise=0.3), **columns, lags=2, group="community")
    assert "which these data cannot tell from none" in alike.text(focus="South")


def test_columns_of_ones_own_keep_their_names(panel, columns):
    frame = panel(units=60, noise=1.0).rename(
        columns={"customer": "store", "satisfaction": "您对小区物业服务的总体满意度", "loyalty": "nps score"}
    )
    result = cx.distributed_lags(
        frame, unit="store", period="year", outcome="nps score", driver="您对小区物业服务的总体满意度", lags=1
    )
    assert "One point more 您对小区物业服务的总体满意度 goes with" in result.text()
    assert "more nps score in the same year" in result.text()
    assert "rows of 60 units;" in result.text()
    assert "“您对小区物业服务的总体满意度”每高 1 分，当年“nps score”平均高" in result.text("zh")
    assert "依据 60 个单位的" in result.text("zh")
    assert nouns.name("q" * 80, "en") == "q" * 39 + "…"


def test_steps_longer_than_a_unit_are_said_in_units(panel, columns):
    frame = panel(units=60, noise=0.1)
    result = cx.distributed_lags(frame.assign(year=2 * frame["year"] - 2010), **columns, lags=1)
    assert "at the same time" in result.text()
    assert "more after 2 years" in result.text()
    assert "Over 4 years it adds up" in result.text()
    assert "同期" in result.text("zh")
    assert nouns.spell(result.step) == "Steps of 2 years"


def test_days_and_unknown_periods_read_well(panel, columns):
    frame = panel(units=60, noise=0.1)
    waves = cx.distributed_lags(frame.assign(year=frame["year"] - 2009), **columns, lags=1)
    assert "in the same period" in waves.text()
    assert "after 1 period" in waves.text()
    days = cx.distributed_lags(frame.assign(year="2020-01-" + (frame["year"] - 2000).astype(str)), **columns, lags=1)
    assert "on the same day" in days.text()
    assert "当天" in days.text("zh")


def test_everything_is_said_in_chinese_too(result):
    for text in (result.text("zh", focus="South"), result.remarks("zh"), result.sample.text("zh")):
        latin = [w for w in text.replace("South", "").split() if w.isascii() and w.isalpha()]
        assert not latin, latin
