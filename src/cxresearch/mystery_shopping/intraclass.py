"""Intraclass correlations: how much of a score is the outlet, and how much the person who gave it."""

from typing import Any

import numpy as np
import pandas as pd

from cxresearch import checks, defaults
from cxresearch.mystery_shopping import icc_fit
from cxresearch.mystery_shopping.icc_results import IccResult
from cxresearch.mystery_shopping.ratings import Ratings, read_ratings, whole

__all__ = ["IccResult", "icc"]


def icc(
    data: pd.DataFrame,
    *,
    target: str,
    rater: str,
    score: str,
    method: str = "auto",
    bootstraps: int = 0,
    seed: int = defaults.SEED,
    confidence: float = defaults.CONFIDENCE,
) -> IccResult:
    """Compute six intraclass correlations; ratings may be missing.

    Decides how far a score can be trusted to tell outlets apart: whether one rater is enough, whether the mean of
    the panel is, and whether raters who are stricter than others do harm.

    Parameters
    ----------
    data : DataFrame
        One row per score, at most one per target and rater; not changed. Rows without a score are left out.
    target : str
        Column that names what was rated: outlet, post, product. Any type.
    rater : str
        Column that names who rated. Any type.
    score : str
        Column of numbers, in any unit; the correlations do not depend on it.
    method : {"auto", "anova", "reml"}
        "anova": mean squares, for complete ratings. "reml": variance components by restricted likelihood, for any.
        "auto": the first where every rater scored every target, else the second.
    bootstraps : int
        Resamples of the targets for the intervals of complete ratings, raters staying as they are; 0 for the closed
        form. For scores far from normal.
    seed : int
        Seed of the resampling, and of the draws behind the intervals of the forms A by "reml".
    confidence : float
        Coverage probability of the intervals.

    Returns
    -------
    IccResult
        ``table`` has a row for each form, and the columns

        - form : "ICC(1,1)", "ICC(A,1)", "ICC(C,1)", "ICC(1,k)", "ICC(A,k)", "ICC(C,k)"
        - estimate : share of the variance of scores (1) or mean scores (k) that is the targets'; at most 1
        - f, df1, df2, p_value : F test that the targets do not differ at all, with gaps cleared of the raters
        - ci_low, ci_high : interval
        - n : number of targets

        ``components`` and ``mean_squares`` hold what these are made of. ``raters_needed(0.8)`` says how many
        raters' mean would be reliable enough.

    Raises
    ------
    InputError
        If a column is missing, scores are not finite numbers, a rater scored a target twice, there is one target
        or one rater only, or every target was rated once; by "anova", and with `bootstraps`, if a score is missing.

    Notes
    -----
    Which form answers which question. A (absolute): would other raters give the same score? Raters who are
    stricter than others count as error; this is the form for scores that are compared with a standard, or given by
    different people. C (consistency): do raters put the targets in the same order and at the same distances?
    Strictness is set aside; right where the same raters score all targets that are compared. 1: each target had
    raters of its own, drawn anew; with crossed ratings this form is too low when raters differ, and its interval is
    then wrong. The second index: 1 for one rater's score, k for the mean over all k raters.

    Two-way random effects without interaction. Raters are taken as a sample of the raters who could have scored,
    gaps as missing at random. k is the number of raters on complete ratings, else the harmonic mean of the ratings per
    target.

    "anova": from mean squares. Intervals of the forms 1 and C invert the F distribution and are exact for normal
    scores. Those of A use Satterthwaite's degrees of freedom, as McGraw and Wong give them: approximate, and too narrow
    when few raters differ much in strictness (coverage 72 % instead of 95 % at worst, two raters with three times the
    residual variance). A negative component is reported as it is, and the correlation then is below 0.

    "reml": components from `numerics.reml`, those of the forms 1 from targets alone; never negative. Intervals do not
    lean on the likelihood. Forms 1 and C: Wald's (1947) interval, as Seely and El-Bassiouni extend it, exact for normal
    scores and any pattern of gaps; on complete ratings the closed one. Form A: generalized interval (Weerahandi 1993)
    from the same sums of squares; it covered 93 to 97 % in simulation, with two raters too. Ends below 0 are cut.
    Above 2,000 targets or raters all intervals come from REML's asymptotic errors, and there is no F test. Where
    each rater scored one target only, raters and targets cannot be told apart: forms A and C are NaN.

    The bootstrap resamples targets, with correction for bias and skewness (BCa), and speaks of these raters: their
    luck in strictness is not in it. It is for scores far from normal: with skewed targets the exact intervals covered
    76 to 82 % whatever the number of targets, the bootstrap 84 % with 20 of them, 88 % with 50 and 91 % with 200; for
    normal scores it needs 50. Coverage of all of these: data/evidence/agreement.csv and intraclass.csv.

    It cannot treat repeated scores of a target by the same rater, or an interaction apart from the residual:
    `g_study` can.

    Validated against Shrout and Fleiss (1979), whose table it reproduces, and against pingouin; with gaps against
    lme4, and against the closed form on complete ratings.

    References
    ----------
    McGraw, K. O. & Wong, S. P. (1996). Forming inferences about some intraclass correlation coefficients.
    Psychological Methods 1(1), 30-46. Corrected in 1(4), 390.

    Shrout, P. E. & Fleiss, J. L. (1979). Intraclass correlations: uses in assessing rater reliability.
    Psychological Bulletin 86(2), 420-428.

    Seely, J. F. & El-Bassiouni, Y. (1983). Applying Wald's variance component test. Annals of Statistics 11(1),
    197-201.

    Weerahandi, S. (1993). Generalized confidence intervals. JASA 88(423), 899-905.

    ten Hove, D., Jorgensen, T. D. & van der Ark, L. A. (2022). Updated guidelines on selecting an intraclass
    correlation coefficient for interrater reliability, with applications to incomplete observational designs.
    Psychological Methods.

    Koo, T. K. & Li, M. Y. (2016). A guideline of selecting and reporting intraclass correlation coefficients.
    Journal of Chiropractic Medicine 15(2), 155-163: the rule of thumb poor < 0.5 < moderate < 0.75 < good < 0.9.

    Examples
    --------
    Shrout and Fleiss's six targets and four judges:

    >>> import pandas as pd
    >>> scores = [9, 2, 5, 8, 6, 1, 3, 2, 8, 4, 6, 8, 7, 1, 2, 6, 10, 5, 6, 9, 6, 2, 4, 7]
    >>> data = pd.DataFrame({"target": [t for t in range(6) for _ in range(4)], "judge": list("abcd") * 6})
    >>> result = icc(data.assign(score=scores), target="target", rater="judge", score="score")
    >>> result.table[["form", "estimate", "ci_low", "ci_high"]].round(2).head(3)
           form  estimate  ci_low  ci_high
    0  ICC(1,1)      0.17   -0.13     0.72
    1  ICC(A,1)      0.29    0.02     0.76
    2  ICC(C,1)      0.71    0.34     0.95

    The same with a quarter of the scores missing:

    >>> gaps = data.assign(score=scores).iloc[[0, 1, 2, 4, 5, 7, 9, 10, 11, 12, 13, 15, 16, 18, 19, 20, 22, 23]]
    >>> result = icc(gaps, target="target", rater="judge", score="score")
    >>> result.method, result.k
    ('reml', 3.0)
    """
    checks.confidence(confidence)
    checks.choice("method", method, ("auto", "anova", "reml"))
    whole(bootstraps=bootstraps, seed=seed)
    ratings = read_ratings(data, target=target, rater=rater, score=score)
    scores = ratings.spread(checks.numbers(data, "score", score)[ratings.kept], np.nan)
    _enough(ratings)
    missing = float(np.isnan(scores).mean())
    if method == "auto":
        method = "reml" if missing and not bootstraps else "anova"
    if method == "anova":
        _complete(ratings, scores, bootstraps)
        found = icc_fit.closed(ratings, scores, bootstraps, seed, confidence)
    else:
        _not_resampled(bootstraps)
        found = icc_fit.likelihood(ratings, scores, seed, confidence)
    return IccResult(
        table=found.table,
        components=found.components,
        mean_squares=found.mean_squares,
        method=method,
        targets=found.targets,
        k=found.k,
        missing=missing,
        names=ratings.names,
        sample=ratings.sample,
        notes=found.notes,
        confidence=confidence,
    )


def _enough(ratings: Ratings) -> None:
    for what, found, name in (
        ("target", ratings.targets, ratings.names[0]),
        ("rater", ratings.raters, ratings.names[1]),
    ):
        if len(found) < 2:
            raise checks.InputError(
                f"{what}={name!r} holds one {what} only ({found[0]!r}); at least two are needed to compare them"
            )
    if len(ratings.row) == len(ratings.targets):
        raise checks.InputError(
            f"every {ratings.names[0]} was rated once, so chance cannot be told from the {ratings.names[0]}; "
            "at least one needs scores from two raters"
        )


def _complete(ratings: Ratings, scores: Any, bootstraps: int) -> None:
    missing = np.argwhere(np.isnan(scores))
    if not len(missing):
        return
    target, rater, _ = ratings.names
    pairs = [f"{target} {ratings.targets[i]!r} by {rater} {ratings.raters[j]!r}" for i, j in missing]
    needs = f"bootstraps={bootstraps}" if bootstraps else "method='anova'"
    instead = "bootstraps=0" if bootstraps else "method='auto'"
    raise checks.InputError(
        f"{len(missing):,} of {scores.size:,} scores are missing: {checks.listed(pairs, 3)}; {needs} needs every "
        f"rater's score for every target. Use {instead}, which allows gaps"
    )


def _not_resampled(bootstraps: int) -> None:
    if bootstraps:
        raise checks.InputError(f"bootstraps={bootstraps} goes with method='anova', which needs complete ratings")
