import math

import numpy as np
import pandas as pd
import pytest

from cxresearch import checks, language, project, style
from cxresearch.language import Paragraph, Readable, Words
from cxresearch.result import Sample


def test_words_speak_two_languages_and_refuse_a_third():
    words = Words("unit", "单位")
    assert (words(), words("zh"), str(words)) == ("unit", "单位", "unit")
    with pytest.raises(checks.InputError, match=r"language='fr' is not known; choose from en, zh"):
        words("fr")


def test_a_paragraph_shows_every_character_as_itself():
    assert Paragraph("a <b> & $c$\nsecond")._repr_html_() == "<p>a &lt;b&gt; &amp; $c$</p><p>second</p>"


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(0.125, 2, "0.12"), (-0.001, 2, "0.00"), (12345.6, 0, "12,346"), (math.nan, 2, "–"), (-math.inf, 1, "−∞")],
)
def test_numbers_in_sentences(value, digits, text):
    assert language.number(value, digits) == text


def test_intervals_and_shares():
    assert language.interval(-0.5, 1, "en") == "−0.50 to 1.00"
    assert language.interval(0.1, 0.2, "zh", 1) == "0.1 至 0.2"
    assert language.percent(0.1234, 1) == "12.3 %"


def test_tables_for_reading_are_rounded_translated_and_escaped():
    table = pd.DataFrame(
        {"unit": ["<b>"], "n": np.array([1200]), "estimate": [0.12345], "p_value": [np.nan], "ok": [True], "x": [None]}
    )
    shown = Readable(table, "zh", headings={"ok": Words("fine", "合格")})
    assert list(shown.frame.columns) == ["单位", "样本量", "估计值", "p 值", "合格", "x"]
    assert list(shown.frame.iloc[0])[1:5] == ["1,200", "0.123", "–", "True"]
    html = shown._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<style" not in html
    assert table.columns[0] == "unit"


def test_a_sample_that_does_not_add_up_cannot_be_made():
    with pytest.raises(RuntimeError, match="does not add up"):
        Sample(rows=10, used=8, dropped=((Words("missing", "缺失"), 1),))


def test_a_sample_tells_what_was_dropped_and_why():
    sample = Sample(rows=10, used=8, dropped=((Words("score missing", "分数缺失"), 2),), counts={"units": 4})
    assert sample.text() == "8 of 10 rows used (4 units); dropped 2: score missing."
    assert sample.text("zh") == "使用 8 行，共 10 行（4 个单位）；剔除 2: 分数缺失。"


def test_figures_have_chinese_letters_and_take_names_literally():
    from matplotlib import font_manager

    with style.figure(2) as (figure, ax):
        ax.set_title("满意度 costs $5 or $6")
        figure.canvas.draw()  # a missing letter would warn, and warnings are errors here
        assert not ax.title.get_parse_math()
    assert font_manager.findfont(style.chinese_font(), fallback_to_default=False).endswith("NotoSansSC-Regular.ttf")


def test_the_callers_matplotlib_settings_survive():
    import matplotlib as mpl

    before = mpl.rcParams.copy()
    with style.figure(2):
        pass
    assert mpl.rcParams == before


def test_the_root_is_the_nearest_folder_with_a_batch(tmp_path, monkeypatch):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "reports.toml").touch()
    monkeypatch.chdir(tmp_path / "a" / "b")
    assert project.root() == tmp_path / "a"
    assert project.relative(tmp_path / "a" / "b" / "x.csv") == "b/x.csv"
    assert project.relative(tmp_path / "x.csv") == "x.csv"
    assert project.root(tmp_path) == tmp_path
