"""Key posts and their duties: which are weak, once shoppers' strictness is taken out, and how far duties tell apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from cxresearch import checks, defaults
from cxresearch.language import Paragraph, Readable, Words
from cxresearch.mystery_shopping import key_posts_fit as fit
from cxresearch.mystery_shopping import key_posts_words as words
from cxresearch.mystery_shopping.key_posts_model import estimate, prepare
from cxresearch.mystery_shopping.key_posts_rows import Scored, read_scores
from cxresearch.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARTS = ("table", "severity", "halo", "passes", "effects")


@dataclass(frozen=True, kw_only=True)
class KeyPostsResult(Result):
    """What `key_posts` answers with.

    Parameters
    ----------
    severity : DataFrame
        shopper; n (scores); severity: points below the average shopper of the panel; se, ci_low, ci_high.
    halo : DataFrame
        duty, other ("all", "all" in the last row: the mean over pairs); estimate: correlation within a visit beyond
        what post, place and shopper explain; se, ci_low, ci_high; n (visits to posts that were scored on both).
    passes : DataFrame
        post, duty, n, passed, estimate (share), ci_low, ci_high (Wilson), n_effective; empty without a pass mark.
    effects : DataFrame
        post; estimate: points of the sense of value per point of the post's score; se, ci_low, ci_high, p_value, n
        (visits), df; empty without `value`.
    variances : dict of str to float
        Variance components of the scores, in squared points.
    random : bool
        Whether shoppers count as a sample of shoppers (means then hold for others like them) or as a fixed panel.
    centre : float
        Mean of all cells: what "above" and "below" refer to.
    pass_mark, smallest : float
        As given; the mark is NaN if nothing can pass.
    names : tuple of str
        The caller's columns for post and duty.
    """

    severity: pd.DataFrame
    halo: pd.DataFrame
    passes: pd.DataFrame
    effects: pd.DataFrame
    variances: dict[str, float]
    random: bool
    centre: float
    pass_mark: float
    smallest: float
    names: tuple[str, str]

    headings: ClassVar[dict[str, Words]] = words.HEADINGS

    @property
    def weakest(self) -> Any:
        """Return the row of the lowest cell."""
        return self.table.iloc[int(self.table["mean"].to_numpy().argmin())]

    @property
    def overall_halo(self) -> Any:
        """Return the mean correlation over pairs of duties, or None if there is none."""
        return None if self.halo.empty else self.halo.iloc[-1]

    def verdicts(self, posts: Sequence[Any] = ()) -> pd.DataFrame:
        """Judge for each post whether it affects the sense of value directly.

        Parameters
        ----------
        posts : sequence
            The posts that the claim is about; all if empty.

        Returns
        -------
        DataFrame
            post, estimate, ci_low, ci_high (for all these posts together: Bonferroni), verdict: "supported" if the
            interval lies above `smallest`, "contradicted" if it lies below, else "undecided".

        Raises
        ------
        InputError
            If there is no `value`, or a post is unknown.
        """
        from scipy import special

        if self.effects.empty:
            raise checks.InputError("without value=... there is no sense of value to test the posts' effect on")
        known = self.effects["post"].tolist()
        for post in posts:
            checks.choice("posts", post, known)
        rows = self.effects[self.effects["post"].isin(list(posts) or known)]
        level = 1 - (1 - self.confidence) / len(rows)
        reach = special.stdtrit(rows["df"].to_numpy(), (1 + level) / 2) * rows["se"].to_numpy()
        low, high = rows["estimate"] - reach, rows["estimate"] + reach
        verdict = np.select([low > self.smallest, high < self.smallest], ["supported", "contradicted"], "undecided")
        found = {"post": rows["post"], "estimate": rows["estimate"], "ci_low": low, "ci_high": high, "verdict": verdict}
        return pd.DataFrame(found).reset_index(drop=True)

    def verdict(self, posts: Sequence[Any] = ()) -> str:
        """Judge the claim as a whole: supported if every post is, contradicted if any is, else undecided."""
        each = self.verdicts(posts)["verdict"]
        return (
            "contradicted"
            if (each == "contradicted").any()
            else "supported"
            if (each == "supported").all()
            else "undecided"
        )

    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say which posts and duties are weak, and what shoppers and halo do to that; with `focus`, a post, it first.

        Raises
        ------
        InputError
            If `focus` is not a post.
        """
        return Paragraph(words.text(self, language, focus))

    def value_text(self, language: str = "en", *, posts: Sequence[Any] = ()) -> Paragraph:
        """Say how the posts' scores go with the sense of value, and the verdict for `posts` (all if empty)."""
        return Paragraph(words.value_text(self, language, posts))

    def plot(self, language: str = "en", *, focus: Any = None) -> "Figure":
        """Draw the scores of all posts on their duties, and beside them the pass rates.

        Raises
        ------
        InputError
            If `focus` is not a post.
        """
        from cxresearch.mystery_shopping import key_posts_figures

        return key_posts_figures.cells(self, language, focus)

    def plot_shoppers(self, language: str = "en") -> "Axes":
        """Draw how strict each shopper is."""
        from cxresearch.mystery_shopping import key_posts_figures

        return key_posts_figures.shoppers(self, language)

    def readable(
        self, language: str = "en", *, digits: int = 2, part: str = "table", truth: Mapping[Any, float] | None = None
    ) -> Readable:
        """Return a table for reading.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of the headings.
        digits : int
            Decimals.
        part : {"table", "severity", "halo", "passes", "effects"}
            Which table.
        truth : mapping, optional
            What simulated data were made from, to stand beside what was found: by (post, duty), shopper or post.
        """
        checks.choice("part", part, PARTS)
        frame = getattr(self, part)
        if part == "table":
            drop = ["mean", "se", "df", "ci_low", "ci_high", "shrunken_low", "shrunken_high", "rank_low", "rank_high"]
            places = [words.ranks(row, language) for row in frame.itertuples()]
            frame = frame.drop(columns=drop).assign(rank=places)
        if part == "passes":
            frame = frame.rename(columns={"estimate": "share"})
        if part == "effects":
            frame = frame.rename(columns={"n": "visits", "estimate": "effect"})
        if truth and len(frame):
            keys = (
                list(frame[["post", "duty"]].itertuples(index=False, name=None))
                if "duty" in frame
                else frame.iloc[:, 0]
            )
            frame = frame.copy()
            frame.insert(2 if "duty" in frame else 1, "truth", [truth.get(key, np.nan) for key in keys])
        return Readable(frame, language, digits, self.headings)


def key_posts(
    data: pd.DataFrame,
    *,
    post: str,
    duty: str,
    score: str,
    shopper: str,
    unit: str | None = None,
    visit: str | None = None,
    value: str | None = None,
    pass_mark: float | None = None,
    shoppers: str = "auto",
    smallest: float = 0.0,
    wrong_side: float = 0.05,
    seed: int = defaults.SEED,
    confidence: float = defaults.CONFIDENCE,
) -> KeyPostsResult:
    """Score key posts on their duties, with the strictness of shoppers taken out.

    Decides which posts and duties are weak and which only had strict visitors; whether duties scored on the same
    visit tell more than one impression (halo); what share of visits passes; and, with `value`, whether a post moves
    the customer's sense of value.

    Parameters
    ----------
    data : DataFrame
        One row per score; not changed.
    post, duty, score, shopper : str
        Columns of the post (gate, front desk), the duty it is scored on (management, image, etiquette; timeliness,
        conformity, quality), the score (any unit, higher is better; 0 and 1 for failed and passed), and who scored.
    unit : str, optional
        Column of the place (community, store), if there are several.
    visit : str, optional
        Column that tells visits of the same shopper to the same place apart. Without it they count as one.
    value : str, optional
        Column of the visit's sense of value, the same in all rows of a visit; needs `unit`.
    pass_mark : float, optional
        A score from here on passes. Scores of 0 and 1 need none.
    shoppers : {"auto", "random", "fixed"}
        "random": the shoppers are a sample, and means hold for others like them; "fixed": means hold for this panel,
        and shoppers may have been sent to posts in any way. "auto" takes six or more as random: the spread of
        fewer cannot be estimated.
    smallest : float
        Smallest effect on value that matters, in points per point.
    wrong_side : float
        Expected share of signals on the wrong side of the average, at most.
    seed : int
        Seed of the draws behind the ranks' intervals.
    confidence : float
        Coverage probability of intervals.

    Returns
    -------
    KeyPostsResult
        ``table`` has a row per post and duty:

        - n, raw : number of scores, plain mean (points)
        - mean, se, df, ci_low, ci_high : mean for an average shopper, with t interval
        - shrunken, shrunken_low, shrunken_high : the same drawn towards the mean of all cells as far as chance goes
        - gap, gap_low, gap_high : distance of that from the mean of all cells (what all share, cancels)
        - rank, rank_low, rank_high : 1 is best
        - signal : "above", "below" or "expected": against the mean of all cells

        ``severity``, ``halo``, ``passes``, ``effects`` and ``verdicts()`` hold the rest.

    Raises
    ------
    InputError
        If a column is missing, scores are no numbers or all alike, there is one post with one duty only or more than
        200 cells, or posts and shoppers cannot be told apart because each shopper saw posts that no other saw.

    Notes
    -----
    The mixed model, fitted by REML: score = cell + shopper + shopper:cell + unit + unit:post + unit:post:duty + visit +
    visit:post + residual, all but the cells random. Parts that the design cannot tell apart are left out, the finer
    one first. Shoppers are random by default, since the question is what another shopper would find, and a sum of
    many fixed effects would be noisy; with fewer than six they are fixed. Degrees of freedom are Satterthwaite's.
    Severities of random shoppers are drawn towards zero (BLUP).

    Shrunken means come from a normal model of the cells whose errors hang together as the mixed model says (uniform
    shrinkage prior); their intervals use t instead of normal quantiles, since the errors are estimated. Ranks come from
    all differences between cells judged together. A signal is given while the expected share of wrong ones stays
    within `wrong_side`.

    Halo is the partial correlation of two duties over visits, the place's post and the shopper held equal; errors
    clustered by visit. It holds the shopper's general impression, and also whatever was truly better on that day for
    all duties: only a second shopper on the same visit could tell these apart. A post visited once at a place tells
    nothing.

    Pass rates are as observed, strictness included. Wilson's interval is taken at an effective number of scores, since
    scores of one place and of one shopper hang together (two-way clustered variance; Korn and Graubard's factor).

    Effects on value: visits that saw every post are compared within place and shopper (two-way fixed effects), so
    strictness and what lasts at a place drop out; errors are those of least squares, visits being independent given
    both. Where the same person gives value and
    scores, halo enters: the effect is then too large.

    Validated against statsmodels' mixed model and Wilson intervals, pingouin's partial correlation, lme4 through
    `numerics.reml`, and by simulation (data/evidence/key_posts.csv): with eight shoppers or fewer, intervals of means,
    halo, pass rates and effects covered 95 to 97 %, those of shrunken means and gaps 91 to 94 %; 1 % of signals or less
    stood on the wrong side.

    References
    ----------
    Giesbrecht, F. G. & Burns, J. C. (1985). Two-stage analysis based on a mixed model. Biometrics 41, 477-486.

    Korn, E. L. & Graubard, B. I. (1998). Confidence intervals for proportions with small expected number of positive
    counts estimated from survey data. Survey Methodology 24, 193-201.

    Thorndike, E. L. (1920). A constant error in psychological ratings. Journal of Applied Psychology 4(1), 25-29.

    Examples
    --------
    >>> from cxresearch.data import simulate
    >>> frame, truth = simulate.posts(communities=8)
    >>> result = key_posts(frame, post="post", duty="duty", score="score", shopper="shopper", unit="community",
    ...                    visit="visit", pass_mark=60)
    >>> result.weakest[["post", "duty", "signal"]].tolist()
    ['repairs', 'timeliness', 'below']
    """
    checks.confidence(confidence)
    checks.choice("shoppers", shoppers, ("auto", "random", "fixed"))
    if not 0 < wrong_side < 0.5:
        raise checks.InputError(f"wrong_side={wrong_side!r} must lie between 0 and 0.5, for example 0.05")
    if value is not None and unit is None:
        raise checks.InputError("value needs unit=...: visits are compared within a place")
    rows = read_scores(data, post=post, duty=duty, score=score, shopper=shopper, unit=unit, visit=visit, value=value)
    mark = _mark(rows, pass_mark)
    model = estimate(rows.score, prepare(rows, shoppers), len(rows.cells))
    halo = fit.halos(rows, confidence)
    moved = fit.effects(rows, confidence) if value else pd.DataFrame()
    return KeyPostsResult(
        table=fit.table(rows, model, wrong_side=wrong_side, confidence=confidence, seed=seed),
        severity=fit.severity(rows, model, confidence),
        halo=halo,
        passes=pd.DataFrame() if np.isnan(mark) else fit.passes(rows, mark, confidence),
        effects=moved,
        variances=model.variances,
        random=model.random,
        centre=float(model.mean.mean()),
        pass_mark=mark,
        smallest=float(smallest),
        names=(post, duty),
        sample=rows.sample,
        notes=words.notes(rows, model, halo, moved, mark),
        confidence=confidence,
    )


def _mark(rows: Scored, given: float | None) -> float:
    """Return the pass mark; 1 for scores of 0 and 1; NaN if there is none."""
    if given is None:
        return 1.0 if set(np.unique(rows.score)) <= {0.0, 1.0} else np.nan
    if isinstance(given, bool) or not isinstance(given, int | float) or not np.isfinite(given):
        raise checks.InputError(f"pass_mark={given!r} must be a number of points")
    return float(given)
