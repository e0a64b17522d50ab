"""Intraclass correlations: how much of a score is the outlet, and how much the person who gave it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pandas as pd

from cxresearch import checks, defaults
from cxresearch.language import Paragraph, Readable, Words
from cxresearch.mystery_shopping import icc_words, words
from cxresearch.mystery_shopping.ratings import Ratings, read_ratings
from cxresearch.numerics import reliability as numeric
from cxresearch.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FEW_RATERS: Final = 6
"""Up to here the approximate interval of the A forms is too narrow when raters differ much (data/evidence)."""


@dataclass(frozen=True, kw_only=True)
class IccResult(Result):
    """What `icc` answers with: besides the six forms, the components and mean squares they are made of.

    Parameters
    ----------
    components : DataFrame
        component ("target", "rater", "residual"); variance in squared points, as estimated, so possibly below 0;
        share of the total (0 to 1, a negative variance counting as 0).
    mean_squares : DataFrame
        source ("target", "rater", "residual", "within"), df, mean_square.
    k : int
        Number of raters whose mean the forms ending in k judge.
    targets : DataFrame
        target; mean of its k scores; margin: half the width of an interval for what infinitely many such raters
        would give on average, in points (the same for all targets; absolute error).
    names : tuple of str
        The caller's columns for target, rater and score.
    """

    components: pd.DataFrame
    mean_squares: pd.DataFrame
    targets: pd.DataFrame
    k: int
    names: tuple[str, str, str]

    headings: ClassVar[dict[str, Words]] = icc_words.HEADINGS

    def row(self, form: str) -> Any:
        """Return one form's row of the table."""
        return self.table.set_index("form").loc[form]

    def raters_needed(self, target: float = 0.8) -> tuple[float, float, float]:
        """Return how many raters' mean reaches a target reliability: estimate, and the interval's ends.

        By Spearman-Brown from ICC(A,1), for raters drawn like these; rounded up to whole raters. Infinite where
        the data do not rule out that single scores hold nothing of the target.

        Raises
        ------
        InputError
            If `target` is not strictly between 0 and 1.
        """
        if not 0 < target < 1:
            raise checks.InputError(f"target={target!r} must lie between 0 and 1, for example 0.8")
        one = self.row("ICC(A,1)")
        needed = numeric.ratings_needed(np.array([one.estimate, one.ci_high, one.ci_low]), target)
        # 3.0000000001 raters are 3
        estimate, low, high = np.maximum(np.ceil(needed - 1e-9), 1)
        return float(estimate), float(low), float(high)

    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say how much one rater's score and the mean of all tell; with `focus`, a target, its mean comes first.

        Raises
        ------
        InputError
            If `focus` is not a target.
        """
        return Paragraph(icc_words.text(self, language, focus))

    def plot(self, language: str = "en", *, focus: Any = None) -> "Axes":
        """Draw the six forms with their intervals; the bands are a rule of thumb and say so.

        The correlations belong to the panel, so `focus`, a target, changes nothing here.

        Raises
        ------
        InputError
            If `focus` is not a target.
        """
        from cxresearch.mystery_shopping import figures

        if focus is not None:
            words.find(self.targets, self.names[0], focus)
        return figures.icc_forms(self, language)

    def readable(self, language: str = "en", *, digits: int = 3, part: str = "table") -> Readable:
        """Return a table for reading.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of the headings.
        digits : int
            Decimals.
        part : {"table", "components", "mean_squares", "questions"}
            Which table; "questions" says what each form answers.
        """
        checks.choice("part", part, ("table", "components", "mean_squares", "questions"))
        if part == "questions":
            frame = pd.DataFrame(
                {"form": list(icc_words.QUESTIONS), "question": [q(language) for q in icc_words.QUESTIONS.values()]}
            )
        else:
            frame = getattr(self, part)
        return Readable(frame, language, digits, self.headings)


def icc(
    data: pd.DataFrame, *, target: str, rater: str, score: str, confidence: float = defaults.CONFIDENCE
) -> IccResult:
    """Compute six intraclass correlations of complete crossed ratings.

    Decides how far a score can be trusted to tell outlets apart: whether one rater is enough, whether the mean of
    the panel is, and whether raters who are stricter than others do harm. Every rater has scored every target once.

    Parameters
    ----------
    data : DataFrame
        One row per score; not changed.
    target : str
        Column that names what was rated: outlet, post, product. Any type.
    rater : str
        Column that names who rated. Any type.
    score : str
        Column of numbers, in any unit; the correlations do not depend on it.
    confidence : float
        Coverage probability of the intervals.

    Returns
    -------
    IccResult
        ``table`` has a row for each form, and the columns

        - form : "ICC(1,1)", "ICC(A,1)", "ICC(C,1)", "ICC(1,k)", "ICC(A,k)", "ICC(C,k)"
        - estimate : share of the variance of scores (1) or mean scores (k) that is the targets'; at most 1
        - f, df1, df2, p_value : F test that the targets do not differ at all
        - ci_low, ci_high : interval
        - n : number of targets

        ``components`` and ``mean_squares`` hold what these are made of. ``raters_needed(0.8)`` says how many
        raters' mean would be reliable enough.

    Raises
    ------
    InputError
        If a column is missing, scores are not finite numbers, a rater scored a target twice, there is one target
        or one rater only, or a score is missing: the closed form needs complete data, and the message names what
        is missing. `agreement` takes incomplete ratings.

    Notes
    -----
    Which form answers which question. A (absolute): would other raters give the same score? Raters who are
    stricter than others count as error; this is the form for scores that are compared with a standard, or given by
    different people. C (consistency): do raters put the targets in the same order and at the same distances?
    Strictness is set aside; right where the same raters score all targets that are compared. 1: each target had
    raters of its own, drawn anew; with crossed ratings this form is too low when raters differ, and its interval is
    then wrong. The second index: 1 for one rater's score, k for the mean over all k raters.

    Two-way random effects without interaction, estimated from the mean squares of the analysis of variance.
    Intervals of the forms 1 and C invert the F distribution and are exact for normal scores. Those of A use
    Satterthwaite's degrees of freedom, as McGraw and Wong give them: approximate, and too narrow when few raters
    differ much in strictness (coverage 72 % instead of 95 % at worst, two raters with three times the residual
    variance; see data/evidence/agreement.csv). A negative variance component is reported as it is, and the
    correlation then is below 0. Raters are taken as a sample of the raters who could have scored.

    It cannot treat missing or repeated scores, or raters nested in targets.

    Validated against Shrout and Fleiss (1979), whose table it reproduces, and against pingouin.

    References
    ----------
    McGraw, K. O. & Wong, S. P. (1996). Forming inferences about some intraclass correlation coefficients.
    Psychological Methods 1(1), 30-46. Corrected in 1(4), 390.

    Shrout, P. E. & Fleiss, J. L. (1979). Intraclass correlations: uses in assessing rater reliability.
    Psychological Bulletin 86(2), 420-428.

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
    """
    checks.confidence(confidence)
    ratings = read_ratings(data, target=target, rater=rater, score=score)
    scores = ratings.spread(checks.numbers(data, "score", score)[ratings.kept], np.nan)
    _enough(ratings)
    # components of incomplete ratings, estimated by restricted maximum likelihood, would branch off here
    _complete(ratings, scores)
    squares = numeric.mean_squares(scores)
    return IccResult(
        table=_table(squares, confidence),
        components=_components(squares),
        mean_squares=_mean_squares(squares),
        targets=_targets(ratings, scores, squares, confidence),
        k=squares.k,
        names=ratings.names,
        sample=ratings.sample,
        notes=_notes(squares),
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


def _complete(ratings: Ratings, scores: Any) -> None:
    missing = np.argwhere(np.isnan(scores))
    if not len(missing):
        return
    target, rater, _ = ratings.names
    pairs = [f"{target} {ratings.targets[i]!r} by {rater} {ratings.raters[j]!r}" for i, j in missing]
    raise checks.InputError(
        f"{len(missing):,} of {scores.size:,} scores are missing: {checks.listed(pairs, 3)}; an ICC needs every "
        "rater's score for every target. Leave out the targets or raters concerned, or use agreement(): it allows gaps"
    )


def _table(squares: numeric.MeanSquares, confidence: float) -> pd.DataFrame:
    forms = numeric.intraclass(squares, confidence)
    return pd.DataFrame(
        {
            "form": numeric.FORMS,
            "estimate": forms.estimate,
            "f": forms.f,
            "df1": forms.df1.astype(int),
            "df2": forms.df2.astype(int),
            "p_value": forms.p_value,
            "ci_low": forms.low,
            "ci_high": forms.high,
            "n": squares.n,
        }
    )


def _components(squares: numeric.MeanSquares) -> pd.DataFrame:
    variances = {name: float(value) for name, value in squares.components().items()}
    positive = {name: max(value, 0.0) for name, value in variances.items()}
    total = sum(positive.values()) or np.nan
    shares = [value / total for value in positive.values()]
    return pd.DataFrame({"component": list(variances), "variance": list(variances.values()), "share": shares})


def _mean_squares(squares: numeric.MeanSquares) -> pd.DataFrame:
    n, k = squares.n, squares.k
    return pd.DataFrame(
        {
            "source": ["target", "rater", "residual", "within"],
            "df": [n - 1, k - 1, (n - 1) * (k - 1), n * (k - 1)],
            "mean_square": [float(x) for x in (squares.targets, squares.raters, squares.residual, squares.within)],
        }
    )


def _targets(ratings: Ratings, scores: Any, squares: numeric.MeanSquares, confidence: float) -> pd.DataFrame:
    from scipy import stats

    parts = squares.components()
    error = max(float(parts["rater"]), 0) + float(parts["residual"])
    margin = stats.norm.ppf((1 + confidence) / 2) * np.sqrt(error / squares.k)
    return pd.DataFrame({"target": ratings.targets, "mean": scores.mean(1), "margin": margin})


def _notes(squares: numeric.MeanSquares) -> tuple[Words, ...]:
    parts = squares.components()
    notes = []
    if squares.targets == 0 and squares.within == 0:
        return (icc_words.NO_VARIANCE,)
    if squares.residual == 0:
        notes.append(icc_words.NO_RESIDUAL)
    if squares.targets == 0:
        notes.append(icc_words.NO_TARGET_VARIANCE)
    negative = [name for name in ("target", "rater") if parts[name] < 0]
    notes.extend(icc_words.negative_variance(name, float(parts[name])) for name in negative)
    if squares.k <= _FEW_RATERS and parts["rater"] > parts["residual"] / 2:
        notes.append(icc_words.few_raters(squares.k))
    if parts["rater"] > parts["residual"] / 4:
        notes.append(icc_words.FRESH_RATERS)
    return tuple(notes)
