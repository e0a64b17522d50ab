"""What a model with random intercepts is made of, checked: its variance components must be distinguishable."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg, sparse

from cxresearch.numerics.mixed_equations import Equations, Matrix, parents_of

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_RANK: Final = 1e-10  # share of a column's length that the columns before it leave, below which nothing is left
_ABSORBED: Final = 1e-12  # share of a factor's squared counts that the fixed effects leave, likewise
_CONFOUNDED: Final = 1e-10  # share of a component's pattern of covariances that the others leave, likewise
_SPARE: Final = 5  # in 4,400 random designs a second maximum was met with four rows to spare or fewer


@dataclass(frozen=True, kw_only=True)
class Design:
    """Fixed effects and factors, ready to be fitted to any number of outcomes.

    Parameters
    ----------
    names : tuple of str
        One per factor, and "residual" last.
    labels : tuple of integer arrays
        The caller's code of each level, in rising order.
    basis : array, shape (n, p)
        Orthonormal columns that span the fixed effects.
    turn : array, shape (p, p)
        Upper triangular; `basis @ turn` are the fixed effects as given.
    equations : Equations
        The mixed-model equations of basis and factors.
    overlap : array, shape (components, components)
        Inner products of the components' patterns of covariance, cleared of the fixed effects.
    saturated : bool
        Whether fixed effects and levels leave hardly a row to spare, so that the residual variance rests on nothing
        but the assumption that effects are normal. The likelihood may then have a second maximum where it is small.
    unbounded : bool
        Whether they explain any outcome exactly, and `x` is needed for it: ordinary likelihood then has no upper bound.
    """

    names: tuple[str, ...]
    labels: tuple[Integers, ...]
    basis: Floats
    turn: Floats
    equations: Equations
    overlap: Floats
    saturated: bool
    unbounded: bool


def prepare(x: ArrayLike | None, factors: Sequence[ArrayLike], *, names: Sequence[str] | None = None) -> Design:
    """Check fixed effects and factors, and set up what fitting needs.

    Parameters
    ----------
    x : array, shape (n, p), or None
        Fixed effects as columns, taken as they are: include a column of ones for an intercept. None: intercept only.
    factors : sequence of integer arrays, shape (n,)
        One code per row and factor, zero or above; any codes will do.
    names : sequence of str, optional
        Names of the factors for messages and results; "factor 0", "factor 1", … if left out.

    Returns
    -------
    Design

    Raises
    ------
    ValueError
        If shapes differ; codes are not whole numbers or negative; there are too few rows; a column of `x` is explained
        by the columns before it; a factor has one level, or a level for each row, or the same groups as another;
        `x` takes out all differences between a factor's levels; or the components cannot be told apart otherwise.

    Notes
    -----
    Components are told apart by the patterns of covariance they produce once fixed effects are projected out,
    Q Z Z' Q. If one pattern is a weighted sum of the others, no data can tell their variances apart; the check is
    on the inner products of the patterns (the matrix of MINQUE(0)), and it does not depend on the outcome.
    """
    if not len(factors):
        raise ValueError("factors is empty: a model needs one factor at least")
    named = _named(names, len(factors))
    labels, codes = zip(*(_coded(f, name) for f, name in zip(factors, named[:-1], strict=True)), strict=True)
    n = codes[0].size
    for name, code in zip(named, codes, strict=False):
        if code.size != n:
            raise ValueError(f"{name} has {code.size} rows, {named[0]} has {n}")
    basis, turn = _basis(np.ones((n, 1)) if x is None else np.asarray(x, dtype=float), n)
    spare = n - basis.shape[1]
    if spare <= len(factors):
        raise ValueError(
            f"too few rows: {n} rows less {basis.shape[1]} fixed effects leave {spare}, "
            f"and {len(factors) + 1} variance components need {len(factors) + 1} at least"
        )
    _refuse_degenerate(codes, named)
    equations = Equations(basis, codes)
    saturated, unbounded = _saturated(equations)
    overlap = _overlap(equations)
    _refuse_confounded(overlap, equations, named)
    return Design(
        names=named,
        labels=labels,
        basis=basis,
        turn=turn,
        equations=equations,
        overlap=overlap,
        saturated=saturated,
        unbounded=unbounded,
    )


def starting_values(design: Design, residual: Floats) -> list[Floats]:
    """Return where to start the search: MINQUE(0), and in a saturated design a second place.

    MINQUE(0) estimates without iteration: the components for which the squared residuals' expectations equal what was
    observed. It is unbiased however unbalanced the design. Components are kept above a hundredth of the mean square.
    """
    z = design.equations.z.T @ residual
    seen = [float((z[part] ** 2).sum()) for part in design.equations.part]
    whole = float(residual @ residual)
    value = linalg.solve(design.overlap, np.array([*seen, whole]), assume_a="sym")
    size = whole / (residual.size - design.basis.shape[1])
    first = np.maximum(value, 0.01 * size)
    if not design.saturated:
        return [first]
    return [first, size * np.append(np.full(len(seen), 1 / len(seen)), 0.01)]


def _named(names: Sequence[str] | None, count: int) -> tuple[str, ...]:
    given = [f"factor {k}" for k in range(count)] if names is None else [str(name) for name in names]
    if len(given) != count:
        raise ValueError(f"{len(given)} names for {count} factors")
    return (*given, "residual")


def _coded(factor: ArrayLike, name: str) -> tuple[Integers, Integers]:
    """Return the distinct codes in rising order, and each row's place among them."""
    code = np.asarray(factor)
    if code.ndim != 1 or not np.issubdtype(code.dtype, np.integer):
        raise ValueError(
            f"{name} is {code.ndim}-dimensional of type {code.dtype}: whole numbers, one per row, are needed"
        )
    if code.size and code.min() < 0:
        raise ValueError(f"{name} is negative in row {int((code < 0).argmax())}: codes start at 0, drop missing ones")
    labels, place = np.unique(code, return_inverse=True)
    return labels.astype(np.int64), place.astype(np.int64)


def _basis(x: Floats, n: int) -> tuple[Floats, Floats]:
    """Orthonormalise the fixed effects; refuse a column that the ones before it explain."""
    if x.ndim != 2 or x.shape[0] != n or not x.shape[1]:
        raise ValueError(f"x has shape {x.shape}: {n} rows and one column at least are needed")
    if not np.isfinite(x).all():
        row, column = np.argwhere(~np.isfinite(x))[0]
        raise ValueError(f"x is not finite in row {row}, column {column}")
    length = np.sqrt((x**2).sum(axis=0))
    if (length == 0).any():
        raise ValueError(f"column {int((length == 0).argmax())} of x is zero in every row")
    if x.shape[1] > n:
        raise ValueError(f"too few rows: {n} rows for {x.shape[1]} fixed effects")
    basis, turn = np.linalg.qr(x / length)
    explained = np.abs(np.diag(turn)) < _RANK
    if explained.any():
        raise ValueError(f"column {int(explained.argmax())} of x is explained by the columns before it")
    return np.ascontiguousarray(basis), turn * length


def _refuse_degenerate(codes: Sequence[Integers], names: Sequence[str]) -> None:
    """Refuse the plain cases in plain words."""
    n, levels = codes[0].size, [int(c.max()) + 1 for c in codes]
    for k, (code, m, name) in enumerate(zip(codes, levels, names, strict=False)):
        if m == 1:
            raise ValueError(f"{name} has one level: its variance needs two at least")
        if m == n:
            raise ValueError(f"{name} has a level of its own for every row: it cannot be told from the residual")
        for other in range(k):
            if levels[other] == m and parents_of(code, codes[other], m) is not None:
                raise ValueError(f"{names[other]} and {name} group the rows in the same way: leave one out")


def _overlap(equations: Equations) -> Floats:
    """Inner products tr(Q Zi Zi' Q Zj Zj') of all pairs of components, the residual's Z being the identity."""
    count = len(equations.part)
    out = np.empty((count + 1, count + 1))
    means = [equations.zx[part] for part in equations.part]
    squares = [m.T @ m for m in means]
    for i, row in enumerate(equations.part):
        for j in range(i + 1):
            cell = equations.gram[row, equations.part[j]]
            crossed = float(np.vdot(means[i], cell @ means[j]))
            out[i, j] = out[j, i] = _squares(cell) - 2 * crossed + np.vdot(squares[i], squares[j])
        out[i, -1] = out[-1, i] = equations.z.shape[0] - np.trace(squares[i])
    out[-1, -1] = equations.x.shape[0] - equations.x.shape[1]
    return out


def _saturated(equations: Equations) -> tuple[bool, bool]:
    """Tell whether five rows at most are left over, and whether none is although the levels alone leave some.

    Not asked of large designs, where so few rows decide nothing.
    """
    (n, _), whole = equations.x.shape, equations.corner
    if equations.e or n > len(whole) + _SPARE:
        return False, False
    levels = equations.z.shape[1]
    spare = n - np.linalg.matrix_rank(whole, hermitian=True)
    alone = n - np.linalg.matrix_rank(whole[:levels, :levels], hermitian=True)
    return bool(spare <= _SPARE), bool(spare <= 0 < alone)


def _squares(matrix: Matrix) -> float:
    return float((matrix.data**2).sum() if sparse.issparse(matrix) else (matrix**2).sum())


def _refuse_confounded(overlap: Floats, equations: Equations, names: Sequence[str]) -> None:
    """Refuse factors that fixed effects explain, and components that are sums of others."""
    own = np.diag(overlap)
    for k, part in enumerate(equations.part):
        if own[k] <= _ABSORBED * _squares(equations.gram[part, part]):
            raise ValueError(f"x explains every difference between the levels of {names[k]}: leave one of them out")
    order = [len(own) - 1, *range(len(own) - 1)]  # the residual first: it is always there
    cosine = (overlap / np.sqrt(np.outer(own, own)))[np.ix_(order, order)]
    root = np.zeros_like(cosine)
    for j in range(len(own)):
        if j:
            root[j, :j] = linalg.solve_triangular(root[:j, :j], cosine[:j, j], lower=True)
        left = cosine[j, j] - root[j, :j] @ root[j, :j]
        if left < _CONFOUNDED:
            before = ", ".join(names[k] for k in order[:j])
            raise ValueError(f"the variance of {names[order[j]]} cannot be told from those of {before}")
        root[j, j] = np.sqrt(left)
