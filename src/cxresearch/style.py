"""One look for all figures, and the primitives that two wings share."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

WIDTH: Final = 7.2
"""Width of a figure in inches; a page shows it without scaling."""

INK: Final = "#22303c"
MUTED: Final = "#8a97a3"
GRID: Final = "#e3e8ec"
ACCENT: Final = "#1f6f8b"
FOCUS: Final = "#c8511b"
SIGNAL: Final = {"above": "#1b7f5c", "below": "#b3382c", "expected": MUTED}
"""Colours that stay apart for colour-blind readers; a marker's shape says the same again."""
SIGNAL_MARKER: Final = {"above": "^", "below": "v", "expected": "o"}


def chinese_font_file() -> Path:
    """Return the file of the Chinese font that arrives with the installation."""
    # zhplot changes matplotlib's settings when imported, so its font file is found without importing it
    spec = find_spec("zhplot")
    if spec is None or spec.origin is None:  # pragma: no cover - a broken installation
        raise ImportError("zhplot, which carries the Chinese font, is not installed: run make again")
    return Path(spec.origin).parent / "fonts" / "NotoSansSC-Regular.ttf"


@cache
def chinese_font() -> str:
    """Register the Chinese font with matplotlib, and return its name."""
    from matplotlib import font_manager

    path = chinese_font_file()
    font_manager.fontManager.addfont(str(path))
    return font_manager.FontProperties(fname=str(path)).get_name()


def settings() -> Any:
    """Return matplotlib's settings for all figures of the project."""
    return {
        "axes.axisbelow": True,
        "axes.edgecolor": MUTED,
        "axes.grid": True,
        "axes.labelcolor": INK,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlecolor": INK,
        "axes.titlelocation": "left",
        "axes.titlepad": 10,
        "axes.titlesize": 11,
        "axes.unicode_minus": True,
        "figure.constrained_layout.use": True,
        "figure.dpi": 110,
        "font.family": ["DejaVu Sans", chinese_font()],
        "font.size": 9,
        "grid.color": GRID,
        "legend.frameon": False,
        "savefig.dpi": 110,
        "text.color": INK,
        "text.parse_math": False,  # a dollar sign in a reader's unit name is a dollar sign
        "xtick.color": INK,
        "ytick.color": INK,
    }


@contextmanager
def figure(height: float = 3.6, **subplots: Any) -> Iterator[Any]:
    """Open a figure in the project's look and yield what ``plt.subplots`` returns: figure and axes.

    Inside the block everything drawn follows the look; the caller's own settings are untouched.

    Parameters
    ----------
    height : float
        Height in inches.
    **subplots
        Passed to ``matplotlib.pyplot.subplots``.
    """
    import matplotlib.pyplot as plt

    # in a notebook the first figure switches interactive mode on; switched on inside the block, it would be off
    # again after it, and no later figure would be shown
    plt.draw_if_interactive()
    with plt.rc_context(settings()):
        yield plt.subplots(figsize=(WIDTH, height), **subplots)


def interval_plot(
    ax: "Axes",
    position: "Sequence[float] | np.ndarray",
    estimate: "Sequence[float] | np.ndarray",
    low: "Sequence[float] | np.ndarray",
    high: "Sequence[float] | np.ndarray",
    *,
    color: Any = ACCENT,
    marker: str = "o",
    label: str | None = None,
    vertical: bool = True,
) -> None:
    """Draw estimates as points with their intervals as lines.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    position : sequence of float, shape (n,)
        Place of each estimate along the other axis.
    estimate, low, high : sequence of float, shape (n,)
        The estimates and the ends of their intervals; NaN draws nothing.
    color, marker, label
        As in matplotlib.
    vertical : bool
        Intervals stand upright (True) or lie (False).
    """
    if vertical:
        ax.vlines(position, low, high, color=color, linewidth=2, alpha=0.55)
        ax.plot(position, estimate, marker, color=color, markersize=5, label=label)
    else:
        ax.hlines(position, low, high, color=color, linewidth=2, alpha=0.55)
        ax.plot(estimate, position, marker, color=color, markersize=5, label=label)


def funnel(
    ax: "Axes",
    size: "np.ndarray",
    centre: float,
    inner: "tuple[np.ndarray, np.ndarray]",
    outer: "tuple[np.ndarray, np.ndarray]",
) -> None:
    """Draw a funnel: the limits within which chance keeps a score, by the number it rests on.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    size : array, shape (k,)
        Numbers of answers, ascending.
    centre : float
        The value the limits surround.
    inner, outer : pair of array, shape (k,)
        Lower and upper limits.
    """
    ax.axhline(centre, color=INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0.6)
    for (low, high), alpha in ((outer, 0.10), (inner, 0.14)):
        ax.fill_between(size, low, high, color=ACCENT, alpha=alpha, linewidth=0, zorder=0.5)


def name_points(
    ax: "Axes",
    x: "Sequence[float] | np.ndarray",
    y: "Sequence[float] | np.ndarray",
    names: Sequence[str],
    *,
    focus: str | None = None,
) -> None:
    """Write names beside points, as many as fit without lying on one another, on a point, or outside.

    Call it once everything else is drawn and laid out.

    Parameters
    ----------
    ax : Axes
        Where the points are.
    x, y : sequence of float, shape (n,)
        The points, the most important first.
    names : sequence of str
        Their names.
    focus : str, optional
        The name to write in the colour of the focus.
    """
    import numpy as np
    from matplotlib.transforms import Bbox

    points = [ax.transData.transform(line.get_xydata()) for line in ax.lines if line.get_linestyle() == "None"]
    taken = [Bbox.from_extents(px - 3, py - 3, px + 3, py + 3) for px, py in np.concatenate(points)] if points else []
    sides = [
        (6, 0, "left", "center"), (-6, 0, "right", "center"), (0, 7, "center", "bottom"), (0, -7, "center", "top"),
        (6, 8, "left", "bottom"), (-6, 8, "right", "bottom"), (6, -8, "left", "top"), (-6, -8, "right", "top"),
    ]  # fmt: skip
    for place, name in zip(zip(x, y, strict=True), names, strict=True):
        color = FOCUS if name == focus else INK
        for dx, dy, ha, va in sides:
            text = ax.annotate(
                name, place, (dx, dy), textcoords="offset points", ha=ha, va=va, fontsize=7.5, color=color
            )
            box = text.get_window_extent().padded(2)
            inside = ax.bbox.x0 <= box.x0 and box.x1 <= ax.bbox.x1 and ax.bbox.y0 <= box.y0 and box.y1 <= ax.bbox.y1
            if inside and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                break
            text.remove()
