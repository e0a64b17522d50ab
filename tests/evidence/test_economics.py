"""How often intervals of retention economics and of mediation hold the truth, small samples included."""

import numpy as np
import pandas as pd
import pytest
from scipy import special

import cxresearch as cx
from cxresearch.numerics import lifetime, mediated

pytestmark = pytest.mark.evidence

DRAWS = 4000
MARGIN, DISCOUNT = 100.0, 0.1
FEW = "so few leavers make a coarse grid of possible intervals"


def value(retention):
    return lifetime.value(lifetime.starts(retention, DISCOUNT)[..., 0], MARGIN, 0.0, paid_at_end=False)


def judged(coverage, reason):
    """An interval holds, or falls short for a reason that is written down."""
    assert 0.93 <= coverage <= 0.97 or reason, coverage


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


@pytest.mark.parametrize(
    ("n", "leaving", "reason"),
    [
        (2000, 0.15, ""),
        (200, 0.1, ""),
        (100, 0.5, ""),
        (50, 0.1, FEW),
        (30, 0.2, FEW),
        (100, 0.02, FEW),
        (25, 0.02, FEW),
    ],
)
def test_one_rate(record, n, leaving, reason):
    left = np.random.default_rng(n).binomial(n, leaving, size=100_000)
    low, high = value_limits(left.astype(float), float(n))
    truth = float(value(np.array([1 - leaving])))
    coverage = record(
        study="retention_value", quantity="lifetime_value, expected_periods, break_even_spend",
        scenario=f"{n} customers, {100 * leaving:g} % leave: {n * leaving:g} leavers expected",
        covered=(low <= truth) & (truth <= high), width=high - low, reason=reason,
    )  # fmt: skip
    judged(coverage, reason)


@pytest.mark.parametrize(("clusters", "reason"), [(40, ""), (12, ""), (6, "six clusters tell little of their spread")])
def test_clusters(record, clusters, reason):
    rng = np.random.default_rng(clusters)
    covered, width, ignored, ignored_width = [], [], [], []
    truth = float(value(np.array([0.8])))
    for _ in range(DRAWS):
        left = rng.binomial(50, rng.beta(4, 16, clusters))
        frame = pd.DataFrame({"left": left, "n": 50, "community": np.arange(clusters)})
        row = cx.retention_value(
            frame, left="left", at_risk="n", cluster="community", margin=MARGIN, discount=DISCOUNT
        ).row("lifetime_value")
        covered.append(row["ci_low"] <= truth <= row["ci_high"])
        width.append(row["ci_high"] - row["ci_low"])
        low, high = value_limits(np.float64(left.sum()), np.float64(50 * clusters))
        ignored.append(bool(low <= truth <= high))
        ignored_width.append(float(high - low))
    scenario = f"{clusters} communities of 50 customers, chances of leaving Beta(4, 16)"
    judged(
        record(study="retention_value", quantity="lifetime_value", scenario=f"{scenario}; cluster named",
               covered=covered, width=width, reason=reason),
        reason,
    )  # fmt: skip
    record(
        study="retention_value", quantity="lifetime_value", scenario=f"{scenario}; cluster not named", covered=ignored,
        width=ignored_width, reason="customers of one community leave together, and nobody said so",
    )  # fmt: skip


@pytest.mark.parametrize(("customers", "reason"), [(300, ""), (40, "few customers, skew costs")])
def test_costs_and_margins_from_rows(record, customers, reason):
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
    for name in names:
        judged(
            record(study="retention_value", quantity=name,
                   scenario=f"{customers} simulated customers over 4 years; margin and both costs from their rows",
                   covered=held[name], width=width[name], reason=reason),
            reason,
        )  # fmt: skip


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
            "",
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
        study="retention_value", quantity="lifetime_value",
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


NULL = "with neither step there, a product of two small numbers rarely strays from 0"


@pytest.mark.parametrize(
    ("n", "a", "b", "skew", "reason"),
    [
        (200, 0.4, 0.4, False, ""),
        (50, 0.4, 0.4, False, "percentiles of few rows"),
        (100, 0.4, 0.4, True, "percentiles of few rows with a skew outcome"),
        (200, 0.4, 0.0, False, ""),
        (200, 0.0, 0.0, False, NULL),
    ],
)
def test_indirect_effects(record, n, a, b, skew, reason):
    rng = np.random.default_rng(n + int(10 * a + 100 * b))
    covered, width = [], []
    alone = np.arange(n)
    for seed in range(DRAWS):
        x = linear(rng, n, a, b, skew=skew)
        drawn = mediated.bootstrap(mediated.cross_products(x - x.mean(axis=0), alone, n), 1000, seed).indirect
        low, high = np.quantile(drawn, [0.025, 0.975])
        covered.append(bool(low <= a * b <= high))
        width.append(high - low)
    error = "skew" if skew else "normal"
    judged(
        record(study="mediation", quantity="indirect", scenario=f"{n} rows, a = {a:g}, b = {b:g}, {error} errors",
               covered=covered, width=width, reason=reason),
        reason,
    )  # fmt: skip


@pytest.mark.parametrize(("clusters", "reason"), [(60, ""), (20, "few clusters")])
def test_clustered_paths(record, clusters, reason):
    rng = np.random.default_rng(clusters)
    truth = {"a": 0.4, "b": 0.4, "indirect": 0.16, "total": 0.36, "share_mediated": 0.16 / 0.36}
    held = {path: [] for path in truth}
    width = {path: [] for path in truth}
    who = np.repeat(np.arange(clusters), 4)
    for seed in range(DRAWS):
        own = rng.standard_normal((3, clusters))[:, who]
        x = own[0] + rng.standard_normal(len(who))
        m = 0.4 * x + own[1] + rng.standard_normal(len(who))
        y = 0.4 * m + 0.2 * x + own[2] + rng.standard_normal(len(who))
        frame = pd.DataFrame({"x": x, "m": m, "y": y, "who": who})
        table = cx.mediation(
            frame, service="x", loyalty="m", profit="y", cluster="who", bootstraps=400, seed=seed
        ).table.set_index("path")
        for path, true in truth.items():
            low, high = table.loc[path, ["ci_low", "ci_high"]]
            if np.isfinite(low):
                held[path].append(bool(low <= true <= high))
                width[path].append(high - low)
    for path in truth:
        why = reason
        if path == "share_mediated":
            why = reason or "told only where the total is clear of zero, which favours large totals"
        judged(
            record(study="mediation", quantity=path, scenario=f"{clusters} customers with 4 rows each, cluster named",
                   covered=held[path], width=width[path], undefined=1 - len(held[path]) / DRAWS, reason=why),
            why,
        )  # fmt: skip
