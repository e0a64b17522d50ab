"""Bootstraps of reliability against loops over peers, in the same run: pingouin for the ICC, krippendorff for alpha.

``make bench`` runs it. Both sides resample targets and start from arrays in memory; for the ICC ours hold BCa intervals
too. Processor seconds are compared, the best of several runs. The loop over pingouin is measured on 100 resamples and
multiplied, since all 2,000 take minutes. A peer that is not installed is skipped.
"""

import time

import numpy as np
import pandas as pd
import pytest

from cxresearch.numerics import agreement_bootstrap, chance_agreement, reliability
from cxresearch.numerics.resampling import bca_interval, draws


def seconds(what, times):
    """Return the processor seconds of the best of several runs."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        what()
        taken.append(time.process_time() - start)
    return min(taken)


@pytest.fixture
def show(capsys):
    """Print past pytest's capture."""

    def say(*lines):
        with capsys.disabled():
            print("", *lines, sep="\n")

    return say


@pytest.mark.filterwarnings("ignore")  # pingouin's own
def test_icc_bootstraps_against_pingouin(show):
    """2,000 resamples of the six forms, with intervals: 300 times as fast."""
    pingouin = pytest.importorskip("pingouin")
    lines = [f"{'2,000 ICC bootstraps':<26} {'ours':>8} {'pingouin':>9} {'ratio':>8}"]
    for n, k in ((30, 3), (100, 4), (300, 6)):
        rng = np.random.default_rng(n)
        scores = rng.normal(size=(n, 1)) + 0.5 * rng.normal(size=k) + rng.normal(size=(n, k))
        target, rater = np.indices((n, k)).reshape(2, -1)
        rows = rng.integers(0, n, (100, n))

        def ours(scores=scores):
            drawn, influence = reliability.bootstrap(scores, 2000, 1)
            estimate = reliability.estimates(reliability.mean_squares(scores))
            return drawn, [bca_interval(float(estimate[i]), drawn[:, i], influence[:, i], 0.95) for i in range(6)]

        def theirs(scores=scores, rows=rows, target=target, rater=rater):
            frames = (pd.DataFrame({"t": target, "r": rater, "s": scores[drawn].ravel()}) for drawn in rows)
            return [pingouin.intraclass_corr(f, targets="t", raters="r", ratings="s")["ICC"].to_numpy() for f in frames]

        own, other = seconds(ours, 5), 20 * seconds(theirs, 1)
        lines.append(f"{f'{n} targets, {k} raters':<26} {own:>8.4f} {other:>9.1f} {other / own:>8.0f}")
        assert other / own >= 300, lines[-1]
        again = np.repeat(scores, next(draws(n, 1, 1, 1))[0].astype(int), axis=0).ravel()
        expected = pingouin.intraclass_corr(pd.DataFrame({"t": target, "r": rater, "s": again}), "t", "r", "s")["ICC"]
        np.testing.assert_allclose(np.sort(ours()[0][0]), np.sort(expected), atol=1e-9)
    show(*lines)


def test_alpha_bootstraps_against_krippendorff(show):
    """1,000 resamples of alpha: 30 times as fast; beside it the six coefficients of more than two raters at once."""
    krippendorff = pytest.importorskip("krippendorff")
    lines = [f"{'1,000 alpha bootstraps':<38} {'ours':>8} {'package':>8} {'ratio':>7} {'all ours':>9} {'ratio':>7}"]
    for n, k in ((50, 3), (100, 4), (300, 6)):
        rng = np.random.default_rng(n)
        codes = np.clip(rng.integers(0, 5, (n, 1)) + rng.integers(-1, 2, (n, k)), 0, 4)
        codes[rng.random(codes.shape) < 0.1] = -1
        codes = codes[(codes >= 0).any(1)]
        scores, values = np.where(codes >= 0, codes + 1.0, np.nan), np.arange(1.0, 6)
        rows = rng.integers(0, len(codes), (1000, len(codes)))
        for level in ("nominal", "ordinal", "interval"):

            def ours(wanted=("krippendorff",), codes=codes, values=values, level=level):
                return agreement_bootstrap.bootstrap(codes, values, level, replicates=1000, seed=1, wanted=wanted)

            def theirs(scores=scores, rows=rows, level=level):
                return [krippendorff.alpha(scores[drawn].T, level_of_measurement=level) for drawn in rows]

            own, other = seconds(ours, 9), seconds(theirs, 3)
            whole = seconds(lambda ours=ours: ours(chance_agreement.COEFFICIENTS), 9)
            lines.append(
                f"{f'{len(codes)} targets, {k} raters, {level}':<38} {own:>8.4f} {other:>8.3f} {other / own:>7.0f} "
                f"{whole:>9.4f} {other / whole:>7.0f}"
            )
            assert other / own >= 30, lines[-1]
    show(*lines)
