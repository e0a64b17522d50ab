"""Does the future matter? A driver's later values, as a placebo among its lags."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from cxresearch.language import Paragraph, Words, number
from cxresearch.loyalty.lag_rows import Rows
from cxresearch.loyalty.lag_tables import t_critical, t_p_value
from cxresearch.numerics import horizon
from cxresearch.numerics.panel import Fit

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Placebo:
    """What later values of the drivers seem to do to today's outcome, which should be nothing.

    Parameters
    ----------
    table : DataFrame
        driver, lead (periods later), estimate, se, ci_low, ci_high, p_value, n.
    statistic, p_value : float
        Joint test that all of them are zero: Wald statistic and p value.
    df : tuple of int
        Degrees of freedom of statistic / df[0] under F.
    fails : bool
        The test rejects at the level of the intervals: the future matters, so the estimates are not to be believed.
    """

    table: "pd.DataFrame"
    statistic: float
    p_value: float
    df: tuple[int, int]
    fails: bool

    @property
    def note(self) -> Words:
        """Say what the placebo showed."""
        p = "< 0.001" if self.p_value < 0.001 else f"= {number(self.p_value, 3)}"
        if self.fails:
            return Words(f"{WARNING.en} (joint test of later values: p {p})", f"{WARNING.zh}（未来值联合检验 p {p}）")
        return Words(
            f"Later values of the driver show no effect (joint test: p {p}), as it should be. That is no proof: a test "
            "that finds nothing may lack the data to.",
            f"驱动因素的未来值没有显示影响（联合检验 p {p}），这正是应有的结果；但这不是证明，也可能只是数据不足。",
        )

    def text(self, language: str = "en") -> Paragraph:
        """Say what the placebo showed, as a paragraph."""
        return Paragraph(self.note(language))


WARNING: Final = Words(
    "The future seems to matter: the driver's later values go with today's outcome, which they cannot cause. The "
    "outcome probably feeds back on the driver, or something else moves both; these estimates are not to be believed.",
    "未来似乎也有“影响”：驱动因素以后的值与今天的结果相关，而未来不可能影响今天。很可能是结果反过来影响了驱动因素，"
    "或有别的因素同时影响两者；这些估计不可信。",
)


def judge(rows: Rows, fitted: Fit, confidence: float) -> Placebo:
    """Test a fit's leads.

    Parameters
    ----------
    rows : Rows
        Rows with leads.
    fitted : Fit
        Regression on all of their columns.
    confidence : float
        Coverage probability of the intervals; the test's level is what is left to 1.
    """
    import pandas as pd

    at = [i for i, (_, lag) in enumerate(rows.terms) if lag < 0]
    coef, covariance = fitted.coef[at], fitted.covariance[np.ix_(at, at)]
    se, half = np.sqrt(np.diag(covariance)), float(t_critical(confidence, fitted.df))
    table = pd.DataFrame(
        {
            "driver": [rows.terms[i][0] for i in at],
            "lead": [-rows.terms[i][1] for i in at],
            "estimate": coef,
            "se": se,
            "ci_low": coef - half * se,
            "ci_high": coef + half * se,
            "p_value": t_p_value(fitted.df)(coef / se),
            "n": fitted.n,
        }
    )
    enough = fitted.units > len(at)
    statistic, p = horizon.joint(coef, covariance, fitted.units) if enough else (np.nan, np.nan)
    return Placebo(
        table=table,
        statistic=statistic,
        p_value=p,
        df=(len(at), fitted.units - len(at)),
        fails=bool(p < 1 - confidence),
    )
