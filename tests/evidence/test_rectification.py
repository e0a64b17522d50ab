"""Coverage of the intervals of `reliable_change` and `rectification`.

Change: true scores are normal with standard deviation 6; every unit has two scores before and two after, whose error
is chosen so that the mean of two has the reliability named. Units below the cut are revisited; some of them, chosen by
lot, were rectified and gained 4 points on average. Cycles: as `simulate.rectification` draws them; the truth of the
shares is that of 400,000 sites.

The numeric cores are simulated; tests in tests/mystery_shopping hold the public functions to them.
"""

import numpy as np
import pytest
from scipy import special

import cxresearch as cx
from cxresearch.mystery_shopping import rectification_loop as loop
from cxresearch.mystery_shopping.rectification_rows import Cycles
from cxresearch.numerics import change
from cxresearch.result import Sample

pytestmark = pytest.mark.evidence

LEVEL = 0.95
REPLICATIONS = 4000
SPREAD, GAIN = 6.0, 4.0
FEW = "the reliability and the mean of all units rest on few units, and enter skewed"
NO_REGRESSION = "the index expects no regression to the mean, and these units were chosen for low scores"
ONE_ERROR = "the index leaves out the error of the score after"


def drawn(rng, n, reliability, cut, gain):
    """One data set: scores before and after, who was revisited, and who of these was rectified."""
    true = rng.normal(0, SPREAD, n)
    error = SPREAD * np.sqrt(2 * (1 / reliability - 1))
    early = true[:, None] + rng.normal(0, error, (n, 2))
    found = early.mean(axis=1) < cut
    done = found & (rng.random(n) < 0.6)
    late = (true + done * rng.normal(gain, 2 if gain else 0, n))[:, None] + rng.normal(0, error, (n, 2))
    return early, late, found, done


@pytest.mark.parametrize(("n", "reliability"), [(20, 0.6), (60, 0.6), (60, 0.8), (200, 0.4), (200, 0.6), (200, 0.8)])
@pytest.mark.parametrize("share", [0.5, 0.3])
def test_intervals_of_change(record, n, reliability, share):
    rng = np.random.default_rng([n, int(10 * reliability), int(10 * share)])
    total = SPREAD / np.sqrt(reliability)
    cut = total * special.ndtri(share)
    by_itself = (1 - reliability) * total * np.exp(-0.5 * (cut / total) ** 2) / np.sqrt(2 * np.pi) / share
    truth = {"regression": by_itself, "beyond": GAIN, "ancova": GAIN, "difference": GAIN}
    covered, width = {name: [] for name in truth}, {name: [] for name in truth}
    for _ in range(REPLICATIONS):
        early, late, found, done = drawn(rng, n, reliability, cut, GAIN)
        others = found & ~done
        if min(done.sum(), others.sum()) < 3:
            continue
        before, after = early.mean(axis=1), late.mean(axis=1)
        known = change.measure(before, reliability=None, early=change.repeats(early), late=change.repeats(late[found]))
        gain = after - before
        means = {
            "regression": change.regression(before, done, known, LEVEL),
            "beyond": change.beyond(before, after, done, known, LEVEL),
            "ancova": change.ancova(before[found], after[found], done[found], LEVEL),
            "difference": change.welch(gain[done], gain[others], LEVEL),
        }
        for name, mean in means.items():
            covered[name].append(mean.low <= truth[name] <= mean.high)
            width[name].append(mean.high - mean.low)
    shares = {}
    for name in truth:
        shares[name] = record(
            study="reliable_change",
            quantity=name,
            scenario=f"{n} units, the lowest {share:.0%} revisited, reliability {reliability}",
            covered=covered[name],
            width=width[name],
            undefined=1 - len(covered[name]) / REPLICATIONS,
            reason=FEW,
        )
    low, high = (0.85, 0.995) if n * share <= 30 else (0.93, 0.975)
    assert all(low <= found_ <= high for found_ in shares.values()), shares


@pytest.mark.parametrize("n", [20, 60, 200])
@pytest.mark.parametrize("lowest", [True, False])
def test_units_without_change_are_seldom_flagged(record, n, lowest):
    rng = np.random.default_rng([n, int(lowest)])
    z = float(special.ndtri((1 + LEVEL) / 2))
    indices = {
        "jacobson_truax": change.jacobson_truax,
        "edwards_nunnally": change.edwards_nunnally,
        "gulliksen_lord_novick": change.gulliksen_lord_novick,
    }
    quiet, width = {name: [] for name in indices}, []
    for _ in range(REPLICATIONS):
        early, late, found, _done = drawn(rng, n, 0.6, -5.0 if lowest else np.inf, 0.0)
        if not found.any():
            continue
        before, after = early.mean(axis=1), late.mean(axis=1)
        known = change.measure(before, reliability=None, early=change.repeats(early), late=change.repeats(late[found]))
        one = np.flatnonzero(found)[0]  # one unit a data set: independent
        for name, index in indices.items():
            quiet[name].append(abs(index(before[[one]], after[[one]], known)[0]) <= z)
        width.append(2 * z * known.prediction)
    reasons = {"jacobson_truax": NO_REGRESSION, "edwards_nunnally": ONE_ERROR, "gulliksen_lord_novick": FEW}
    shares = {}
    for name, seen in quiet.items():
        shares[name] = record(
            study="reliable_change",
            quantity=f"a unit without change is not flagged: {name}",
            scenario=f"{n} units, " + ("one that scored below −5" if lowest else "any one") + ", reliability 0.6",
            covered=seen,
            width=width,
            undefined=1 - len(seen) / REPLICATIONS,
            reason=reasons[name],
        )
    assert n == 20 or 0.93 <= shares["gulliksen_lord_novick"] <= 0.97, shares


def cycles_of(rng, sites, cycles, visits):
    """Draw cycles of visits as `simulate.rectification` does, straight into arrays."""
    true = rng.normal(66, SPREAD, sites)
    scores, done = np.empty((sites, cycles, visits)), np.zeros((sites, cycles), dtype=bool)
    distance = []
    for at in range(cycles):
        scores[:, at] = true[:, None] + rng.normal(0, 7, (sites, visits))
        done[:, at] = (scores[:, at].mean(axis=1) < 70) & (rng.random(sites) < 0.6)
        distance.append(true.mean() - 70)
        true = true + done[:, at] * rng.normal(5, 2, sites)
    standard = np.full((sites, cycles), 70.0)
    names = list(range(sites)), list(range(cycles))
    made = Cycles(
        units=names[0], cycles=names[1], scores=scores - 70, standard=standard, planned=None, rectified=done,
        sample=Sample(sites, sites),
    )  # fmt: skip
    return made, distance


@pytest.mark.parametrize(("sites", "cycles"), [(10, 4), (30, 2), (30, 4), (120, 4)])
def test_intervals_of_the_loop(record, sites, cycles):
    rng = np.random.default_rng([sites, cycles])
    many, distance = cycles_of(rng, 400_000, cycles, 2)
    steps = loop.steps(many, loop.error(many, None), LEVEL).set_index("step")["share"]
    slope = loop.trend(many.means, LEVEL).estimate
    names = ["met", "untouched_met", "closed", "distance", "trend"]
    covered, width = {name: [] for name in names}, {name: [] for name in names}
    for _ in range(REPLICATIONS):
        made, _ = cycles_of(rng, sites, cycles, 2)
        found = loop.steps(made, loop.error(made, None), LEVEL).set_index("step")
        ends = {name: (steps[name], found.at[name, "ci_low"], found.at[name, "ci_high"]) for name in names[:3]}
        last, trend = change.mean_of(made.means[:, -1], LEVEL), loop.trend(made.means, LEVEL)
        ends |= {"distance": (distance[-1], last.low, last.high), "trend": (slope, trend.low, trend.high)}
        for name, (truth, low, high) in ends.items():
            if np.isfinite(low):
                covered[name].append(low <= truth <= high)
                width[name].append(high - low)
    shares = {}
    for name in names:
        shares[name] = record(
            study="rectification",
            quantity={"met": "share met on return visit", "closed": "share closed"}.get(name, name),
            scenario=f"{sites} sites, {cycles} cycles, 2 visits",
            covered=covered[name],
            width=width[name],
            undefined=1 - len(covered[name]) / REPLICATIONS,
            reason="shares of a handful of findings move in large steps" if sites <= 30 else "",
        )
    low, high = (0.88, 0.999) if sites <= 30 else (0.93, 0.975)
    assert all(low <= share <= high for share in shares.values()), shares


def test_public_function_gives_the_simulated_intervals():
    """The frame of the same scores leads to the same table."""
    import pandas as pd

    made, _ = cycles_of(np.random.default_rng(3), 20, 3, 2)
    site, cycle, visit = (axis.ravel() for axis in np.indices(made.scores.shape))
    frame = pd.DataFrame({"s": site, "c": cycle, "v": visit, "y": made.scores.ravel() + 70})
    frame["done"] = made.rectified[site, cycle]
    public = cx.rectification(frame, unit="s", cycle="c", score="y", standard=70, rectified="done")
    pd.testing.assert_frame_equal(public.steps, loop.steps(made, loop.error(made, None), LEVEL))
