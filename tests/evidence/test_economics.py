"""How often intervals of retention economics and of mediation hold the truth, small samples included."""

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

import cxresearch as cx
from cxresearch.numerics import lifetime, mediated, propagation

pytestmark = pytest.mark.evidence

DRAWS, BOOTSTRAPS = 4000, 400
MARGIN, DISCOUNT = 100.0, 0.1
FEW = "so few leavers make a coarse grid of possible intervals"


@pytest.fixture(autouse=True)
def fewer_points(monkeypatch):
    """A quarter of the points that uncertainty is carried through, which is enough here, and faster."""
    monkeypatch.setattr(propagation, "POINTS", 1024)


def value(retention):
    return lifetime.value(lifetime.starts(retention, DISCOUNT)[..., 0], MARGIN, 0.0, paid_at_end=False)


def judged(coverage, reason="", least=0.93, most=0.97):
    """An interval holds; or it misses for a reason that is written down, and by no more than is written down."""
    assert reason or (least, most) == (0.93, 0.97)
    assert least <= coverage <= most, coverage


def value_limits(left, n):
    """The intervals of `retention_value` with one rate, for many counts at once: images of the rate's own."""
    low, high = (special.betaincinv(left + 0.5, n - left + 0.5, p) for p in (0.025, 0.975))
    return value(1 - np.where(left == n, 1, high)[..., None]), value(1 - np.where(left == 0, 0, low)[..., None])


def test_the_shortcut_is_the_function():
    for left in (0, 3, 20):
        frame = pd.DataFrame({"left": [left], "n": [20]})
        row = cx.retention_value(frame, left="left", at_risk="n", margin=MARGIN, discount=DISCOUNT).row(
            "lifetime_value"
        )
        low, high = value_limits(np.array(left), np.array(20))
        assert (row["ci_low"], row["ci_high"]) == pytest.approx((float(low), float(high)), rel=1e-5)


def test_the_shortcut_with_clusters_is_the_function():
    left = np.array([[3, 9, 14, 5, 11, 8], [0, 0, 0, 0, 2, 25]])
    for counts, low, high in zip(left, *clustered_limits(left), strict=True):
        frame = pd.DataFrame({"left": counts, "n": 50, "community": range(6)})
        row = cx.retention_value(
            frame, left="left", at_risk="n", cluster="community", margin=MARGIN, discount=DISCOUNT
        ).row("lifetime_value")
        assert (row["ci_low"], row["ci_high"]) == pytest.approx((low, high), rel=1e-5)


@pytest.mark.parametrize(
    ("n", "leaving", "reason", "least", "most"),
    [
        (2000, 0.15, "", 0.93, 0.97),
        (200, 0.1, "", 0.93, 0.97),
        (100, 0.5, "", 0.93, 0.97),
        (30, 0.2, "", 0.93, 0.97),
        (50, 0.122, "", 0.93, 0.97),
        (50, 0.05, FEW, 0.88, 0.97),  # the worst with 2 to 5
        (100, 0.02, FEW, 0.93, 0.99),
        (25, 0.02, FEW, 0.93, 0.99),
    ],
)
def test_one_rate(record, n, leaving, reason, least, most):
    left = np.random.default_rng(n).binomial(n, leaving, size=100_000)
    low, high = value_limits(left.astype(float), float(n))
    truth = float(value(np.array([1 - leaving])))
    coverage = record(
        study="retention_value", quantity="lifetime_value, expected_periods, break_even_spend",
        scenario=f"{n} customers, {100 * leaving:g} % leave: {n * leaving:g} leavers expected",
        covered=(low <= truth) & (truth <= high), width=high - low, reason=reason,
    )  # fmt: skip
    judged(coverage, reason, least, most)


def test_no_rate_is_worse_than_those_shown():
    """Exact coverage, over sizes and rates: what the note on few leavers says."""
    shortest = {}
    for n in (20, 30, 50, 100, 200, 500):
        left = np.arange(n + 1.0)
        low, high = value_limits(left, float(n))
        for leaving in np.linspace(0.01, 0.5, 197):
            truth = float(value(np.array([1 - leaving])))
            inside = (low <= truth) & (truth <= high)
            expected = min(10, 5 * int(n * leaving / 5))
            coverage = stats.binom.pmf(left, n, leaving)[inside].sum()
            shortest[expected] = min(coverage, shortest.get(expected, 1.0))
    assert shortest[0] > 0.875
    assert shortest[5] > 0.91
    assert shortest[10] > 0.93


@pytest.mark.parametrize(
    ("clusters", "reason", "least"),
    [(40, "", 0.93), (6, "", 0.93)],
)
def test_clusters(record, clusters, reason, least):
    rng = np.random.default_rng(clusters)
    left = rng.binomial(50, rng.beta(4, 16, (20_000, clusters)))
    truth = float(value(np.array([0.8])))
    low, high = clustered_limits(left)
    scenario = f"{clusters} communities of 50 customers, chances of leaving Beta(4, 16)"
    judged(
        record(study="retention_value", quantity="lifetime_value", scenario=f"{scenario}; cluster named",
               covered=(low <= truth) & (truth <= high), width=high - low, reason=reason),
        reason, least,
    )  # fmt: skip
    low, high = value_limits(left.sum(axis=1).astype(float), np.full(len(left), 50.0 * clusters))
    alone = record(
        study="retention_value (cluster not named)", quantity="lifetime_value", scenario=scenario,
        covered=(low <= truth) & (truth <= high), width=high - low,
        reason="customers of one community leave together, and nobody said so",
    )  # fmt: skip
    assert alone < 0.85


def clustered_limits(left):
    """The intervals of `retention_value` with one rate and clusters of 50: samples in rows, clusters in columns."""
    clusters = left.shape[1]
    n, p = 50.0 * clusters, left.mean(axis=1) / 50
    variance = (((left - 50 * p[:, None]) / n) ** 2).sum(axis=1) * clusters / (clusters - 1)
    size = np.array(
        [propagation.effective_size(n, n * one, v, clusters, 0.95) for one, v in zip(p, variance, strict=True)]
    )
    return value_limits(p * size, size)


@pytest.mark.parametrize(("customers", "reason", "least"), [(300, "", 0.93), (40, "", 0.93)])
def test_costs_and_margins_from_rows(record, customers, reason, least):
    names = ["lifetime_value", "break_even_spend", "cost_ratio", "net_value_of_winning", "break_even_ratio"]
    plan = {"discount": DISCOUNT, "uplift": 0.03, "programme_cost": 15.0}
    _, truth = cx.simulate.profits(customers=2)
    true = cx.retention_value(
        retention=truth["retention"][0], **{k: truth[k] for k in ("margin", "cost_to_keep", "cost_to_win")}, **plan
    ).table.set_index("quantity")["estimate"]
    held = {name: [] for name in names}
    width = {name: [] for name in names}
    for seed in range(DRAWS):
        frame, _ = cx.simulate.profits(customers=customers, years=4, seed=seed)
        table = cx.retention_value(
            frame, left="left", unit="customer", margin="margin", cost_to_keep="cost_to_keep",
            cost_to_win="cost_to_win", **plan,
        ).table.set_index("quantity")  # fmt: skip
        for name in names:
            low, high = table.loc[name, ["ci_low", "ci_high"]]
            held[name].append(bool(low <= true[name] <= high))
            width[name].append(high - low)
    coverages = {
        name: record(study="retention_value", quantity=name,
                     scenario=f"{customers} simulated customers over 4 years; margin and both costs from their rows",
                     covered=held[name], width=width[name], reason=reason)
        for name in names
    }  # fmt: skip
    for coverage in coverages.values():
        judged(coverage, reason, least)


def test_several_tenures(record):
    held, width = {}, {}
    true = lifetime.starts([0.7, 0.8, 0.9], DISCOUNT)
    truths = {"lifetime_value": MARGIN * true[0]}
    rng = np.random.default_rng(3)
    for _ in range(DRAWS):
        there, rows = 300, []
        for tenure, leaving in enumerate((0.3, 0.2, 0.1, 0.1), start=1):
            left = rng.binomial(there, leaving)
            rows.append((tenure, there, left))
            there -= left
        frame = pd.DataFrame(rows, columns=["tenure", "n", "left"])
        table = cx.retention_value(
            frame, left="left", at_risk="n", tenure="tenure", tenures=3, margin=MARGIN, discount=DISCOUNT
        ).table.set_index("quantity")
        for name, truth in truths.items():
            low, high = table.loc[name, ["ci_low", "ci_high"]]
            held.setdefault(name, []).append(bool(low <= truth <= high))
            width.setdefault(name, []).append(high - low)
    for name in truths:
        judged(
            record(study="retention_value", quantity=name,
                   scenario="300 customers over 4 years, 30, 20 and 10 % leave by tenure; tenures=3",
                   covered=held[name], width=width[name]),
        )  # fmt: skip


def test_customers_who_differ_are_not_seen(record):
    # chances of leaving Beta(1, 4): a fifth leave at first, the easy leavers go, and the rest stays ever longer
    rng = np.random.default_rng(4)
    leaving = rng.beta(1, 4, size=(DRAWS, 500, 1))
    stays = (rng.random((DRAWS, 500, 4)) >= leaving).cumprod(axis=2)
    at_risk = 500 + stays[:, :, :3].sum(axis=(1, 2))
    left = at_risk - stays.sum(axis=(1, 2))
    low, high = value_limits(left.astype(float), at_risk.astype(float))
    chances = special.betaincinv(1, 4, (np.arange(200_000) + 0.5) / 200_000)
    truth = float(value(1 - chances[:, None]).mean())
    coverage = record(
        study="retention_value (customers who differ)", quantity="lifetime_value",
        scenario="500 customers over 4 years whose chances of leaving differ, Beta(1, 4); one rate for all",
        covered=(low <= truth) & (truth <= high), width=high - low,
        reason="one rate for all leaves out how long the loyal stay: the estimate is too low, whatever the interval",
    )  # fmt: skip
    assert coverage < 0.5


def linear(rng, n, a, b, *, skew=False):
    x = rng.standard_normal(n)
    m = a * x + rng.standard_normal(n)
    error = rng.lognormal(0, 1, n) - np.exp(0.5) if skew else rng.standard_normal(n)
    return np.column_stack([x, m, b * m + 0.2 * x + error])


CLEAR = "told only where the total is clear of zero, which favours large totals"
NULL = "with neither step there, a product of two small numbers rarely strays from 0"


@pytest.mark.parametrize(
    ("n", "a", "b", "skew", "reason", "least", "most"),
    [
        (200, 0.4, 0.4, False, "", 0.93, 0.97),
        (50, 0.4, 0.4, False, "", 0.93, 0.97),
        (100, 0.4, 0.4, True, "", 0.93, 0.97),
        (200, 0.4, 0.0, False, "", 0.93, 0.97),
        (200, 0.0, 0.0, False, NULL, 0.99, 1.0),
    ],
)
def test_indirect_effects(record, tally, n, a, b, skew, reason, least, most):
    rng = np.random.default_rng(n + int(10 * a + 100 * b))
    covered, width, found = [], [], []
    alone = np.arange(n)
    for seed in range(DRAWS):
        x = linear(rng, n, a, b, skew=skew)
        drawn = mediated.bootstrap(mediated.cross_products(x - x.mean(axis=0), alone, n), 1000, seed).indirect
        low, high = np.quantile(drawn, [0.025, 0.975])
        covered.append(bool(low <= a * b <= high))
        width.append(high - low)
        found.append(bool(low > 0 or high < 0))
    scenario = f"{n} rows, a = {a:g}, b = {b:g}, {'skew' if skew else 'normal'} errors"
    coverage = record(study="mediation", quantity="indirect", scenario=scenario, covered=covered, width=width,
                      reason=reason)  # fmt: skip
    tally(study="mediation", quantity="indirect effect found", scenario=scenario, found=found)
    judged(coverage, reason, least, most)


def customers(rng, clusters, each):
    """Service, loyalty and profit of customers who differ, some rows of each."""
    own = rng.standard_normal((3, clusters)).repeat(each, axis=1)
    x = own[0] + rng.standard_normal(clusters * each)
    m = 0.4 * x + own[1] + rng.standard_normal(len(x))
    return x, m, 0.4 * m + 0.2 * x + own[2] + rng.standard_normal(len(x))


def slopes(y, columns, each):
    """Least-squares slopes with their intervals: errors clustered by customer, or HC3 with a row of each."""
    x = np.column_stack([np.ones(len(y)), *columns])
    n, k = x.shape
    bread = np.linalg.inv(x.T @ x)
    coef = bread @ x.T @ y
    scores = x * (y - x @ coef)[:, None]
    if each == 1:
        scores /= 1 - (x @ bread * x).sum(axis=1, keepdims=True)
        factor, df = 1.0, n - k
    else:
        scores = scores.reshape(-1, each, k).sum(axis=1)
        df = len(scores) - 1
        factor = len(scores) / df * (n - 1) / (n - k)
    half = special.stdtrit(df, 0.975) * np.sqrt(factor * np.diag(bread @ scores.T @ scores @ bread))
    return np.column_stack([coef - half, coef + half])[1:]


def paths(x, m, y, each, seed):
    """Intervals of all paths, as `mediation` makes them."""
    clusters = len(x) // each
    z = np.column_stack([x, m, y])
    z = z - z.mean(axis=0)
    drawn = mediated.bootstrap(mediated.cross_products(z, np.arange(len(x)) // each, clusters), BOOTSTRAPS, seed)
    ends = {"a": slopes(m, [x], each)[0], "total": slopes(y, [x], each)[0]}
    ends["direct"], ends["b"] = slopes(y, [x, m], each)
    ends["indirect"] = np.quantile(drawn.indirect, [0.025, 0.975])
    clear = ends["total"][0] > 0 or ends["total"][1] < 0
    ends["share_mediated"] = np.quantile(drawn.indirect / drawn.total, [0.025, 0.975]) if clear else [np.nan, np.nan]
    return ends


@pytest.mark.parametrize("each", [1, 4])
def test_the_paths_are_those_of_the_function(each):
    x, m, y = customers(np.random.default_rng(each), 60, each)
    frame = pd.DataFrame({"x": x, "m": m, "y": y, "who": np.arange(len(x)) // each})
    table = cx.mediation(
        frame, service="x", loyalty="m", profit="y", cluster="who" if each > 1 else None, bootstraps=BOOTSTRAPS, seed=1
    ).table.set_index("path")
    for path, ends in paths(x, m, y, each, 1).items():
        assert tuple(table.loc[path, ["ci_low", "ci_high"]]) == pytest.approx(tuple(ends), rel=1e-6)


@pytest.mark.parametrize(
    ("clusters", "each", "reason", "least"),
    [(60, 4, "", 0.93), (20, 4, "few clusters", 0.91), (60, 1, "", 0.93)],
)
def test_paths(record, clusters, each, reason, least):
    rng = np.random.default_rng([clusters, each])
    truth = {"a": 0.4, "b": 0.4, "direct": 0.2, "indirect": 0.16, "total": 0.36, "share_mediated": 0.16 / 0.36}
    held = {path: [] for path in truth}
    width = {path: [] for path in truth}
    for seed in range(DRAWS):
        found = paths(*customers(rng, clusters, each), each, seed)
        for path, true in truth.items():
            low, high = found[path]
            if np.isfinite(low):
                held[path].append(bool(low <= true <= high))
                width[path].append(high - low)
    scenario = f"{clusters} customers " + (f"with {each} rows each, cluster named" if each > 1 else "with a row each")
    coverages = {
        path: record(study="mediation", quantity=path, scenario=scenario,
                     covered=held[path], width=width[path], undefined=1 - len(held[path]) / DRAWS,
                     reason=CLEAR if path == "share_mediated" else reason)
        for path in truth
    }  # fmt: skip
    for path, coverage in coverages.items():
        if path == "share_mediated":
            judged(coverage, CLEAR, least - 0.02, 0.98)
        else:
            judged(coverage, reason, least)
