"""Generalizability studies: where differences between scores come from, and how many visits a judgement needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pandas as pd

from cxresearch import checks, defaults
from cxresearch.language import Paragraph, Words
from cxresearch.mystery_shopping import generalizability_decisions as decisions
from cxresearch.mystery_shopping import generalizability_fit as fitting
from cxresearch.mystery_shopping import generalizability_notes as notes
from cxresearch.mystery_shopping import generalizability_words as words
from cxresearch.mystery_shopping.generalizability_design import read_design
from cxresearch.mystery_shopping.generalizability_nouns import Noun, nouns
from cxresearch.mystery_shopping.generalizability_rows import Rows, read_rows
from cxresearch.mystery_shopping.generalizability_weights import Decision, decide
from cxresearch.numerics.modified_large_sample import Squares
from cxresearch.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Method = Literal["reml", "anova"]


@dataclass(frozen=True, kw_only=True)
class GStudyResult(Result):
    """What `g_study` answers with; `d_study` and `visits_needed` go on from here.

    Parameters
    ----------
    studied : DataFrame
        facet, size: how many levels of each facet of error a score of one object rests on, on average (harmonic mean
        over objects); the row "scores per cell" tells repeated scores.
    targets : DataFrame
        target; n (scores); mean of its scores; margin: half the width of an interval for what infinitely many such
        scores would give on average, in points, components taken as known (absolute error).
    method : {"reml", "anova"}
        How the components were estimated.
    squares : Squares
        Independent mean squares behind the components.
    decision : Decision
        The design, as decision studies use it.
    nouns : dict of str to Noun
        What the levels of each facet are called in sentences.
    """

    studied: pd.DataFrame
    targets: pd.DataFrame
    method: Method
    squares: Squares
    decision: Decision
    nouns: dict[str, Noun]

    headings: ClassVar[dict[str, Words]] = words.HEADINGS

    def d_study(
        self,
        sizes: Mapping[str, Any] | None = None,
        *,
        fixed: Sequence[str] = (),
        nested: Sequence[str] = (),
        costs: Mapping[str, float] | None = None,
    ) -> decisions.DStudyResult:
        """Say how dependable scores would be with other numbers of visits, shoppers or items.

        Parameters
        ----------
        sizes : mapping of str to int or list of int, optional
            Facet → how many levels of it a score of one object rests on; lists are crossed. A facet that is left out
            keeps the size it had in the study. A nested facet counts per level of what it is nested in (raters per
            task). A crossed facet that stays the same throughout a visit counts one per visit if left out, and no more
            than that otherwise. ``"scores per cell"`` counts repeated scores.
        fixed : sequence of str
            Facets whose levels studied are all there is: these items, these tasks. Their interaction with the object
            then belongs to what is judged, and they add no error (Brennan 2001, section 4.3; their size stays).
        nested : sequence of str
            Facets of which each object will get levels of its own, although the study crossed them: other shoppers for
            each outlet. Their differences then hinder comparison too, and g falls towards phi.
        costs : mapping of str to float, optional
            Price of one visit, item, shopper … for one object: each price is paid as often as the facet occurs, or the
            combination, as in ``{"visit": 200, "visit x item": 3}``.

        Returns
        -------
        DStudyResult
            ``table``: the sizes; g, phi; error_relative, error_absolute (variances, squared points); sem_relative,
            sem_absolute (their roots, points); for each of these ``…_ci_low`` and ``…_ci_high``; cost, if priced.

        Raises
        ------
        InputError
            If a facet is unknown, a size is not a whole number of at least 1, or a facet cannot be fixed.
        """
        rules = decide(self.decision, fixed=fixed, nested=nested)
        return decisions.d_study(self, rules, dict(sizes or {}), dict(costs or {}))

    def visits_needed(
        self,
        facet: str,
        target: float = 0.8,
        coefficient: str = "phi",
        sizes: Mapping[str, Any] | None = None,
        *,
        fixed: Sequence[str] = (),
        nested: Sequence[str] = (),
        costs: Mapping[str, float] | None = None,
    ) -> decisions.VisitsResult:
        """Find the smallest number of visits, raters or items that makes scores dependable enough.

        Parameters
        ----------
        facet : str
            Facet of error whose number is looked for.
        target : float
            Coefficient to reach, between 0 and 1.
        coefficient : {"phi", "g"}
            phi: scores are held against a standard. g: objects are only compared with each other.
        sizes : mapping of str to int, optional
            Sizes of the other facets, as in `d_study`.
        fixed, nested, costs
            As in `d_study`.

        Returns
        -------
        VisitsResult
            ``table``, one row: facet, target, coefficient; size, ci_low, ci_high (before rounding); needed, needed_low,
            needed_high (rounded up; infinite where the data do not bound it or no number will do); limit,
            limit_ci_low, limit_ci_high: the coefficient with infinitely many; reachable; cost per object.
            ``curve``: the coefficient by size. ``rules``: what the industry's rules of thumb reach.

        Raises
        ------
        InputError
            If `facet` is no facet of error or is fixed, `target` is not between 0 and 1, or as for `d_study`.
        """
        rules = decide(self.decision, fixed=fixed, nested=nested)
        return decisions.visits_needed(self, rules, facet, target, coefficient, dict(sizes or {}), dict(costs or {}))

    def row(self, component: str) -> Any:
        """Return one component's row of the table."""
        checks.choice("component", component, self.table["component"])
        return self.table.set_index("component").loc[component]

    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say where the differences come from, and how dependable scores are as they were collected.

        Raises
        ------
        InputError
            If `focus` is not one of the objects.
        """
        return Paragraph(words.study(self, language, focus))

    def plot(self, language: str = "en", *, focus: Any = None) -> "Axes":
        """Draw the components as shares of the differences between single scores, with intervals.

        The components belong to all objects, so `focus` changes nothing here.

        Raises
        ------
        InputError
            If `focus` is not one of the objects.
        """
        from cxresearch.mystery_shopping import generalizability_figures as figures

        if focus is not None:
            words.place(self, focus)
        return figures.components(self, language)


def g_study(
    data: pd.DataFrame,
    *,
    score: str,
    design: str,
    object: str,  # noqa: A002 - the field's word
    crossed: Sequence[str] = (),
    method: Method = "reml",
    labels: Mapping[str, Any] | None = None,
    confidence: float = defaults.CONFIDENCE,
) -> GStudyResult:
    """Divide the differences between scores among what causes them: outlets, visits, shoppers, items, chance.

    Decides how far a score can be trusted beyond the visits, shoppers and items it happens to rest on, and, through
    ``visits_needed``, how many of them a judgement needs.

    Parameters
    ----------
    data : DataFrame
        One row per score; not changed.
    score : str
        Column of numbers, in any unit.
    design : str
        The design in the field's notation, with columns as facets: ``a x b`` is crossed (every a with every b), ``a:b``
        is a nested in b (each b has its own a). ``"outlet x shopper x item"``, ``"(shopper:outlet) x item"``,
        ``"(visit:outlet) x item"``. A column whose name holds blanks stands in backquotes. Levels of a nested facet
        may be numbered anew in each level of what it is nested in.
    object : str
        Facet that is judged. What it is nested in belongs to it: lecturers in departments are compared across all.
    crossed : sequence of str
        Further facets that cut across the design sparsely, such as shoppers who each visit some outlets; each adds one
        component. ``"shopper x item"`` adds an interaction.
    method : {"reml", "anova"}
        "reml" takes any design, unbalanced and incomplete; "anova" balanced complete ones, and can find components
        below zero. On balanced data without such they agree.
    labels : mapping of str to list of str, optional
        What a facet's levels are called in sentences: English for one and for many, Chinese, and its measure word, as
        in ``{"s": ["rating", "ratings", "评分", "份"]}``.
    confidence : float
        Coverage probability of the intervals.

    Returns
    -------
    GStudyResult
        ``table`` has a row for each component, the residual last, and the columns

        - component : in the field's notation, ``outlet``, ``visit:outlet``, ``(visit x item):outlet``; ``residual``
        - variance : squared points
        - percent : of the differences between single scores (0 to 100; a negative variance counts as 0)
        - se : standard error
        - ci_low, ci_high : interval, at least 0
        - n : levels; for the residual, scores

    Raises
    ------
    InputError
        If the design cannot be read, a column is missing, or scores are not finite numbers; if a facet or the object
        has one level only, each object has one score only, or all scores are the same; if the components cannot be told
        apart in these rows; with "anova", if the design is not balanced.

    Notes
    -----
    All facets are random in the study itself: its components are per single level (Brennan's conventions). Facets are
    fixed in decisions, by the rules of Brennan (2001, section 4.3). In a decision each component is divided by the
    sizes of the facets of error in it; what varies with the object is relative error, the rest of error is absolute
    only, except that facets of which each object has its own, crossed ones included, count in both. Then
    Eρ² = universe / (universe + relative error) and Φ = universe / (universe + absolute error).

    REML is estimated by `numerics.reml`. Intervals: modified large-sample (Ting et al. 1990) on the independent mean
    squares of a balanced design; for other designs, on uncorrelated combinations of components found by factoring the
    covariance of the estimates, with degrees of freedom that their variances imply (Satterthwaite). Both give the same
    in a balanced design. Components that REML holds at zero are let go by one scoring step (MIVQUE) for intervals and
    standard errors only. Intervals of Eρ² and Φ are the values at which (1 − ρ) universe − ρ error may be zero, that of
    the number of visits the numbers at which this holds for the target: all exact for one facet in a balanced design.
    In 4,000 replications each of 12 designs, small and unbalanced ones among them, they held the truth in 94 % or more,
    and too often rather than too seldom where levels are few (data/evidence/generalizability.csv). They suppose normal
    effects of constant variance.

    It cannot treat scores that are correlated in other ways (days close to each other), weights, or several scores at
    once (multivariate generalizability). Ordinal scores count as points.

    Validated against Brennan's (2001) four data sets, the EduG decision study, and lme4 (InstEval, Penicillin).

    References
    ----------
    Brennan, R. L. (2001). Generalizability Theory. Springer.

    Cronbach, L. J., Gleser, G. C., Nanda, H. & Rajaratnam, N. (1972). The Dependability of Behavioral Measurements.
    Wiley.

    Ting, N., Burdick, R. K., Graybill, F. A., Jeyaratnam, S. & Lu, T.-F. C. (1990). Confidence intervals on linear
    combinations of variance components that are unrestricted in sign. Journal of Statistical Computation and
    Simulation 35, 135-143.

    Examples
    --------
    Six wines scored by four judges (Shrout and Fleiss 1979): how many judges make a score dependable?

    >>> import pandas as pd
    >>> scores = [9, 2, 5, 8, 6, 1, 3, 2, 8, 4, 6, 8, 7, 1, 2, 6, 10, 5, 6, 9, 6, 2, 4, 7]
    >>> data = pd.DataFrame({"wine": [w for w in range(6) for _ in range(4)], "judge": list("abcd") * 6})
    >>> study = g_study(data.assign(score=scores), score="score", design="wine x judge", object="wine")
    >>> study.table[["component", "variance", "percent"]].round(2)
      component  variance  percent
    0      wine      2.56    28.98
    1     judge      5.24    59.46
    2  residual      1.02    11.56
    >>> study.visits_needed("judge").table[["needed", "needed_low", "needed_high"]]
       needed  needed_low  needed_high
    0    10.0         2.0        136.0
    """
    checks.confidence(confidence)
    checks.choice("method", method, ("reml", "anova"))
    checks.columns(data, score=score)
    plan = read_design(design, object=object, crossed=crossed, columns=[str(c) for c in data.columns])
    called = nouns((*plan.facets, *plan.crossed), labels)
    rows = read_rows(data, plan, score)
    found = fitting.estimate(rows, method)
    base = Decision(plan=plan, sets=tuple(e.facets for e in found.effects), studied=rows.studied, carried=rows.carried)
    base = decide(base, fixed=(), nested=())
    return GStudyResult(
        table=fitting.table(found, rows, confidence),
        sample=rows.sample,
        notes=(*found.remarks, *notes.study(rows, method, called)),
        confidence=confidence,
        studied=pd.DataFrame({"facet": list(rows.studied), "size": list(rows.studied.values())}),
        targets=_targets(rows, found, confidence),
        method=method,
        squares=found.squares,
        decision=base,
        nouns=called,
    )


def _targets(rows: Rows, found: fitting.Estimate, confidence: float) -> pd.DataFrame:
    """Return each object's mean and how far very many scores of its kind may lie from it."""
    from scipy import stats

    count, mean, share = rows.places()
    kept = {e.name: v for e, v in zip(found.effects, np.maximum(found.variance, 0), strict=True)}
    columns = [*(e.name for e in rows.plan.effects), found.effects[-1].name]
    judged = [e.facets <= rows.plan.judged for e in rows.plan.effects]
    error = np.array([0.0 if own else kept.get(name, 0.0) for name, own in zip(columns, [*judged, False], strict=True)])
    margin = stats.norm.ppf((1 + confidence) / 2) * np.sqrt(share @ error)
    return pd.DataFrame({"target": rows.targets, "n": count, "mean": mean, "margin": margin})
