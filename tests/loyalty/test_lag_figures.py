"""Figures hold what the table holds, in both languages, whatever the names."""

import matplotlib as mpl
import numpy as np
import pytest

import cxresearch as cx
from cxresearch.loyalty.lag_figures import _width, fold

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _close():
    import matplotlib.pyplot as plt

    yield
    plt.close("all")


@pytest.fixture(scope="module")
def result(panel, columns):
    return cx.distributed_lags(panel(units=80, noise=1.0), **columns, lags=4, group="community")


def points(ax, label):
    """Heights of the markers of one label."""
    return next(line.get_ydata() for line in ax.lines if line.get_label() == label)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_points_are_the_estimates_and_the_focus_stands_beside_them(result, language):
    figure = result.plot(language, focus="North", truth=(0.4, 0.3))
    ax = figure.axes[0]
    np.testing.assert_allclose(points(ax, {"en": "all", "zh": "全部"}[language]), result.table["estimate"])
    own = result.compare("North").query("part == 'focus'")
    np.testing.assert_allclose(points(ax, "North"), own["estimate"])
    assert ax.get_title("left").startswith("North")
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {"en": "truth of the simulation", "zh": "模拟的真值"}[language] in labels
    truth = [c for c in ax.collections if c.get_label() in labels]
    heights = [segment[0][1] for segment in truth[0].get_segments()]
    np.testing.assert_allclose(heights, [0.4, 0.3, 0, 0, 0])
    figure.canvas.draw()


def test_running_sums_have_a_figure_of_their_own(result):
    ax = result.plot_cumulative(truth=(0.4, 0.3)).axes[0]
    np.testing.assert_allclose(points(ax, "estimate"), result.table["cumulative"])
    assert "adds up to" in ax.get_title("left")
    assert "累计" in result.plot_cumulative("zh").axes[0].get_title("left")


def test_axes_say_units_rows_and_level(result):
    figure = result.plot()
    ax = figure.axes[0]
    assert ax.get_xlabel() == "Years since satisfaction was measured"
    assert ax.get_ylabel() == "loyalty (points) per point of satisfaction"
    assert figure.get_supxlabel() == "n = 400 rows of 80 customers; lines are 95 % intervals"


def test_nothing_reaches_beyond_the_figure(panel, columns):
    frame = panel(units=40, noise=1.0)
    long = "您对本小区物业服务中心的环境卫生与绿化养护的总体满意程度 (0-10) $x_1$"
    frame = frame.rename(columns={"satisfaction": long})
    frame["an unusually long name of a price index"] = np.random.default_rng(1).normal(size=len(frame))
    frame["third"] = frame["an unusually long name of a price index"].sample(frac=1, random_state=1).to_numpy()
    drivers = [long, "an unusually long name of a price index", "third"]
    for count in (1, 2, 3):
        result = cx.distributed_lags(frame, **columns | {"driver": drivers[:count]}, lags=2, group="community")
        for language in ("en", "zh"):
            figure = result.plot(language, focus="South", truth=(0.4, 0.3))
            figure.canvas.draw()
            renderer = figure.canvas.get_renderer()
            for ax in figure.axes[:count]:
                box = ax.title.get_window_extent(renderer), ax._left_title.get_window_extent(renderer)
                assert box[1].x1 <= figure.bbox.x1 + 1, (count, language)
                assert ax.xaxis.label.get_window_extent(renderer).x1 <= figure.bbox.x1 + 1


def test_many_drivers_wrap_into_rows(panel, columns):
    frame = panel(units=40, noise=1.0)
    rng = np.random.default_rng(2)
    names = ["a", "b", "c"]
    for name in names:
        frame[name] = rng.normal(size=len(frame))
    result = cx.distributed_lags(frame, **columns | {"driver": ["satisfaction", *names]}, lags=1)
    figure = result.plot()
    assert len([ax for ax in figure.axes if ax.axison]) == 4
    figure.canvas.draw()


def test_the_callers_look_is_left_alone(result):
    before = mpl.rcParams.copy()
    result.plot("zh")
    assert dict(mpl.rcParams) == dict(before)


def test_a_notebook_shows_the_second_figure_too(result):
    from nbclient import NotebookClient
    from nbformat.v4 import new_code_cell, new_notebook

    draw = "with style.figure() as (figure, ax):\n    ax.plot([1, 2])"
    cells = [new_code_cell(f"from cxresearch import style\n{draw}"), new_code_cell(draw)]
    shown = NotebookClient(new_notebook(cells=cells), kernel_name="python3").execute()
    for cell in shown["cells"]:
        assert [sorted(output["data"]) for output in cell["outputs"]] == [["image/png", "text/plain"]]


def test_a_series_is_drawn_too():
    frame = cx.read("stevedata/thatcher_approval")
    result = cx.series_lags(frame, period="date", outcome="thatcher_sat", driver="govt_sat", lags=6)
    ax = result.plot("zh").axes[0]
    assert "月数" in ax.get_xlabel()
    np.testing.assert_allclose(points(ax, "估计值"), result.table["estimate"])


@pytest.mark.parametrize("width", [12, 30, 70])
@pytest.mark.parametrize(
    "text",
    ["No lag of the price stands clear of zero", "3 年前的满意度，仍与忠诚度有关。", "x" * 100, "a" * 30 + "，满意度"],
)
def test_folding_loses_nothing_and_fits(text, width):
    lines = fold(text, width).split("\n")
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(_width(line) <= max(width, 26) for line in lines)
    assert not any(line[0] in "，。；" for line in lines)
