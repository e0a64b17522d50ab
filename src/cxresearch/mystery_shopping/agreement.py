"""Agreement of raters: whether different people give the same outlet the same score."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pandas as pd

from cxresearch import checks, defaults
from cxresearch.language import Paragraph, Readable, Words
from cxresearch.mystery_shopping import words
from cxresearch.mystery_shopping.ratings import Ratings, Scale, read_ratings, read_scale, whole
from cxresearch.numerics import agreement_bootstrap
from cxresearch.numerics import agreement_errors as errors
from cxresearch.numerics import chance_agreement as chance
from cxresearch.numerics.resampling import bca_interval
from cxresearch.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RELIABLE: Final = 0.8
"""Krippendorff's rule of thumb: rely on scores from here on."""
TENTATIVE: Final = 0.667
"""Krippendorff's rule of thumb: tentative conclusions from here on."""

_FEW_TARGETS: Final = 50  # intervals are too narrow below, by data/evidence/agreement.csv
_FEW_RESAMPLES: Final = 400


@dataclass(frozen=True, kw_only=True)
class AgreementResult(Result):
    """What `agreement` answers with: besides the coefficients, every rater and every target.

    Parameters
    ----------
    raters : DataFrame
        rater; n ratings; mean and spread (standard deviation) of the scores; severity: how many points lower than
        the other raters on the same targets, so above 0 for a strict rater; agreement with the other raters on the
        same targets (0 to 1, before any correction for chance).
    targets : DataFrame
        target; n ratings; mean and spread; lowest and highest score, or at the nominal level the most_common one;
        agreement of its raters (0 to 1). Means and spreads of ordered words count them 1, 2, 3, …; the nominal level
        has none (NaN).
    ratings : DataFrame
        The ratings used: target, rater, score, and place: the score as a number, or its category's position.
    categories : tuple
        The scores that were compared, from lowest to highest where they have an order.
    level : str
        Level of measurement.
    names : tuple of str
        The caller's columns for target, rater and score.
    """

    raters: pd.DataFrame
    targets: pd.DataFrame
    ratings: pd.DataFrame
    categories: tuple[Any, ...]
    level: str
    names: tuple[str, str, str]

    headings: ClassVar[dict[str, Words]] = words.AGREEMENT_HEADINGS

    def row(self, coefficient: str) -> Any:
        """Return one coefficient's row of the table."""
        return self.table.set_index("coefficient").loc[coefficient]

    @property
    def verdict(self) -> str:
        """What the interval of Krippendorff's alpha says by his rule of thumb.

        "reliable": all of it at 0.80 or above. "tentative": all of it at 0.667 or above. "unreliable": all of it
        below 0.667. "open": none of these. "unknown": there is no interval.
        """
        alpha = self.row("krippendorff")
        if np.isnan(alpha.ci_low) or np.isnan(alpha.ci_high):
            return "unknown"
        if alpha.ci_low >= RELIABLE:
            return "reliable"
        if alpha.ci_low >= TENTATIVE:
            return "tentative"
        return "unreliable" if alpha.ci_high < TENTATIVE else "open"

    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say whether the scores can be relied on; with `focus`, a target, what its raters gave it comes first.

        Raises
        ------
        InputError
            If `focus` is not a target.
        """
        return Paragraph(words.agreement_text(self, language, focus))

    def plot(self, language: str = "en", *, focus: Any = None) -> "Axes":
        """Draw every rater's score of every target, `focus` marked.

        Raises
        ------
        InputError
            If `focus` is not a target.
        """
        from cxresearch.mystery_shopping import figures

        return figures.scores(self, language, focus)

    def plot_coefficients(self, language: str = "en") -> "Axes":
        """Draw the coefficients with their intervals."""
        from cxresearch.mystery_shopping import figures

        return figures.coefficients(self, language)

    def readable(
        self, language: str = "en", *, digits: int = 3, part: str = "table", most: int | None = None
    ) -> Readable:
        """Return a table for reading.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of the headings.
        digits : int
            Decimals.
        part : {"table", "raters", "targets"}
            Which table.
        most : int, optional
            Rows at most: of the targets those whose raters agree least, of the raters those who agree least with
            the others, among those with five ratings or more.
        """
        checks.choice("part", part, ("table", "raters", "targets"))
        frame: pd.DataFrame = getattr(self, part)
        if most is not None and len(frame) > most and part != "table":
            frame = words.known(frame) if part == "raters" else frame
            frame = frame.sort_values("agreement", kind="stable").head(most)
        if part != "table" and self.level == "nominal":
            frame = frame.drop(columns=[c for c in words.NUMERIC_ONLY if c in frame])
        # a name made of digits is a name: no thousands are set apart in it
        frame = frame.assign(**{frame.columns[0]: frame.iloc[:, 0].astype(str)})
        counted = Words("ratings", "评分数") if part != "table" else Words("targets", "对象数")
        return Readable(frame, language, digits, self.headings | {"n": counted})


def agreement(
    data: pd.DataFrame,
    *,
    target: str,
    rater: str,
    score: str,
    level: str = "nominal",
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

        ``raters`` and ``targets`` say who is strict and where raters differ. There is no p-value: agreement by
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

    Disagreement of two scores is Krippendorff's squared metric of the level for **all** coefficients, over its
    largest value. nominal: 1 if different. ordinal: squared difference of mid-ranks, so it depends on how often each
    score was used. interval: squared difference. ratio: ((a - b) / (a + b))². The trap: what irrCAC calls ordinal
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

    Validated against the printed values of Krippendorff (2011) at all four levels and of Gwet's irrCAC.

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
    whole(bootstraps=bootstraps, seed=seed)
    ratings = read_ratings(data, target=target, rater=rater, score=score)
    scale = read_scale(data, ratings, level, categories)
    codes = ratings.spread(scale.codes, -1)
    _comparable(ratings, codes)
    panel = chance.panel(codes, scale.points, level)
    table, lost = _table(panel, scale, bootstraps, seed, confidence)
    return AgreementResult(
        table=table,
        raters=_raters(panel, ratings, scale),
        targets=_targets(panel, ratings, scale),
        ratings=_ratings(ratings, scale),
        categories=tuple(scale.labels),
        level=level,
        names=ratings.names,
        sample=ratings.sample,
        notes=_notes(panel, scale, table, bootstraps, lost),
        confidence=confidence,
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


def _table(
    panel: chance.Panel, scale: Scale, bootstraps: int, seed: int, confidence: float
) -> tuple[pd.DataFrame, float]:
    """Return the table, and the largest share of resamples that left a coefficient undefined."""
    estimates = chance.estimates(panel)
    error, used = errors.standard_errors(panel, scale.level)
    rows, lost = [], 0.0
    drawn = (
        agreement_bootstrap.bootstrap(panel.codes, scale.points, scale.level, replicates=bootstraps, seed=seed)
        if bootstraps
        else {}
    )
    shape = errors.influences(panel, scale.level) if bootstraps else {}
    for name, value in estimates.items():
        estimate, se, n = float(value), float(error[name]), int(used[name])
        if bootstraps:
            low, high = bca_interval(estimate, drawn[name], shape[name], confidence)
            known = np.isfinite(drawn[name])
            se = float(np.std(drawn[name][known], ddof=1)) if known.sum() > 1 else np.nan
            lost = max(lost, 1 - float(known.mean()))
        else:
            low, high = (float(end) for end in errors.t_interval(value, error[name], used[name], confidence))
        rows.append((name, estimate, se, max(low, 0.0) if name == "percent" else low, high, n))
    return pd.DataFrame(rows, columns=["coefficient", "estimate", "se", "ci_low", "ci_high", "n"]), lost


def _values(panel: chance.Panel, scale: Scale) -> Any:
    """Scores as numbers, targets × raters, NaN where there is none."""
    return np.where(panel.codes >= 0, scale.points[np.maximum(panel.codes, 0)], np.nan)


def _raters(panel: chance.Panel, ratings: Ratings, scale: Scale) -> pd.DataFrame:
    scores, given = _values(panel, scale), panel.codes >= 0
    others = np.maximum(panel.rated[:, None] - 1, 1)
    shared = given & (panel.rated[:, None] >= 2)
    by_others = (np.nansum(scores, axis=1, keepdims=True) - scores) / others
    apart = np.take_along_axis(panel.distance.times(panel.counts), np.maximum(panel.codes, 0), 1) / others
    frame = pd.DataFrame({"rater": ratings.raters, "n": given.sum(0)})
    frame["mean"], frame["spread"] = _mean(scores, given), _deviation(scores, given)
    frame["severity"] = _mean(by_others - scores, shared)
    frame["agreement"] = _mean(1 - apart, shared)
    return frame


def _targets(panel: chance.Panel, ratings: Ratings, scale: Scale) -> pd.DataFrame:
    scores, given = _values(panel, scale).T, (panel.codes >= 0).T
    codes = panel.codes
    frame = pd.DataFrame({"target": ratings.targets, "n": given.sum(0)})
    frame["mean"], frame["spread"] = _mean(scores, given), _deviation(scores, given)
    if scale.level == "nominal":
        frame["most_common"] = [scale.labels[c] for c in panel.counts.argmax(1)]
    else:
        frame["lowest"] = [scale.labels[c] for c in np.where(codes >= 0, codes, len(scale.labels)).min(1)]
        frame["highest"] = [scale.labels[c] for c in codes.max(1)]
    frame["agreement"] = np.where(panel.rated >= 2, 1 - panel.within, np.nan)
    return frame


def _mean(values: Any, where: Any) -> Any:
    """Return the mean of each column over the marked rows; NaN where there are none."""
    n = where.sum(0)
    return np.where(where, values, 0).sum(0) / np.where(n > 0, n, np.nan)


def _deviation(values: Any, where: Any) -> Any:
    """Return the standard deviation of each column over the marked rows; NaN where there are fewer than two."""
    n, squares = where.sum(0), np.where(where, values - _mean(values, where), 0) ** 2
    return np.sqrt(squares.sum(0) / np.where(n > 1, n - 1, np.nan))


def _ratings(ratings: Ratings, scale: Scale) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "target": [ratings.targets[i] for i in ratings.row],
            "rater": [ratings.raters[i] for i in ratings.column],
            "score": [scale.labels[i] for i in scale.codes],
            "place": scale.codes + 1.0 if not scale.numbers or scale.level == "nominal" else scale.points[scale.codes],
        }
    )


def _notes(panel: chance.Panel, scale: Scale, table: pd.DataFrame, bootstraps: int, lost: float) -> tuple[Words, ...]:
    once, twice = int((panel.rated < 2).sum()), int(panel.paired.sum())
    notes = [words.METRIC[scale.level]]
    if scale.level != "nominal" and not scale.numbers:
        notes.append(words.positions(scale.labels))
    if once:
        notes.append(words.rated_once(once, len(panel.rated), bootstraps > 0))
    percent = table["estimate"].iloc[0]
    if table["estimate"].isna().any():
        notes.append(words.ONE_SCORE)
    elif percent > 1 - 1e-12:
        notes.append(words.no_disagreement(twice))
    elif twice == 1:
        notes.append(words.ONE_TARGET)
    elif twice < _FEW_TARGETS:
        notes.append(words.few_targets(twice))
    if scale.level == "nominal":
        notes.extend(_paradox(panel, table))
    if 0 < bootstraps < _FEW_RESAMPLES:
        notes.append(words.few_resamples(bootstraps))
    if lost > 0:
        notes.append(words.lost_resamples(lost))
    return tuple(notes)


def _paradox(panel: chance.Panel, table: pd.DataFrame) -> list[Words]:
    estimate = table.set_index("coefficient")["estimate"]
    if not (estimate["percent"] >= 0.8 and estimate["gwet"] - estimate["fleiss"] >= 0.2):
        return []
    return [words.paradox(estimate["percent"], estimate["fleiss"], estimate["gwet"], float(panel.shares.max()))]
