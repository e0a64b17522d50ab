"""What a benchmark says and draws, in both languages."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.checks import InputError

CALL = {"unit": "hospice", "touchpoint": "measure", "score": "rate", "n": "denominator"}


@pytest.fixture(scope="module")
def care():
    frame = cx.read("cms_patient_care")
    facts = cx.read("hospice_measures")
    names = dict(zip(facts["code"], zip(facts["english"], facts["chinese"], strict=True), strict=True))
    return cx.benchmark(frame[frame["measure"] != "composite_process"], names=names, **CALL)


@pytest.fixture(scope="module")
def many():
    """Sixty units on thirty touchpoints, six answers short of readable."""
    rng = np.random.default_rng(3)
    level = 0.5 * rng.normal(size=60)
    wide = {f"t{k:02}": np.repeat(level, 35) + rng.normal(size=60 * 35) for k in range(30)}
    return cx.benchmark(pd.DataFrame({"shop": np.repeat(np.arange(60), 35)} | wide), unit="shop", score=list(wide))


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def titles(figure):
    return " ".join([figure.get_suptitle(), *(ax.get_title(loc) for ax in figure.axes for loc in ("left", "center"))])


def test_english_paragraph_holds_the_numbers(care):
    text = care.text("en")
    assert text.startswith("The 14 units differ by more than chance on 6 of 8 touchpoints")
    for part in ("Visits when death is near", "3 stand clearly above", "4 clearly below", "of the 14 places"):
        assert part in text
    row = care.table[(care.table["unit"] == "Saad Hospice Services") & (care.table["touchpoint"] == care.lead())].iloc[
        0
    ]
    ends = [f"{row[c]:.1f} %" for c in ("ci_low", "ci_high")]
    assert f"Saad Hospice Services (49.7 %; 95 % interval {' to '.join(ends)}; n = {row['n']:.0f})" in text
    assert len(text) < 620


def test_remarks_say_what_the_paragraph_leaves_out(care):
    english, chinese = care.remarks(), care.remarks("zh")
    for part in ("No difference beyond chance shows on Bowel care", "cannot tell of 7 units",
                 "Only Saad Hospice Services (14th)", "at most 5 %"):  # fmt: skip
        assert part in english
    assert "有 7 个单位" in chinese
    assert "至多 5 %" in chinese
    assert all(note("zh") in chinese for note in care.notes)


def test_chinese_paragraph_holds_the_numbers(care):
    text = care.text("zh")
    for part in (
        "14 个单位在 8 个接触点中的 6 个上",
        "“临终前探访”",
        "3 个明显偏高",
        "4 个明显偏低",
        "49.7 %；95 % 区间",
        "共 14 位",
    ):
        assert part in text


def test_focus_is_spoken_of_first(care):
    first, rest = care.text("en", focus="Saad Hospice Services").split("\n")
    assert first.startswith("Saad Hospice Services is clearly below the middle unit on 4 of 8 touchpoints")
    assert "49.7 %, n = 151" in first
    assert "rank 14th of 14" in first
    assert rest == care.text("en")
    assert care.text("zh", focus="Saad Hospice Services").startswith(
        "Saad Hospice Services在 8 个接触点中的 4 个上明显低于"
    )


def test_focus_without_flags_and_with_suppressed_scores(care):
    text = care.text("en", focus="St Vincent's Hospice").split("\n")[0]
    assert "cannot be told from the middle unit on any of its" in text
    text = care.text("en", focus="Cullman Regional Hospice").split("\n")[0]
    assert "2 of its scores rest on fewer than 30 answers and are not shown" in text


def test_focus_with_nothing_to_show():
    frame = pd.DataFrame({"u": ["a", "b", "c"], "rate": [0.9, 0.8, 0.5], "n": [100, 90, 8]})
    result = cx.benchmark(frame, unit="u", score="rate", n="n")
    assert result.text("en", focus="c").startswith("c has fewer than 30 answers everywhere")
    assert "不予显示" in result.text("zh", focus="c")
    assert result.plot("en", focus="c") is not None
    assert result.plot("en", focus="c", kind="overview") is not None


@pytest.mark.parametrize("call", ["text", "plot"])
def test_unknown_focus_names_the_nearest(care, call):
    with pytest.raises(InputError, match="did you mean 'Saad Hospice Services'"):
        getattr(care, call)("en", focus="Saad Hospise")


def test_unknown_touchpoint_kind_and_language_are_refused(care):
    with pytest.raises(InputError, match="did you mean 'visits_imminent'"):
        care.text("en", touchpoint="visits")
    with pytest.raises(InputError, match="kind='fnnel'"):
        care.plot("en", kind="fnnel")
    with pytest.raises(InputError, match="language"):
        care.text("de")


def test_numbered_units_can_be_named_as_text(many):
    assert many.text("en", focus="17").startswith("17 ")
    assert many.unit("17") == 17


def test_one_touchpoint_needs_no_overview():
    frame = pd.DataFrame({"u": list("abcdefgh"), "rate": [0.99, 0.98, 0.97, 0.96, 0.95, 0.97, 0.98, 0.5], "n": 200})
    result = cx.benchmark(frame, unit="u", score="rate", n="n")
    assert result.text("en").startswith("On rate, of 8 units")
    assert result.text("zh").startswith("在“rate”上，8 个单位中")
    assert "h is clearly below the middle unit: rate (50.0 %" in result.text("en", focus="h")


def test_no_difference_anywhere_is_said():
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"u": np.repeat(list("abcdef"), 40)} | {t: rng.normal(size=240) for t in ("first", "second")})
    result = cx.benchmark(frame, unit="u", score=["first", "second"])
    assert result.text("en").startswith(
        "The 6 units do not differ by more than chance on any of the 2 touchpoints. On "
    )
    assert "都没有超出偶然的差异" in result.text("zh")
    assert "cannot be told from the middle unit on any of its 2 touchpoints, not even on" in result.text(
        "en", focus="b"
    )
    assert "No unit stands out" in titles(result.plot("en"))
    assert "没有单位突出" in titles(result.plot("zh"))


def test_low_is_good_is_said():
    frame = pd.DataFrame({"u": list("abcdefgh"), "rate": [0.01, 0.02, 0.03, 0.04, 0.05, 0.03, 0.02, 0.5], "n": 200})
    result = cx.benchmark(frame, unit="u", score="rate", n="n", better="low")
    assert "low being good" in result.text("en")
    assert "数值越低越好" in result.text("zh")
    assert result.plot("en").axes


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", ["overview", "ranks", "funnel"])
def test_figures_say_what_was_found(care, language, kind):
    figure = care.plot(language, kind=kind, focus="Saad Hospice Services")
    figure.canvas.draw()
    said = titles(figure)
    expected = {
        ("overview", "en"): "Of 107 scores",
        ("overview", "zh"): "107 个得分中",
    }.get((kind, language), {"en": "3 above, 4 below", "zh": "3 个高于、4 个低于"}[language])
    assert expected in said
    shown = " ".join(t.get_text() for ax in figure.axes for t in [*ax.get_yticklabels(), *ax.texts])
    assert "Saad Hospice Services" in shown


def test_funnel_names_do_not_overlap(care):
    figure = care.plot("en", kind="funnel")
    figure.canvas.draw()
    boxes = [t.get_window_extent() for t in figure.axes[0].texts]
    assert len(boxes) >= 5
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


@pytest.mark.parametrize("kind", ["overview", "ranks", "funnel"])
def test_figures_of_many_units_leave_out_what_does_not_fit(many, kind):
    figure = many.plot("zh", kind=kind, focus=17)
    figure.canvas.draw()
    labels = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    if kind == "overview":
        assert len(labels) == 30
        assert len(figure.axes[0].get_xticklabels()) == 25
        assert "▸ 17" in labels
    if kind == "ranks":
        assert labels == ["▸ 17"]


def test_simulated_truth_is_held_against_the_answer():
    frame, truth = cx.simulate.responses()
    touchpoints = list(truth["weights"])
    result = cx.benchmark(frame, unit="unit", score=touchpoints)
    text = result.recovered(truth["unit_means"])
    inside = int(text.split(" of 195 intervals")[0].rsplit(" ", 1)[1])
    assert 0.9 < inside / 195 < 0.99
    assert "在" not in text
    assert "真值已知" in result.recovered(truth["unit_means"], "zh")
    with pytest.raises(InputError, match="truth has no mean of unit 'U"):
        result.recovered(truth["unit_means"].head(3))


def test_readable_tables(care):
    table = care.readable("en", touchpoint="visits_imminent").frame
    assert len(table) == 14
    assert table["rank"].tolist()[0] == "1"
    assert len(care.readable("zh", focus="Saad Hospice Services").frame) == 8
    assert len(care.readable("en", most=10).frame) == 10
    suppressed = care.readable("en", focus="Cullman Regional Hospice").frame
    assert (suppressed["not shown"] == "yes").sum() == 2
    assert "信度" in care.readable_reliability("zh").frame.columns
    assert care._repr_html_().startswith("<p>")
