"""From service through loyalty to profit: direct and indirect effects."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from cxresearch import checks, defaults
from cxresearch.language import Paragraph, Readable, Words
from cxresearch.loyalty import mediation_words as words
from cxresearch.loyalty.mediation_fit import Rows, fit, laid_out, prepare
from cxresearch.result import Result

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

BOOTSTRAPS: Final = 2000
FEW_CLUSTERS: Final = 40
"""Below this many clusters or rows, intervals cover too seldom (data/evidence/economics.csv)."""


@dataclass(frozen=True, kw_only=True)
class Mediation(Result):
    """What `mediation` found.

    Parameters
    ----------
    service, loyalty, profit : str
        Columns.
    covariates : tuple of str
        Columns held equal.
    bootstraps, seed : int
        Resamples, and their seed.
    cluster, group : str or None
        Columns.
    draws : dict of str to array
        Each path in every resample.
    rows : Rows
        The rows used.
    """

    service: str
    loyalty: str
    profit: str
    covariates: tuple[str, ...]
    bootstraps: int
    seed: int
    cluster: str | None = None
    group: str | None = None
    draws: dict[str, NDArray[np.float64]] = field(repr=False, compare=False)
    rows: Rows = field(repr=False, compare=False)

    headings: ClassVar[dict[str, Words]] = words.HEADINGS

    def row(self, path: str) -> "pd.Series":
        """Return one row of the table.

        Raises
        ------
        InputError
            If there is no such path.
        """
        checks.choice("path", path, self.table["path"])
        return self.table[self.table["path"] == path].iloc[0]

    def verdict(self, *, smallest: float) -> str:
        """Judge the claim that better service brings more loyal customers, and they bring profit.

        Parameters
        ----------
        smallest : float
            Smallest indirect effect that matters: money per point of service, above 0.

        Returns
        -------
        str
            "supported" if the intervals of both steps and of the indirect effect lie above 0, "contradicted" if the
            interval of the indirect effect ends below `smallest`, otherwise, or if both hold, "undecided". A
            "supported" still takes it that nothing unmeasured moves two of the three.

        Raises
        ------
        InputError
            If `smallest` is not above 0.
        """
        if not smallest > 0:
            raise checks.InputError(f"smallest={smallest!r} must be above 0: the smallest effect that matters")
        low = {path: float(self.row(path)["ci_low"]) for path in ("a", "b", "indirect")}
        above, below = min(low.values()) > 0, bool(self.row("indirect")["ci_high"] < smallest)
        if above == below:
            return "undecided"
        return "supported" if above else "contradicted"

    def compare(self, focus: Any) -> "pd.DataFrame":
        """Compare one group with all others.

        Parameters
        ----------
        focus : object
            A value of the group column.

        Returns
        -------
        DataFrame
            ``part`` ("focus", "rest", "difference"), then the columns of `table`. The difference is focus less rest,
            with intervals from both parts' resamples. No rows where the group cannot be judged: `why_not`.

        Raises
        ------
        InputError
            If there are no groups, or no such group.
        """
        return self.rows.compare(focus, self.bootstraps, self.seed, self.confidence)

    def why_not(self, focus: Any) -> Words | None:
        """Say why a group has no estimate of its own; None if it has one."""
        return self.rows.why_not(focus)

    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say what a point of service goes with, in loyalty and in profit."""
        return words.mediation_text(self, language, focus)

    def readable(
        self, language: str = "en", *, digits: int = 3, focus: Any = None, truth: dict[str, Any] | None = None
    ) -> Readable:
        """Return the table for reading.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of the headings.
        digits : int
            Decimals of fractional numbers.
        focus : optional
            Group to compare with all others instead.
        truth : dict of str to float, optional
            Paths that the data were simulated with.
        """
        table = self.table if focus is None else self.compare(focus)
        if truth is not None and focus is None:
            table = table.copy()
            table.insert(1, "truth", [float(truth[path]) for path in table["path"]])
        return Readable(table, language, digits, self.headings)

    def plot(self, language: str = "en", *, focus: Any = None) -> "Figure":
        """Draw both steps, and the direct and indirect effects with their intervals."""
        from cxresearch.loyalty.mediation_figures import path_plot

        return path_plot(self, language, focus=focus)


def mediation(
    data: "pd.DataFrame",
    *,
    service: str,
    loyalty: str,
    profit: str,
    covariates: str | Sequence[str] = (),
    cluster: str | None = None,
    group: str | None = None,
    bootstraps: int = BOOTSTRAPS,
    seed: int = defaults.SEED,
    confidence: float = defaults.CONFIDENCE,
) -> Mediation:
    """Split what service goes with in profit into what runs through loyalty and what does not.

    Decides whether better service comes with more loyal customers, whether these come with profit at equal service,
    and how much of service's link with profit that path carries (L10).

    Parameters
    ----------
    data : DataFrame
        One row per customer, or per customer and period.
    service, loyalty, profit : str
        Columns: points, points and money; loyalty may be 0 and 1.
    covariates : str or list of str
        Columns held equal in both regressions: what moves two of the three.
    cluster : str, optional
        Column of rows that go together, such as the customer where there are several rows of each.
    group : str, optional
        Column of groups that `focus` may name.
    bootstraps : int
        Resamples of rows, or of clusters, for the indirect effect and the share; at least 200.
    seed : int
        Seed of the resamples.
    confidence : float
        Coverage probability of the intervals.

    Returns
    -------
    Mediation
        ``table``: path, estimate, se, ci_low, ci_high, p_value, n (rows). The paths:

        - a: loyalty, in points, per point of service.
        - b: profit, in money, per point of loyalty, service held equal.
        - total: profit per point of service.
        - direct: profit per point of service, loyalty held equal.
        - indirect: a × b; total = direct + indirect.
        - share_mediated: indirect / total; no p value; NaN where the interval of the total holds 0.

    Raises
    ------
    InputError
        If a column is missing, not numeric or in two roles, never changes or is explained by the others, or there
        are too few rows, clusters or resamples.

    Notes
    -----
    Two least-squares regressions: loyalty on service (slope a), profit on service (direct) and loyalty (b), each
    with the covariates. The four slopes have heteroscedasticity-robust errors (HC3, t with n - k degrees of
    freedom), or clustered ones (t with clusters - 1). The indirect effect, a product, is skew: its interval and the
    share's are percentiles of the bootstrap, which Fritz, Taylor and MacKinnon (2012) prefer to the bias-corrected
    interval that pingouin gives, since that one finds effects where there are none. Its p value is twice the
    smaller share of resamples on one side of 0.

    It cannot tell a cause from a companion: "effects" are effects only if nothing unmeasured moves service and
    loyalty, service and profit, or loyalty and profit, and if loyalty follows service and profit follows loyalty. A
    customer's general good will does all three. Where the link of loyalty with profit differs by service, one number
    does not describe it. With all rows of one date, time's order is not seen.

    With both steps absent the interval of the indirect effect covers too often; with few rows or clusters it may
    cover too seldom: see ``data/evidence/economics.csv``.

    Validated against pingouin's ``mediation_analysis`` (paths, and the bootstrap's spread), statsmodels' robust
    errors, and simulated customers with known truth.

    References
    ----------
    Imai, K., Keele, L., & Tingley, D. (2010). A general approach to causal mediation analysis.
    Psychological Methods, 15, 309-334.

    Fritz, M. S., Taylor, A. B., & MacKinnon, D. P. (2012). Explanation of two anomalous results in statistical
    mediation analysis. Multivariate Behavioral Research, 47, 61-87.

    Heskett, J. L., Jones, T. O., Loveman, G. W., Sasser, W. E., & Schlesinger, L. A. (1994). Putting the
    service-profit chain to work. Harvard Business Review, 72(2), 164-174.

    Examples
    --------
    >>> from cxresearch.data.simulate import profits
    >>> frame, truth = profits()
    >>> result = mediation(frame, service="service", loyalty="loyalty", profit="margin", cluster="customer")
    >>> [round(result.row(path)["estimate"]) for path in ("b", "indirect", "total")]
    [22, 12, 20]
    """
    checks.confidence(confidence)
    if isinstance(bootstraps, bool) or not isinstance(bootstraps, int | np.integer) or bootstraps < 200:
        raise checks.InputError(f"bootstraps={bootstraps!r} must be a whole number of at least 200")
    held = [covariates] if isinstance(covariates, str) else list(covariates)
    rows = prepare(data, service=service, loyalty=loyalty, profit=profit, covariates=held, cluster=cluster, group=group)
    fitted = fit(rows, int(bootstraps), seed)
    return Mediation(
        table=laid_out(fitted, confidence),
        sample=rows.sample,
        notes=_notes(rows, fitted.clusters, fitted.undefined, loyalty),
        confidence=confidence,
        service=service,
        loyalty=loyalty,
        profit=profit,
        covariates=tuple(held),
        bootstraps=int(bootstraps),
        seed=seed,
        cluster=cluster,
        group=group,
        draws=fitted.draws,
        rows=rows,
    )


def _notes(rows: Rows, clusters: int, undefined: int, loyalty: str) -> tuple[Words, ...]:
    notes = [_NOT_CAUSE]
    held = rows.x[:, -2]
    if len(np.unique(held)) == 2:
        notes.append(
            Words(
                f"{loyalty!r} takes two values only: its effects are changes in the chance of the higher one.",
                f"“{loyalty}”只取两个值：效应即取较高值之概率的变化。",
            )
        )
    if clusters < FEW_CLUSTERS:
        what = Words("clusters" if rows.clustered else "rows", "个聚类" if rows.clustered else "行")
        notes.append(
            Words(
                f"With {clusters} {what('en')} only, the intervals may cover too seldom.",
                f"只有 {clusters} {what('zh')}，区间可能偏窄。",
            )
        )
    if undefined:
        notes.append(
            Words(f"{undefined} resamples had no solution and are left out.", f"有 {undefined} 次重抽样无解，已略去。")
        )
    return tuple(notes)


_NOT_CAUSE: Final = Words(
    "These are associations. They are effects only if nothing unmeasured, such as a customer's general good will, "
    "moves two of the three, and if service comes first and profit last.",
    "这些是相关关系。只有当没有未测量的因素（例如客户一贯的好感）同时影响三者中的两者，且服务在先、利润在后，才能看作因果效应。",
)
