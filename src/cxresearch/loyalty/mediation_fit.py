"""From the caller's rows to the paths of a mediation, for all rows or for a group."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cxresearch import checks
from cxresearch.language import Words
from cxresearch.loyalty.economics_ledger import LackingError
from cxresearch.numerics import least_squares, mediated
from cxresearch.result import Sample

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

PATHS: Final = ("a", "b", "total", "direct", "indirect")


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Paths with what their intervals are made from.

    Parameters
    ----------
    estimates, errors : dict of str to float
        By path; errors of the four slopes only.
    df : dict of str to float
        Degrees of freedom of the four slopes.
    draws : dict of str to array
        By path, in every resample that has a solution.
    undefined : int
        Resamples without one.
    n, clusters : int
        Rows, and what was resampled.
    """

    estimates: dict[str, float]
    errors: dict[str, float]
    df: dict[str, float]
    draws: dict[str, Floats]
    undefined: int
    n: int
    clusters: int


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Complete rows.

    Parameters
    ----------
    x : array, shape (n, k)
        Covariates, service, loyalty, profit.
    names : tuple of (str, str)
        Argument and column of each.
    cluster : array of int, shape (n,)
        From 0; every row its own where none was named.
    clustered : bool
        A cluster was named.
    group : array of int, shape (n,)
        Group codes, -1 where missing.
    groups : list
        Names of the groups.
    """

    x: Floats
    names: tuple[tuple[str, str], ...]
    cluster: Integers
    clustered: bool
    group: Integers
    groups: list[Any]
    sample: Sample

    def only(self, focus: Any, *, rest: bool = False) -> "Rows":
        """Return the rows of one group, or of all others.

        Raises
        ------
        InputError
            If there are no groups, or no such group.
        """
        if not self.groups:
            raise checks.InputError("focus needs groups; name their column: mediation(..., group='community')")
        texts = [str(name) for name in self.groups]
        if str(focus) not in texts:
            raise checks.InputError(
                f"focus={focus!r}: no such group{checks.nearest(str(focus), texts)}; groups are {checks.listed(texts)}"
            )
        code = texts.index(str(focus))
        keep = (self.group != code) & (self.group >= 0) if rest else self.group == code
        cluster = np.unique(self.cluster[keep], return_inverse=True)[1]
        return replace(self, x=self.x[keep], cluster=cluster, group=self.group[keep])

    def why_not(self, focus: Any) -> Words | None:
        """Say why a group has no estimate of its own; None if it has one."""
        part = self.only(focus)
        try:
            refuse_too_little(part)
        except checks.InputError as error:
            return getattr(error, "words", None) or Words(str(error), "该组数据变化不足")
        return None

    def compare(self, focus: Any, bootstraps: int, seed: int, confidence: float) -> "pd.DataFrame":
        """Lay out one group, all others, and the difference."""
        import pandas as pd

        if self.why_not(focus) is not None:
            return pd.DataFrame(columns=["part", *COLUMNS])
        fits = {"focus": fit(self.only(focus), bootstraps, seed)}
        try:
            # another seed: the same draws of clusters on both sides would go together
            fits["rest"] = fit(self.only(focus, rest=True), bootstraps, seed + 1)
        except checks.InputError:
            return laid_out(fits["focus"], confidence).assign(part="focus")[["part", *COLUMNS]]
        tables = [laid_out(one, confidence).assign(part=part) for part, one in fits.items()]
        tables.append(_difference(fits["focus"], fits["rest"], confidence).assign(part="difference"))
        return pd.concat(tables, ignore_index=True)[["part", *COLUMNS]]


COLUMNS: Final = ["path", "estimate", "se", "ci_low", "ci_high", "p_value", "n"]


def prepare(
    data: "pd.DataFrame",
    *,
    service: str,
    loyalty: str,
    profit: str,
    covariates: Sequence[str],
    cluster: str | None,
    group: str | None,
) -> Rows:
    """Check the columns, and keep the rows where nothing is missing.

    Raises
    ------
    InputError
        If a column cannot be used, or too little is left.
    """
    import pandas as pd

    roles = [*(("covariates", name) for name in covariates), ("service", service), ("loyalty", loyalty),
             ("profit", profit)]  # fmt: skip
    checks.columns(data, service=service, loyalty=loyalty, profit=profit, covariates=covariates, cluster=cluster,
                   group=group)  # fmt: skip
    seen: dict[str, str] = {}
    for role, name in [*roles, *([("cluster", cluster)] if cluster else [])]:
        if name in seen:
            raise checks.InputError(f"{role}={name!r} is the {seen[name]} already; name another column")
        seen[name] = role
    x = np.column_stack([_numbers(data, role, name) for role, name in roles])
    codes = None if cluster is None else pd.factorize(data[cluster])[0]
    keep, dropped = np.ones(len(data), dtype=bool), []
    lacking = [(np.isnan(x[:, at]), _MISSING[role]) for at, (role, _) in enumerate(roles)]
    for lacks, why in [*lacking, *([] if codes is None else [(codes < 0, _MISSING["cluster"])])]:
        dropped.append((why, int((keep & lacks).sum())))
        keep &= ~lacks
    used = int(keep.sum())
    counts = {} if codes is None else {"units": len(np.unique(codes[keep]))}
    names, place = _groups(data[group][keep]) if group is not None else ([], np.empty(0, dtype=np.int64))
    rows = Rows(
        x=x[keep],
        names=tuple(roles),
        cluster=np.arange(used) if codes is None else np.unique(codes[keep], return_inverse=True)[1],
        clustered=codes is not None,
        group=place,
        groups=names,
        sample=Sample(len(data), used, tuple(_merged(dropped)), counts),
    )
    refuse_too_little(rows)
    return rows


_MISSING: Final[dict[str, Words]] = {
    "service": Words("service missing", "服务缺失"),
    "loyalty": Words("loyalty missing", "忠诚度缺失"),
    "profit": Words("profit missing", "利润缺失"),
    "covariates": Words("covariate missing", "协变量缺失"),
    "cluster": Words("cluster missing", "聚类缺失"),
}


def _merged(dropped: list[tuple[Words, int]]) -> list[tuple[Words, int]]:
    """Add up the covariates, each of which was counted alone."""
    together: dict[Words, int] = {}
    for why, n in dropped:
        together[why] = together.get(why, 0) + n
    return list(together.items())


def _numbers(data: "pd.DataFrame", role: str, name: str) -> Floats:
    try:
        return checks.numbers(data, role, name)
    except checks.InputError as error:
        held = {str(value).strip().lower() for value in data[name].dropna().unique()[:3]}
        if len(held) <= 2 and held & {"yes", "no", "y", "n", "true", "false", "是", "否"}:
            raise checks.InputError(f"{error}; code yes as 1 and no as 0") from None
        raise


def _groups(column: "pd.Series") -> tuple[list[Any], Integers]:
    import pandas as pd

    codes, labels = pd.factorize(column)
    if not len(labels):
        raise checks.InputError(f"group={column.name!r}: empty in every row used; group names are needed")
    names = [value.item() if isinstance(value, np.generic) else value for value in labels]
    order = sorted(range(len(names)), key=lambda i: str(names[i]))
    place = np.empty(len(names) + 1, dtype=np.int64)
    place[order], place[-1] = np.arange(len(names)), -1
    return [names[i] for i in order], place[codes]


def refuse_too_little(rows: Rows) -> None:
    """Refuse rows from which the two regressions cannot be solved.

    Raises
    ------
    LackingError
        If there are too few rows or clusters.
    InputError
        If a column never changes, or is explained by the others.
    """
    n, k = rows.x.shape
    if n < k + 3:
        raise LackingError(
            Words(f"{n} complete rows are too few for {k} columns", f"完整的行只有 {n} 行，不足以估计 {k} 列")
        )
    if len(np.unique(rows.cluster)) < 2:
        raise LackingError(Words("all rows are of one cluster", "全部行属于同一聚类"))
    for first, last in ((0, k - 1), (k - 1, k)):  # what explains, then the outcome
        columns = rows.x[:, first:last]
        try:
            least_squares.solve(np.zeros(n), columns - columns.mean(axis=0), before=columns)
        except least_squares.RankError as error:
            role, name = rows.names[first + error.column]
            what = "is explained by the columns before it" if error.reason == "collinear" else "never changes"
            raise checks.InputError(f"{role}={name!r} {what} in the {n} rows used; nothing can be estimated") from None


def fit(rows: Rows, bootstraps: int, seed: int) -> Fit:
    """Estimate the paths, their errors, and their spread over resamples."""
    refuse_too_little(rows)
    # columns of mean 0 and length 1 keep digits, whatever the units
    center, scale = rows.x.mean(axis=0), rows.x.std(axis=0)
    clusters = int(rows.cluster.max()) + 1
    products = mediated.cross_products((rows.x - center) / scale, rows.cluster, clusters)
    service, loyalty, profit = scale[-3:]

    def unscaled(found: mediated.Paths) -> dict[str, Floats]:
        a, b, direct = found.a * loyalty / service, found.b * profit / loyalty, found.direct * profit / service
        return {"a": a, "b": b, "total": direct + a * b, "direct": direct, "indirect": a * b}

    drawn = unscaled(mediated.bootstrap(products, bootstraps, seed))
    solved = np.isfinite(drawn["total"])
    errors, df = _errors(rows, clusters)
    return Fit(
        estimates={name: float(value) for name, value in unscaled(mediated.paths(products.sum(axis=0))).items()},
        errors=errors,
        df=df,
        draws={name: values[solved] for name, values in drawn.items()},
        undefined=int((~solved).sum()),
        n=len(rows.x),
        clusters=clusters,
    )


def _errors(rows: Rows, clusters: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return robust errors of the four slopes, and their degrees of freedom, from statsmodels."""
    from statsmodels.regression.linear_model import OLS

    n, k = rows.x.shape
    x = np.column_stack([np.ones(n), rows.x])
    service = k - 2
    errors, df = {}, {}
    for outcome, columns, paths in (
        (k - 1, service + 1, {"a": service}),
        (k, service + 1, {"total": service}),
        (k, service + 2, {"direct": service, "b": service + 1}),
    ):
        model = OLS(x[:, outcome], x[:, :columns]).fit()
        robust = (
            model.get_robustcov_results("cluster", groups=rows.cluster, use_t=True)
            if rows.clustered
            else model.get_robustcov_results("HC3", use_t=True)
        )
        for path, at in paths.items():
            errors[path] = float(robust.bse[at])
            df[path] = float(clusters - 1 if rows.clustered else n - columns)
    return errors, df


def laid_out(fitted: Fit, confidence: float) -> "pd.DataFrame":
    """Lay out the paths with their intervals."""
    import pandas as pd
    from scipy.special import stdtr, stdtrit

    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    rows: list[tuple[Any, ...]] = []
    for path in PATHS:
        estimate = fitted.estimates[path]
        if path in fitted.errors:
            se, df = fitted.errors[path], fitted.df[path]
            half = float(stdtrit(df, ends[1])) * se
            p = float(2 * stdtr(df, -abs(estimate) / se)) if se > 0 else np.nan
            rows.append((path, estimate, se, estimate - half, estimate + half, p, fitted.n))
        else:
            drawn = fitted.draws[path]
            low, high = np.quantile(drawn, ends)
            rows.append((path, estimate, drawn.std(ddof=1), float(low), float(high), two_sided(drawn), fitted.n))
    total = rows[PATHS.index("total")]
    rows.append(_share(fitted, clear=total[3] > 0 or total[4] < 0, ends=ends))
    return pd.DataFrame(rows, columns=COLUMNS)


def _share(fitted: Fit, *, clear: bool, ends: list[float]) -> tuple[Any, ...]:
    if not clear:
        return ("share_mediated", np.nan, np.nan, np.nan, np.nan, np.nan, fitted.n)
    drawn = fitted.draws["indirect"] / fitted.draws["total"]
    low, high = np.quantile(drawn, ends)
    estimate = fitted.estimates["indirect"] / fitted.estimates["total"]
    return ("share_mediated", estimate, drawn.std(ddof=1), float(low), float(high), np.nan, fitted.n)


def two_sided(drawn: Floats) -> float:
    """Return twice the smaller share of resamples on one side of 0; the sample itself counts as one of them."""
    least = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    return float(min(1.0, 2 * (least + 1) / (len(drawn) + 1)))


def _difference(own: Fit, rest: Fit, confidence: float) -> "pd.DataFrame":
    import pandas as pd

    size = min(len(own.draws["a"]), len(rest.draws["a"]))
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    rows = []
    for path in PATHS:
        drawn = own.draws[path][:size] - rest.draws[path][:size]
        low, high = np.quantile(drawn, ends)
        apart = own.estimates[path] - rest.estimates[path]
        rows.append((path, apart, drawn.std(ddof=1), float(low), float(high), two_sided(drawn), own.n + rest.n))
    return pd.DataFrame(rows, columns=COLUMNS)
