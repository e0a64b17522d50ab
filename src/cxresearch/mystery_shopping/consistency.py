"""Internal consistency: whether the items of a checklist measure one thing, and may be added up."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from cxresearch import checks, defaults
from cxresearch.language import Words
from cxresearch.mystery_shopping import consistency_words as words
from cxresearch.mystery_shopping.consistency_results import ConsistencyResult, Factor
from cxresearch.numerics import consistency as numeric
from cxresearch.numerics import item_covariance, one_factor
from cxresearch.result import Sample

__all__ = ["ConsistencyResult", "internal_consistency"]

_FEW_ROWS: Final = 30
_REDUNDANT: Final = 0.95


def internal_consistency(
    data: pd.DataFrame,
    *,
    items: Sequence[str],
    missing: str = "em",
    confidence: float = defaults.CONFIDENCE,
) -> ConsistencyResult:
    """Compute how far the items of a checklist or questionnaire hang together; answers may be missing.

    Decides whether items may be added up to one score, how reliable that score is as far as the choice of items goes,
    and which item does not belong.

    Parameters
    ----------
    data : DataFrame
        One row per visit or respondent, one column per item; not changed.
    items : sequence of str
        Two columns of numbers or more, all of them pointing the same way: turn reversed items round first.
    missing : {"em", "listwise"}
        What to do with rows that lack an answer. "em": every answer is used, means and covariances are estimated by
        maximum likelihood. "listwise": rows that lack one are left out.
    confidence : float
        Coverage probability of the intervals.

    Returns
    -------
    ConsistencyResult
        ``table`` has a row for each coefficient, and the columns

        - coefficient : "alpha" (Cronbach), "omega" (McDonald's omega total), "alpha_standardised" (alpha of items
          brought to equal variance), "lambda2" (Guttman)
        - estimate : share of the variance of the sum that the items have in common; at most 1
        - se : standard error, asymptotic, for normal answers
        - ci_low, ci_high : interval
        - n : rows used

        ``items`` says of each item how it goes with the others, and alpha without it. ``factor`` says whether one
        factor describes the items.

    Raises
    ------
    InputError
        If a column is missing, given twice or no numbers; there are fewer than two items; fewer than two rows are
        left; or, by "em", two items were never answered together.

    Notes
    -----
    alpha: k/(k-1) (1 - sum of the items' variances / variance of their sum). Its interval is Feldt's, exact for normal
    items with equal variances and covariances. omega: from one factor fitted by maximum likelihood to the covariances,
    (Σ loadings)² / ((Σ loadings)² + Σ unique variances), so the denominator is the variance of the sum by the model;
    it allows items to differ in how strongly they tell of the factor, where alpha is then too low. Undefined for two
    items. The intervals of omega, standardised alpha and lambda 2 are normal on the scale of log(1 - coefficient), with
    standard errors from the asymptotic covariance of covariances.

    Missing answers. "em" is right where whether an item was answered depends on the answers that are there at most
    (missing at random); leaving rows out is right only where it depends on nothing, and loses the answers in them.
    Covariances pair by pair, which pingouin and psych take, need the same as leaving rows out, and may contradict one
    another. Feldt's interval then takes the number of complete rows that would give alpha the same standard error
    (``effective``).

    All of this takes rows as independent. Items of several visits to the same outlet, or by the same shopper, are not,
    and the intervals are then too narrow. Consistency says nothing about whether another shopper would agree:
    `agreement` and `icc` do. With many items alpha is high even where they measure several things: see ``factor``.
    Coverage of the intervals: data/evidence/consistency.csv.

    Validated against R's psych (alpha, its interval and error, item-rest correlations, alpha without each item, lambda
    2), lavaan (omega), and pingouin.

    References
    ----------
    Cronbach, L. J. (1951). Coefficient alpha and the internal structure of tests. Psychometrika 16(3), 297-334.

    Feldt, L. S. (1965). The approximate sampling distribution of Kuder-Richardson reliability coefficient twenty.
    Psychometrika 30(3), 357-370.

    McDonald, R. P. (1999). Test Theory: A Unified Treatment. Erlbaum.

    Guttman, L. (1945). A basis for analyzing test-retest reliability. Psychometrika 10(4), 255-282.

    Nunnally, J. C. & Bernstein, I. H. (1994). Psychometric Theory, 3rd edition. McGraw-Hill: the rule of thumb 0.70,
    and 0.90 where single people are judged.

    Examples
    --------
    >>> import pandas as pd
    >>> visits = pd.DataFrame({
    ...     "greeting": [5, 4, 2, 3, 5, 1, 4, 2],
    ...     "clarity": [4, 4, 3, 2, 5, 2, 3, 1],
    ...     "patience": [5, 3, 2, 3, 4, 1, None, 2],
    ... })
    >>> result = internal_consistency(visits, items=["greeting", "clarity", "patience"])
    >>> result.table[["coefficient", "estimate", "ci_low", "ci_high"]].round(2).head(2)
      coefficient  estimate  ci_low  ci_high
    0       alpha      0.93    0.76     0.98
    1       omega      0.95    0.82     0.99
    """
    checks.confidence(confidence)
    checks.choice("missing", missing, ("em", "listwise"))
    names = _names(data, items)
    answers = np.column_stack([checks.numbers(data, "items", name) for name in names])
    kept = ~np.isnan(answers).any(1) if missing == "listwise" else ~np.isnan(answers).all(1)
    x = answers[kept]
    _enough(x, names, len(data))
    found = item_covariance.moments(x)
    factor = _factor(found.covariance)
    effective = _effective(found)
    reason = words.UNANSWERED if missing == "listwise" else words.ALL_UNANSWERED
    return ConsistencyResult(
        table=_table(found, factor, effective, confidence),
        items=_items(x, names, found, factor),
        factor=_fit(found.covariance, factor, effective),
        effective=effective,
        missing=float(np.isnan(x).mean()),
        sample=Sample(len(data), len(x), ((reason, int((~kept).sum())),), {"items": len(names)}),
        notes=_notes(x, names, found, factor, effective),
        confidence=confidence,
    )


def _names(data: pd.DataFrame, items: Sequence[str]) -> list[str]:
    if isinstance(items, str):
        raise checks.InputError(f"items={items!r} is one column; a list of two or more is needed")
    names = list(items)
    checks.columns(data, items=names)
    if len(names) < 2:
        raise checks.InputError(f"items={names!r}: two items or more are needed, to see whether they go together")
    again = [name for name in names if names.count(name) > 1]
    if again:
        raise checks.InputError(f"items holds {again[0]!r} {names.count(again[0])} times; each item once")
    return names


def _enough(x: Any, names: list[str], rows: int) -> None:
    if len(x) < 2:
        raise checks.InputError(
            f"{len(x)} of {rows} rows can be used; two or more are needed to see items vary together"
        )
    together = (~np.isnan(x)).astype(float)
    counts = together.T @ together
    if (counts < 2).any():
        i, j = np.argwhere(counts < 2)[0]
        what = f"{names[i]!r} was" if i == j else f"{names[i]!r} and {names[j]!r} were"
        raise checks.InputError(
            f"items: {what} answered {'together ' if i != j else ''}in {counts[i, j]:.0f} rows, and two or more are "
            "needed; leave one out"
        )


def _factor(covariance: Any) -> one_factor.OneFactor | None:
    """Fit one factor; None where it is undefined: two items, or items that others determine."""
    if len(covariance) < 3 or not item_covariance.definite(covariance):
        return None
    return one_factor.fit(covariance)


def _effective(found: item_covariance.Moments) -> float:
    """Return how many complete rows would tell as much of alpha."""
    covariance, n = found.covariance, float(found.rows.sum())
    if found.answered.all() or not covariance.sum() > 0:
        return n
    slope = numeric.alpha_slope(covariance)
    complete = 2 / n * float((slope @ covariance * (covariance @ slope)).sum())
    actual = item_covariance.variance(found, slope)
    return n * complete / actual if actual > 0 and complete > 0 else n


def _table(
    found: item_covariance.Moments, factor: one_factor.OneFactor | None, effective: float, confidence: float
) -> pd.DataFrame:
    covariance, n, nothing = found.covariance, int(found.rows.sum()), (np.nan,) * 4
    rows = []
    for name, function in (
        ("alpha", numeric.alpha),
        ("standardised", numeric.standardised_alpha),
        ("2", numeric.lambda2),
    ):
        estimate = function(covariance)
        if np.isnan(estimate):
            rows.append(nothing)
            continue
        exact = numeric.alpha_slope(covariance) if name == "alpha" else item_covariance.slope(function, covariance)
        error = float(np.sqrt(item_covariance.variance(found, exact)))
        ends = (
            numeric.feldt(estimate, effective, len(covariance), confidence)
            if name == "alpha"
            else numeric.log_interval(estimate, error, confidence)
        )
        rows.append((estimate, error, *ends))
    if factor is not None:
        error = float(np.sqrt(item_covariance.variance(found, one_factor.omega_slope(factor, covariance))))
        rows.insert(1, (factor.omega, error, *numeric.log_interval(factor.omega, error, confidence)))
    else:
        rows.insert(1, nothing)
    frame = pd.DataFrame(rows, columns=["estimate", "se", "ci_low", "ci_high"])
    frame.insert(0, "coefficient", ["alpha", "omega", "alpha_standardised", "lambda2"])
    return frame.assign(n=n)


def _items(
    x: Any, names: list[str], found: item_covariance.Moments, factor: one_factor.OneFactor | None
) -> pd.DataFrame:
    spread, n = np.sqrt(np.diag(found.covariance)), len(x)
    known = factor is not None
    return pd.DataFrame(
        {
            "item": names,
            "n": (~np.isnan(x)).sum(0),
            "mean": found.mean,
            "sd": spread * np.sqrt(n / (n - 1)),
            "item_rest": numeric.item_rest(found.covariance),
            "alpha_without": numeric.alpha_without(found.covariance),
            "loading": factor.loading / spread if known and factor is not None else np.nan,
        }
    )


def _fit(covariance: Any, factor: one_factor.OneFactor | None, effective: float) -> Factor | None:
    from scipy import special

    k = len(covariance)
    if factor is None or k < 4:  # three items are described by one factor whatever they are
        return None
    spread = np.sqrt(np.diag(covariance))
    apart = ((covariance - factor.implied) / np.outer(spread, spread))[np.tril_indices(k)]
    chi2, df = effective * factor.discrepancy, k * (k - 3) // 2
    return Factor(
        chi2=float(chi2), df=df, p_value=float(special.chdtrc(df, chi2)), srmr=float(np.sqrt((apart**2).mean()))
    )


def _notes(
    x: Any,
    names: list[str],
    found: item_covariance.Moments,
    factor: one_factor.OneFactor | None,
    effective: float,
) -> tuple[Words, ...]:
    covariance, gaps = found.covariance, float(np.isnan(x).mean())
    if not covariance.sum() > 0:
        return (words.NO_VARIANCE,)
    rest, alpha = numeric.item_rest(covariance), numeric.alpha(covariance)
    constant = [name for name, value in zip(names, np.diag(covariance), strict=True) if not value > 0]
    against = [name for name, value in zip(names, rest, strict=True) if value < 0]
    fit = _fit(covariance, factor, effective)
    said = [
        (gaps > 0, words.estimated(gaps, len(x), effective)),
        (not found.converged, words.NOT_CONVERGED),
        (bool(constant), words.constant(constant)),
        (bool(against), words.against(against)),
        (factor is None, words.TWO_ITEMS if len(names) == 2 else words.DETERMINED),
        (factor is not None and factor.at_bound.any(), words.HEYWOOD),
        (factor is not None and not factor.converged, words.NO_FACTOR),
        (fit is not None and fit.poor, words.several(fit)),
        (alpha > _REDUNDANT, words.REDUNDANT),
        (effective < _FEW_ROWS, words.few_rows(len(x))),
    ]
    return tuple(note for needed, note in said if needed)
