"""Coverage of the intervals that `agreement` gives for every rater: how strict, and how far from the panel.

Severity: scores are target + rater + residual, normal or rounded to five points. Gap: targets have a true category,
raters report it with a probability of their own. Ratings are missing at random. The truth of the rounded scores and of
the gap is the mean of 400,000 targets, with an error far below the intervals' width. An interval for a rater is to
hold for all raters at once, so each alone holds more often; coverage is that of all together.
"""

import numpy as np
import pytest

from cxresearch.mystery_shopping import agreement_tables as tables
from cxresearch.mystery_shopping.ratings import Ratings, Scale
from cxresearch.numerics import chance_agreement as chance
from cxresearch.result import Sample

pytestmark = pytest.mark.evidence

REPLICATIONS = 4_000
STRICTNESS = np.array([-0.6, -0.2, 0.0, 0.3, 0.8])
CAREFUL = "Bonferroni's intervals hold together at least at their level"
FEW = "few targets, and differences that take few values"


def table_of(codes, points, level):
    raters = codes.shape[1]
    ratings = Ratings(names=("t", "r", "s"), targets=[], raters=list(range(raters)), kept=None, row=None, column=None,
                      sample=Sample(0, 0))  # fmt: skip
    labels = list(range(len(points)))
    scale = Scale(level=level, labels=labels, points=points, codes=None, numbers=True)
    panel = chance.panel(codes, points, "nominal" if level == "nominal" else "interval")
    return tables.raters(panel, ratings, scale, 0.95)


def points_of(rng, n, missing):
    scores = rng.normal(3, 1, (n, 1)) - STRICTNESS + rng.normal(0, 0.8, (n, 5))
    codes = np.clip(np.round(scores), 1, 5).astype(int) - 1
    return np.where(rng.random(codes.shape) < missing, -1, codes)


def labels_of(rng, n, missing):
    true = rng.random((n, 1)) < 0.15
    codes = (true ^ (rng.random((n, 5)) < [0.05, 0.05, 0.1, 0.1, 0.25])).astype(int)
    return np.where(rng.random(codes.shape) < missing, -1, codes)


CASES = {
    "severity": (points_of, np.arange(1.0, 6), "interval", "five points"),
    "gap": (labels_of, np.array([np.nan, np.nan]), "nominal", "pass or fail, 3 in 20 fail"),
}


@pytest.mark.parametrize("value", list(CASES))
@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("n", [10, 30, 100])
def test_intervals_of_raters_hold_together(record, tally, value, missing, n):
    draw, points, level, said = CASES[value]
    rng = np.random.default_rng([n, len(value), int(10 * missing)])

    def rated(size):
        codes = draw(rng, size, missing)
        return codes[(codes >= 0).any(1)]

    truth = table_of(rated(400_000), points, level)[value].to_numpy()
    held, width, right = [], [], []
    for _ in range(REPLICATIONS):
        low, high = table_of(rated(n), points, level)[[f"{value}_low", f"{value}_high"]].to_numpy().T
        known = np.isfinite(low)
        held.append(bool(((low <= truth) & (truth <= high))[known].all()) if known.any() else None)
        right.append(
            not ((high < 0) & (truth >= 0)).any() and not ((low > 0) & (truth <= 0) & (value == "severity")).any()
        )
        width.append(np.nanmean(high - low) if known.any() else np.nan)
    kept = [h for h in held if h is not None]
    share = record(
        study="agreement, raters",
        quantity=f"{value}, all raters together",
        scenario=f"{said}, {n} targets, 5 raters, {missing:.0%} missing",
        covered=kept,
        width=width,
        undefined=1 - len(kept) / REPLICATIONS,
        reason=FEW if value == "gap" or n <= 10 else CAREFUL,
    )
    named = tally(
        study="agreement, raters",
        quantity="no rater called strict, mild or departing who is not",
        scenario=f"{value}, {said}, {n} targets, 5 raters, {missing:.0%} missing",
        found=right,
    )
    assert named >= 0.95 or n <= 10, (value, n, named)
    # differences of few values are skewed: below some hundred targets their intervals are too narrow
    assert share >= 0.93 or n <= 30 or value == "gap", (value, n, share)
