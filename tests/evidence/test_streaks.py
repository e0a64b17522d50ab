"""How often the intervals of the studies of leaving hold the truth, and how often claim L3 is found, and wrongly.

The numeric cores are called as the public functions call them (tests/loyalty holds the two equal). Customers
come with a past: their runs began before the panel does, so some are of unknown length.
"""

import numpy as np
import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.defaults import SEED
from cxresearch.numerics import flocks, hazard, incidence, logit, odds

pytestmark = pytest.mark.evidence

REPLICATIONS = 4000
SIZE = 0.05  # of wrong findings; each is one side of a 95 % interval, so that half of it leaves room for few rows
DEADLY = (0.04, 1 / 17, 1 / 9, 0.2, 0.6)
FLAT = (0.1,) * 5
LETHAL = (0.04, 1 / 17, 1 / 9, 0.2, 0.9)
HALF = (0.1, 0.1, 0.1, 0.1, 0.5)
EVERYBODY = (0.6,) * 5
PANELS = [(100, 6), (300, 8), (1200, 8)]
PATHS = np.array([np.zeros(8, dtype=int), np.minimum(np.arange(1, 9), 4)])
FEW_ROWS = "a cell of a dozen rows has few possible counts: the interval is longer than it need be rather than shorter"
FLOCKING = "the intervals of independent leaving are too short where customers leave in flocks; name the cluster"
FEW_GROUPS = "flocks are rare and uneven, so a few groups misjudge how uneven they are"
CAPPED = "a cell of few rows in each cluster; the effective number of rows is never put above their number"


def past(rng, customers, years, longest=4):
    """Length of the dissatisfied run by customer and year, and what of it the panel shows."""
    level = rng.normal(0, 0.6, (customers, 1))
    wave = rng.normal(0, 0.9, (customers, years + longest))
    for year in range(1, years + longest):
        wave[:, year] = 0.5 * wave[:, year - 1] + np.sqrt(0.75) * wave[:, year]
    low = level + wave < -0.9
    run = np.zeros(low.shape, dtype=int)
    for year in range(low.shape[1]):
        run[:, year] = np.where(low[:, year], np.minimum((run[:, year - 1] if year else 0) + 1, longest), 0)
    return run[:, longest:]


def panel(rng, customers, years, chances, *, flock=0.0, groups=1):
    """Rows at risk whose run the panel tells: run, year, left, customer, group."""
    run = past(rng, customers, years)
    home = rng.integers(groups, size=customers)
    draw = rng.random(run.shape)
    if flock:
        common = rng.random((groups, years))[home]
        draw = np.where(rng.random(run.shape) < np.sqrt(flock), common, draw)
    left = draw < np.asarray(chances)[run]
    there = left.cumsum(axis=1) - left == 0
    customer, year = np.nonzero(there)
    length, known = hazard.runs(run[there] > 0, customer, year)
    keep = known | (length >= 4)
    cell, event = np.minimum(length, 4)[keep], left[there][keep].astype(float)
    return cell, year[keep], event, customer[keep], home[customer[keep]]


def verdict(rates, ratio):
    """Judge claim L3 as `StreakHazard.verdict` does."""
    if rates.low[4] > 0.5 and ratio.low[4] > 0:
        return "supported"
    return "contradicted" if rates.high[4] < 0.5 or ratio.high[4] < 0 else "undecided"


def log_odds(chances):
    found = np.log(np.asarray(chances) / (1 - np.asarray(chances)))
    return found - found[0]


@pytest.mark.parametrize(("customers", "years"), PANELS)
@pytest.mark.parametrize("truth", [DEADLY, FLAT])
def test_chances_odds_and_survival_hold_the_truth(record, tally, customers, years, truth):
    rng = np.random.default_rng([SEED, customers, int(truth is FLAT)])
    survival = (1 - np.array(truth)[PATHS]).cumprod(axis=1)[:, 3]
    kept = {name: ([], []) for name in ("run 0", "run 2", "run 4", "odds 2", "odds 4", "bad", "good")}
    missing = dict.fromkeys(kept, 0)
    said, rise = [], []

    def note(name, low, high, value):
        if np.isnan(low) or np.isnan(high):
            missing[name] += 1
        else:
            kept[name][0].append(low <= value <= high)
            kept[name][1].append(high - low)

    for _ in range(REPLICATIONS):
        cell, year, left, customer, _ = panel(rng, customers, years, truth)
        rates = hazard.rates(cell, left, 5, confidence=0.95)
        for k in (0, 2, 4):
            note(f"run {k}", rates.low[k], rates.high[k], truth[k])
        ratio = odds.odds(cell, year, left, cells=5, cluster=customer, confidence=0.95)
        for k in (2, 4):
            note(f"odds {k}", ratio.low[k], ratio.high[k], log_odds(truth)[k])
        _, low, high = hazard.survival(rates, PATHS, confidence=0.95, draws=500, rng=rng)
        note("good", low[0, 3], high[0, 3], survival[0])
        note("bad", low[1, 3], high[1, 3], survival[1])
        said.append(verdict(rates, ratio))
        rise.append(ratio.low[4] > 0)
    what = "runs of 4 deadly" if truth is DEADLY else "runs do nothing"
    scenario = f"{customers} customers, {years} years, {what}"
    names = {
        "run 0": "chance, run 0", "run 2": "chance, run 2", "run 4": "chance, run 4+",
        "odds 2": "odds ratio, run 2", "odds 4": "odds ratio, run 4+",
        "bad": "still there after 4 dissatisfied years", "good": "still there after 4 satisfied years",
    }  # fmt: skip
    coverages = {}
    for name, quantity in names.items():
        covered, width = kept[name]
        finite = [w if np.isfinite(w) else np.nan for w in width]
        coverages[quantity] = record(study="streak_hazard", quantity=quantity, scenario=scenario, covered=covered,
                                     width=finite, undefined=missing[name] / REPLICATIONS, reason=FEW_ROWS)  # fmt: skip
    found = tally(study="streak_hazard", quantity="L3 found", scenario=scenario, found=[w == "supported" for w in said])
    risen = tally(study="streak_hazard", quantity="odds after a run of 4+ found higher", scenario=scenario, found=rise)
    against = tally(study="streak_hazard", quantity="L3 contradicted", scenario=scenario,
                    found=[w == "contradicted" for w in said])  # fmt: skip
    assert min(coverages.values()) > 0.93, coverages
    assert customers < 1200 or max(coverages.values()) < 0.97, coverages
    if truth is FLAT:
        assert max(found, risen) <= SIZE
    else:
        assert against <= SIZE
        assert risen > (0.99 if customers > 100 else 0.7)


@pytest.mark.parametrize(
    ("customers", "years", "truth", "what", "least"),
    [
        (300, 8, LETHAL, "90 % leave after runs of 4", 0.6),
        (1200, 8, LETHAL, "90 % leave after runs of 4", 0.99),
        (5000, 10, DEADLY, "60 % leave after runs of 4", 0.9),
        (1200, 8, HALF, "half leave after runs of 4, as many as the claim denies", None),
        (1500, 6, EVERYBODY, "60 % leave whatever the run", None),
    ],
)
def test_l3_is_found_where_it_holds_and_seldom_where_it_only_just_does_not(tally, customers, years, truth, what, least):
    rng = np.random.default_rng([SEED, customers, years, 7])
    said = []
    for _ in range(REPLICATIONS if least is None else 1000):
        cell, year, left, customer, _ = panel(rng, customers, years, truth)
        rates = hazard.rates(cell, left, 5, confidence=0.95)
        said.append(verdict(rates, odds.odds(cell, year, left, cells=5, cluster=customer, confidence=0.95)))
    scenario = f"{customers} customers, {years} years, {what}"
    found = tally(study="streak_hazard", quantity="L3 found", scenario=scenario, found=[w == "supported" for w in said])
    if least is None:
        assert found <= SIZE
    else:
        assert found >= least


def test_the_rule_is_that_of_the_function():
    rng = np.random.default_rng([SEED, 8])
    names = {"unit": "customer", "period": "year", "satisfaction": "score", "left": "left", "threshold": 5}
    said = []
    for truth in (DEADLY, LETHAL, HALF, FLAT) * 5:
        run = past(rng, 300, 8)
        left = rng.random(run.shape) < np.asarray(truth)[run]
        customer, year = np.nonzero(left.cumsum(axis=1) - left == 0)
        frame = pd.DataFrame({"customer": customer, "year": year, "score": np.where(run > 0, 3, 7)[customer, year],
                              "left": left[customer, year].astype(int)})  # fmt: skip
        length, known = hazard.runs(run[customer, year] > 0, customer, year)
        keep = known | (length >= 4)
        cell, event = np.minimum(length, 4)[keep], frame["left"].to_numpy(float)[keep]
        rates = hazard.rates(cell, event, 5, confidence=0.95)
        ratio = odds.odds(cell, year[keep], event, cells=5, cluster=customer[keep], confidence=0.95)
        said.append(verdict(rates, ratio))
        assert cx.streak_hazard(frame, **names).verdict() == said[-1]
    assert set(said) == {"supported", "contradicted", "undecided"}


@pytest.mark.parametrize("groups", [10, 40])
def test_clusters_hold_the_truth_where_customers_leave_in_flocks(record, groups):
    rng = np.random.default_rng([SEED, groups])
    kept = {(how, name): ([], []) for how in ("independent", "clustered") for name in ("run 0", "run 4", "odds 4")}
    for _ in range(REPLICATIONS):
        cell, year, left, customer, home = panel(rng, 1000, 6, DEADLY, flock=0.03, groups=groups)
        for how, cluster in (("independent", None), ("clustered", home)):
            rates = hazard.rates(cell, left, 5, confidence=0.95, cluster=cluster)
            ratio = odds.odds(cell, year, left, cells=5, cluster=customer if cluster is None else home, confidence=0.95)
            ends = {
                "run 0": (rates.low[0], rates.high[0], DEADLY[0]),
                "run 4": (rates.low[4], rates.high[4], DEADLY[4]),
                "odds 4": (ratio.low[4], ratio.high[4], log_odds(DEADLY)[4]),
            }
            for name, (low, high, value) in ends.items():
                kept[how, name][0].append(low <= value <= high)
                kept[how, name][1].append(high - low)
    for (how, name), (covered, width) in kept.items():
        quantity = {"run 0": "chance, run 0", "run 4": "chance, run 4+", "odds 4": "odds ratio, run 4+"}
        short = FLOCKING if how == "independent" else FEW_GROUPS
        why = short if np.mean(covered) < 0.95 else CAPPED
        study = "streak_hazard" if how == "clustered" else "streak_hazard (cluster not named)"
        coverage = record(study=study, quantity=quantity[name],
                          scenario=f"1000 customers in {groups} groups, 6 years, flocks of correlation 0.03",
                          covered=covered, width=width, reason=why)  # fmt: skip
        if how == "clustered":
            assert coverage > (0.85 if groups == 10 else 0.90)


@pytest.mark.parametrize("customers", [60, 300, 1500])
def test_incidence_holds_the_truth(record, customers):
    rng = np.random.default_rng([SEED, customers, 3])
    cause_share, chance, years = np.array([0.6, 0.3, 0.1]), 0.1, 6
    truth = cause_share * (1 - (1 - chance) ** years)
    kept = [([], []) for _ in truth]
    for _ in range(REPLICATIONS):
        leaves = rng.geometric(chance, customers)
        censored = np.minimum(rng.geometric(0.07, customers), years)
        duration = np.minimum(leaves, censored)
        cause = np.where(leaves <= censored, rng.choice(3, customers, p=cause_share) + 1, 0)
        if duration.max() < years:
            continue
        found = incidence.cumulative_incidence(duration, cause, causes=3, confidence=0.95)
        for k, value in enumerate(truth):
            kept[k][0].append(found.low[years - 1, k] <= value <= found.high[years - 1, k])
            kept[k][1].append(found.high[years - 1, k] - found.low[years - 1, k])
    for k, (covered, width) in enumerate(kept):
        coverage = record(study="leaving_reasons", quantity=f"incidence, reason of {cause_share[k]:.0%} of leavers",
                          scenario=f"{customers} customers, 6 years, 10 % leave a year, 7 % censored",
                          covered=covered, width=width, reason=FEW_ROWS)  # fmt: skip
        assert coverage > 0.925


@pytest.mark.parametrize(("groups", "truth"), [(10, 0.0), (10, 0.03), (40, 0.0), (40, 0.02), (100, 0.02)])
def test_correlation_of_leaving_holds_the_truth(record, tally, groups, truth):
    rng = np.random.default_rng([SEED, groups, int(1000 * truth)])
    years, size = 6, 30
    covered, width, rejected = [], [], []
    for _ in range(REPLICATIONS):
        logit_of = -2.6 + rng.normal(0, 0.3, (groups, 1, 1)) + rng.normal(0, 0.3, (1, years, 1))
        follows = rng.random((groups, years, size)) < np.sqrt(truth)
        draw = np.where(follows, rng.random((groups, years, 1)), rng.random((groups, years, size)))
        count = (draw < 1 / (1 + np.exp(-logit_of))).sum(axis=2)
        count = count[count.sum(axis=1) > 0][:, count.sum(axis=0) > 0]
        group, year = (axis.ravel() for axis in np.indices(count.shape))
        x = np.column_stack([np.eye(len(count))[group], np.eye(count.shape[1])[year][:, 1:]])
        n, events = np.full(len(group), float(size)), count.ravel().astype(float)
        fitted = logit.fit(x, events / n, n)
        found = flocks.correlation(x, fitted, n=n, events=events, cell=np.arange(len(group)), group=group)
        low, high = found.interval(0.95)
        covered.append(low <= truth <= high)
        width.append(high - low)
        rejected.append(abs(found.z) > 1.959964)
    scenario = f"{groups} groups of {size}, {years} years, correlation {truth}"
    coverage = record(study="leaving_clusters", quantity="correlation of leaving", scenario=scenario, covered=covered,
                      width=width, reason=FEW_GROUPS)  # fmt: skip
    assert coverage > (0.85 if groups == 10 else 0.90)
    if truth == 0:
        wrong = tally(study="leaving_clusters", quantity="flocks found", scenario=scenario, found=rejected)
        assert wrong < 0.07
    else:
        seen = tally(study="leaving_clusters", quantity="flocks found", scenario=scenario, found=rejected)
        assert seen > 0.5
