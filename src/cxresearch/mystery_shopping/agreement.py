"""Agreement of raters: whether different people give the same outlet the same score."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import pandas as pd

from cxresearch import checks, defaults
from cxresearch.language import Words
from cxresearch.mystery_shopping import agreement_tables as tables
from cxresearch.mystery_shopping import words
from cxresearch.mystery_shopping.agreement_results import AgreementResult
from cxresearch.mystery_shopping.ratings import Ratings, Scale, read_ratings, read_scale, whole
from cxresearch.numerics import chance_agreement as chance

__all__ = ["AgreementResult", "agreement"]

_FEW_TARGETS: Final = 50  # intervals are too narrow below, by data/evidence/agreement.csv
_FEW_RESAMPLES: Final = 400


def agreement(
    data: pd.DataFrame,
    *,
    target: str,
    rater: str,
    score: str,
    level: str = "nominal",
    weights: str | None = None,
    categories: Sequence[Any] | None = None,
    bootstraps: int = 0,
    seed: int = defaults.SEED,
    confidence: float = defaults.CONFIDENCE,
) -> AgreementResult:
    """Compute seven coefficients of agreement between raters; ratings may be missing.

    Decides whether scores can be relied on: would other raters have given the same outlet the same score, beyond
    what chance would bring about?

    Parameters
    ----------
    data : DataFrame
        One row per rating, at most one per target and rater; not changed. Rows without a score are left out.
    target : str
        Column that names what was rated. Any type.
    rater : str
        Column that names who rated. Any type.
    score : str
        Column of scores. interval and ratio need numbers, ordinal numbers or an ordered Categorical; nominal takes
        anything.
    level : {"nominal", "ordinal", "interval", "ratio"}
        Level of measurement: labels; ranks; points whose differences count; amounts whose ratios count.
    weights : {"identity", "ordinal", "linear", "quadratic", "ratio"}, optional
        How far two scores are apart, for all coefficients. Default: Krippendorff's choice for the level, identity,
        ordinal, quadratic, ratio in turn. linear and quadratic take the difference of the points, at the ordinal level
        of the positions 1, 2, 3, …, and are what is known as linearly and quadratically weighted kappa.
    categories : sequence, optional
        Every score that could have been given, from lowest to highest. Without it: those that a Categorical
        declares, else those that occur. Brennan-Prediger and Gwet depend on it, and so does the percentage from
        ordinal on.
    bootstraps : int
        Resamples of the targets for standard errors and intervals; 0 uses the analytic ones.
    seed : int
        Seed of the resampling.
    confidence : float
        Coverage probability of the intervals.

    Returns
    -------
    AgreementResult
        ``table`` has a row for each coefficient, and the columns

        - coefficient : "percent", "cohen" (two raters only), "conger", "fleiss", "gwet", "brennan_prediger",
          "krippendorff"
        - estimate : 1 is full agreement; 0 is what chance brings, except for percent; negative is worse than chance
        - se : standard error
        - ci_low, ci_high : interval, cut at 1 (and at 0 for percent)
        - n : targets the coefficient uses

        ``raters`` says who is strict and who departs from the panel, ``targets`` where raters differ, ``prevalence``
        how often each score is given and confirmed. There is no p-value: agreement by
        chance alone is not a hypothesis anyone holds, and rejecting it does not make scores good.

    Raises
    ------
    InputError
        If a column is missing, scores do not suit the level, a rater scored a target twice, no target has two
        ratings, there is one rater only, or there are too many different scores to hold in memory (10 million cells
        of targets × scores, or of scores × scores for ratio).

    Notes
    -----
    Every coefficient is one minus observed over expected disagreement. percent: as observed. cohen, conger: expected
    from each rater's own use of the scores (Conger's is Cohen's for more raters). fleiss: from the raters' common
    use. gwet (AC1, weighted AC2): from how hard targets are to place, little moved by a score that is nearly always
    given. brennan_prediger: every score equally likely. krippendorff (alpha): as fleiss, with a correction for small
    samples, and from pairable values only.

    Disagreement of two scores is that of `weights` for **all** coefficients, over its largest value. identity: 1 if
    different. ordinal: Krippendorff's squared difference of mid-ranks, so it depends on how often each score was used.
    linear: difference. quadratic: squared difference. ratio: ((a - b) / (a + b))². All but linear are Krippendorff's
    metrics. The trap: what irrCAC calls ordinal
    weights is another metric (alpha 0.834 instead of 0.815 on Krippendorff's own example).

    Missing ratings are treated as irrCAC does: targets rated once count towards the chance agreement of fleiss and
    gwet (and, through the raters' margins, of conger), not towards observed agreement. cohen uses targets that both
    rated, krippendorff those rated at least twice. This takes ratings to be missing at random.

    Standard errors follow Gwet (2014) and irrCAC: linearised over targets, raters taken as they are, t interval with
    n - 1 degrees of freedom. Two raters without gaps are a contingency table, with variance over n. For the ordinal
    level the error of the metric itself is added. They are too large for conger, fleiss, gwet, brennan_prediger and
    percent when many targets were rated once; a bootstrap is not. The bootstrap resamples targets and corrects for
    bias and skewness (BCa). Below about 50 targets, and where nearly all scores are alike, all of these intervals are
    too narrow (coverage in data/evidence/agreement.csv).

    Where one score is nearly always given, raters agree often by chance alone, and kappa is low although the percentage
    is high (the kappa paradox). The text then says what share chance would have brought and how often the rare scores
    are confirmed, ``prevalence`` shows it, and Gwet's AC stands beside.

    Validated against the printed values of Krippendorff (2011) at all four levels and of Gwet's irrCAC; linear and
    quadratic kappa of two raters against statsmodels.

    References
    ----------
    Krippendorff, K. (2011). Computing Krippendorff's Alpha-Reliability. University of Pennsylvania.

    Krippendorff, K. (2004). Content Analysis, 2nd edition. Sage: the rule of thumb 0.667 and 0.80.

    Gwet, K. L. (2014). Handbook of Inter-Rater Reliability, 4th edition. Advanced Analytics.

    Efron, B. (1987). Better bootstrap confidence intervals. JASA 82(397), 171-185.

    Examples
    --------
    >>> import pandas as pd
    >>> visits = pd.DataFrame({
    ...     "outlet": ["A", "A", "B", "B", "C", "C", "D", "D"],
    ...     "shopper": ["x", "y"] * 4,
    ...     "clean": ["yes", "yes", "no", "no", "yes", "no", "yes", "yes"],
    ... })
    >>> result = agreement(visits, target="outlet", rater="shopper", score="clean")
    >>> result.table[["coefficient", "estimate", "n"]].round(3).tail(3)
            coefficient  estimate  n
    4              gwet     0.529  4
    5  brennan_prediger     0.500  4
    6      krippendorff     0.533  4
    """
    checks.confidence(confidence)
    checks.choice("level", level, chance.LEVELS)
    weights = weights or tables.DEFAULTS[level]
    _suits(weights, level)
    whole(bootstraps=bootstraps, seed=seed)
    ratings = read_ratings(data, target=target, rater=rater, score=score)
    scale = read_scale(data, ratings, level, categories)
    codes = ratings.spread(scale.codes, -1)
    _comparable(ratings, codes)
    values, metric = tables.spacing(scale, weights), tables.METRICS[weights]
    panel = chance.panel(codes, values, metric)
    table, lost = tables.coefficients(panel, values, metric, bootstraps, seed, confidence)
    result = AgreementResult(
        table=table,
        raters=tables.raters(panel, ratings, scale, confidence),
        prevalence=tables.prevalence(panel, scale),
        targets=tables.targets(panel, ratings, scale),
        ratings=tables.rows(ratings, scale),
        categories=tuple(scale.labels),
        level=level,
        weights=weights,
        same=tables.same_score(panel),
        names=ratings.names,
        sample=ratings.sample,
        confidence=confidence,
    )
    return replace(result, notes=_notes(result, panel, scale, bootstraps, lost))


def _suits(weights: str, level: str) -> None:
    checks.choice("weights", weights, tables.METRICS)
    fitting = tables.allowed(level)
    if weights not in fitting:
        raise checks.InputError(
            f"weights={weights!r} has no meaning at level={level!r}: {checks.listed(fitting)} "
            f"{'does' if len(fitting) == 1 else 'do'}"
        )


def _comparable(ratings: Ratings, codes: Any) -> None:
    if len(ratings.raters) < 2:
        raise checks.InputError(
            f"rater={ratings.names[1]!r} holds one rater only ({ratings.raters[0]!r}); at least two are needed"
        )
    if ((codes >= 0).sum(1) < 2).all():
        raise checks.InputError(
            f"every {ratings.names[0]} was rated once, so no two scores can be compared; "
            "at least one needs scores from two raters"
        )


def _notes(
    result: AgreementResult, panel: chance.Panel, scale: Scale, bootstraps: int, lost: float
) -> tuple[Words, ...]:
    once, twice, table = int((panel.rated < 2).sum()), int(panel.paired.sum()), result.table
    notes = [words.metric(scale.level, result.weights)]
    if scale.level != "nominal" and not scale.numbers:
        notes.append(words.positions(scale.labels))
    if once:
        notes.append(words.rated_once(once, len(panel.rated), bootstraps > 0))
    if table["estimate"].isna().any():
        notes.append(words.ONE_SCORE)
    elif table["estimate"].iloc[0] > 1 - 1e-12:
        notes.append(words.no_disagreement(twice))
    elif twice == 1:
        notes.append(words.ONE_TARGET)
    elif twice < _FEW_TARGETS:
        notes.append(words.few_targets(twice))
    if result.paradox:
        fleiss, gwet = (result.row(name).estimate for name in ("fleiss", "gwet"))
        notes.append(words.paradox(result.same, fleiss, gwet, float(panel.shares.max())))
    if 0 < bootstraps < _FEW_RESAMPLES:
        notes.append(words.few_resamples(bootstraps))
    if lost > 0:
        notes.append(words.lost_resamples(lost))
    return tuple(notes)
