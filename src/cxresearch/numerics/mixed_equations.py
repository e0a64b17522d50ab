"""Henderson's mixed-model equations for random intercepts, solved at given variance ratios.

With W = [Z X], D the square roots of the variance ratios (variance of a factor over residual variance) on the
columns of Z and 1 on those of X, and I0 the identity on Z and zero on X, the equations' matrix is

    B = D W'W D + I0.

It stays regular where a ratio is zero. One set of factors is eliminated first: all that nest in one of them,
because these fall into independent blocks, one for each of its levels (a single factor falls into blocks of one).
What remains, the Schur complement, is dense and small. Of all such sets the one that leaves the least work is taken.
A model small as a whole is held dense, and nothing is eliminated: sparse bookkeeping would cost more than it saves.

Own code, because statsmodels' MixedLM holds crossed factors as one dense block, and scipy has no Cholesky
decomposition of sparse matrices from which the diagonal of an inverse could be read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Matrix = Any
"""A scipy sparse array or an ndarray: the same formulas serve both."""

_BATCHED: Final = 8.0  # an operation on many small blocks costs about this many on one large matrix
_SPARSE: Final = 0.05  # share of filled cells above which a dense product is faster
_SIZES: Final = 8  # distinct block sizes kept as they are; more are rounded up to a grid
_SMALL: Final = 200  # levels and fixed effects up to which nothing is eliminated
_REFINED: Final = 1e4  # ratio above which a solution is corrected once by what it leaves over
_DIRECT: Final = 1e-7  # ratio below which a trace is formed anew, not as a difference of nearly equal numbers
_CELLS: Final = 2_000_000  # cells of a matrix held dense for convenience: 16 MB


class Equations:
    """Everything about the equations that does not depend on the variances.

    Parameters
    ----------
    x : array, shape (n, p)
        Fixed effects, of full column rank.
    factors : sequence of integer arrays, shape (n,)
        Codes of each factor's levels, 0 to levels - 1, every level present.
    """

    def __init__(self, x: Floats, factors: Sequence[Integers]) -> None:
        self.x, self.levels = x, np.array([int(f.max()) + 1 for f in factors])
        q, n = int(self.levels.sum()), x.shape[0]
        small = q + x.shape[1] <= _SMALL and n * q <= _CELLS
        inside, block = _none(self.levels) if small else _eliminated(factors, self.levels, x.shape[1])
        order = [*np.flatnonzero(inside), *np.flatnonzero(~inside)]
        stop = dict(zip(order, np.cumsum(self.levels[order]), strict=True))
        self.part = [slice(int(stop[k] - m), int(stop[k])) for k, m in enumerate(self.levels)]
        z = _indicators([factors[k] for k in order], self.levels[order])
        self.z: Matrix = z.toarray() if small else z
        self.zx: Floats = np.asarray(self.z.T @ x)
        self.gram: Matrix = (self.z.T @ self.z) if small else (self.z.T @ self.z).tocsr()
        self.e = e = block.size
        self.corner: Floats = np.block([[_dense(self.gram[e:, e:]), self.zx[e:]], [self.zx[e:].T, x.T @ x]])
        if e:
            self.blocks = _Blocks(self.gram[:e, :e], block)
            cross = sparse.hstack([self.gram[:e, e:], sparse.csr_array(self.zx[:e])], format="csr")
            filled = (self.blocks.inverse(np.ones(e))[0] @ cross).nnz
            self.cross: Matrix = cross if filled < _SPARSE * e * cross.shape[1] else cross.toarray()

    def at(self, ratios: Floats) -> "Factored":
        """Factor the equations at the given variance ratios."""
        q, p = self.z.shape[1], self.x.shape[1]
        d = np.ones(q + p)
        for k, ratio in enumerate(ratios):
            d[self.part[k]] = np.sqrt(ratio)
        corner = self.corner * np.outer(d[self.e :], d[self.e :])
        corner[np.diag_indices(q - self.e)] += 1
        inner, swept, logdet = np.zeros((0, 0)), np.zeros((0, q + p)), 0.0
        if self.e:
            inner, logdet = self.blocks.inverse(d[: self.e])
            cross = _scaled(self.cross, d[: self.e], d[self.e :])
            swept = inner @ cross
            corner -= _dense(cross.T @ swept)
        root, info = linalg.lapack.dpotrf(corner, lower=1, overwrite_a=1)
        _refuse_singular(info)
        pivots = 2 * np.log(np.diag(root))
        random = logdet + float(pivots[: q - self.e].sum())
        return Factored(
            equations=self,
            ratios=ratios,
            d=d,
            inner=inner,
            swept=swept,
            root=root,
            logdet_random=random,
            logdet=random + float(pivots[q - self.e :].sum()),
        )


@dataclass(frozen=True, kw_only=True)
class Factored:
    """The equations factored at one set of variance ratios.

    Parameters
    ----------
    equations : Equations
        What was factored.
    ratios : array, shape (factors,)
        Variance of each factor over the residual variance.
    d : array
        Their roots on the columns of Z, 1 on those of X.
    inner, swept, root : arrays
        Inverse of the eliminated blocks, its product with what ties them to the rest, Cholesky root of the rest.
    logdet_random, logdet : float
        Log determinants of the equations without and with the fixed effects.
    """

    equations: Equations
    ratios: Floats
    d: Floats
    inner: Matrix
    swept: Matrix
    root: Floats
    logdet_random: float
    logdet: float

    def solve(self, f: Floats) -> tuple[Floats, Floats, Floats]:
        """Return random effects, fixed effects and residuals of each column of `f`."""
        z, x, q = self.equations.z, self.equations.x, self.equations.z.shape[1]
        scaled = self._back(np.concatenate([z.T @ f, x.T @ f]) * self.d[:, None])
        effects = scaled * self.d[:, None]
        residual = f - z @ effects[:q] - x @ effects[q:]
        if self.ratios.max() > _REFINED:
            wrong = np.concatenate([z.T @ residual, x.T @ residual]) * self.d[:, None]
            wrong[:q] -= scaled[:q]
            effects += self._back(wrong) * self.d[:, None]
            residual = f - z @ effects[:q] - x @ effects[q:]
        return effects[:q], effects[q:], residual

    def _back(self, right: Floats) -> Floats:
        """Solve the factored equations for given right-hand sides."""
        e = self.equations.e
        rest, _ = linalg.lapack.dpotrs(self.root, right[e:] - self.swept.T @ right[:e], lower=1)
        return np.concatenate([self.inner @ right[:e] - self.swept @ rest, rest])

    def rest_inverse(self) -> Floats:
        """Invert the Schur complement: the block of the inverse that belongs to what was not eliminated."""
        lower, info = linalg.lapack.dpotri(self.root, lower=1)
        _refuse_singular(info)
        lower = np.tril(lower)
        return np.asarray(lower + np.tril(lower, -1).T)

    def traces(self, rest: Floats, *, fixed: bool) -> Floats:
        """Return tr(Z'PZ) times the residual variance for each factor, given the inverse of the rest.

        P is the matrix that takes `fixed` effects out, or, without them, the inverse of the covariance of y.
        """
        used = rest if fixed else self._random_inverse(rest)
        anew = self._trace_small if not self.equations.e else self._trace_anew
        levels = self.equations.levels
        return np.array(
            [
                (levels[k] - self._trace(k, used)) / ratio if ratio > _DIRECT else anew(k, used, rest)
                for k, ratio in enumerate(self.ratios)
            ]
        )

    def _random_inverse(self, rest: Floats) -> Floats:
        """Turn `rest_inverse` into that of the equations without fixed effects (whose rows become zero)."""
        r = self.equations.z.shape[1] - self.equations.e
        out = np.zeros_like(rest)
        out[:r, :r] = rest[:r, :r] - rest[:r, r:] @ linalg.solve(rest[r:, r:], rest[r:, :r], assume_a="pos")
        return out

    def _trace(self, k: int, rest: Floats) -> float:
        """Trace of one factor's block of the inverse."""
        part, e = self.equations.part[k], self.equations.e
        if part.start >= e:
            return float(np.diag(rest)[part.start - e : part.stop - e].sum())
        swept = self.swept[part]
        return float(self.inner.diagonal()[part].sum()) + _sum_of_products(swept.T @ swept, rest)

    def _trace_small(self, k: int, used: Floats, rest: Floats) -> float:
        """tr(Z'PZ) from the residuals of Z's columns: exact at a ratio of zero, and at huge ratios of other factors."""
        z, q = self.equations.z[:, self.equations.part[k]], self.equations.z.shape[1]
        _, fixed, residual = self.solve(z)
        total = float(np.vdot(z, residual))
        if used is not rest:
            total += float(np.vdot(fixed, linalg.solve(rest[q:, q:], fixed, assume_a="pos")))
        return total

    def _trace_anew(self, k: int, used: Floats, _: Floats) -> float:
        """tr(Z'PZ) formed as tr(Z'Z) less what the equations take out of it: exact at a ratio of zero too."""
        equations, part, e = self.equations, self.equations.part[k], self.equations.e
        tied = equations.gram[part]
        inside = _scaled(tied[:, :e], np.ones(tied.shape[0]), self.d[:e])
        total = float(equations.z.shape[0]) - float(inside.multiply(inside @ self.inner).sum())
        for rows in _slabs(tied.shape[0], used.shape[0]):
            outside = np.hstack([tied[rows][:, e:].toarray(), equations.zx[part][rows]]) * self.d[e:]
            left = outside - _dense(inside[rows] @ self.swept)
            total -= float(np.vdot(left @ used, left))
        return total

    def spread(self, rest: Floats) -> Floats:
        """Prediction error variance of each random effect over the residual variance."""
        e, q = self.equations.e, self.equations.z.shape[1]
        out = np.concatenate([self.inner.diagonal(), np.diag(rest)[: q - e]])
        for rows in _slabs(e, rest.shape[0]):
            swept = self.swept[rows]
            product = swept @ rest
            out[rows] += np.asarray(
                swept.multiply(product).sum(axis=1) if sparse.issparse(swept) else (swept * product).sum(axis=1)
            ).ravel()
        return np.asarray(out * self.d[:q] ** 2)


class _Blocks:
    """The eliminated part: D G D + I falls into independent blocks, inverted in batches of equal size."""

    def __init__(self, gram: Matrix, block: Integers) -> None:
        size = np.bincount(block)
        shape = _rounded(size)
        by_shape = np.argsort(shape, kind="stable")
        offset = np.empty_like(shape)
        offset[by_shape] = np.concatenate([[0], np.cumsum(shape[by_shape] ** 2)[:-1]])
        members = np.argsort(block, kind="stable")
        start = np.cumsum(size) - size
        place = np.empty(block.size, dtype=np.int64)
        place[members] = np.arange(block.size) - start[block[members]]
        cell = offset[block] + place * shape[block]  # where a level's row starts in the flat store

        self.batches = _batches(shape[by_shape])
        self.cells = int((shape**2).sum())
        coo = gram.tocoo()
        self.row, self.col, self.value = coo.coords[0], coo.coords[1], coo.data.astype(float)
        self.at = cell[self.row] + place[self.col]
        own = cell + place
        self.diagonal = np.concatenate([own, _padding(offset, size, shape)])
        count = size[block]
        self.indptr = np.concatenate([[0], np.cumsum(count)])
        row = np.repeat(np.arange(block.size), count)
        within = np.arange(row.size) - self.indptr[row]
        self.indices = members[start[block[row]] + within]
        self.take = cell[row] + within

    def inverse(self, d: Floats) -> tuple[Matrix, float]:
        """Return the inverse, and the log determinant of what was inverted."""
        store = np.zeros(self.cells)
        store[self.at] = self.value * d[self.row] * d[self.col]
        store[self.diagonal] += 1
        logdet = 0.0
        for cells, size in self.batches:
            blocks = store[cells].reshape(-1, size, size)
            if size == 1:
                logdet += float(np.log(blocks).sum())
                store[cells] = 1 / store[cells]
            else:
                logdet += float(np.linalg.slogdet(blocks)[1].sum())
                store[cells] = np.linalg.inv(blocks).ravel()
        shape = (self.indptr.size - 1,) * 2
        return sparse.csr_array((store[self.take], self.indices, self.indptr), shape=shape), logdet


def _eliminated(factors: Sequence[Integers], levels: Integers, p: int) -> tuple[NDArray[np.bool_], Integers]:
    """Choose which factors to eliminate, and say which block each of their levels falls into."""
    tried = []
    for codes in factors:
        parents = [parents_of(f, codes, int(m)) for f, m in zip(factors, levels, strict=True)]
        inside = np.array([parent is not None for parent in parents])
        block = np.concatenate([parent for parent in parents if parent is not None])
        work = float(levels[~inside].sum() + p) ** 3 + _BATCHED * float((np.bincount(block) ** 3.0).sum())
        tried.append((work, inside, block))
    _, inside, block = min(tried, key=lambda candidate: candidate[0])
    return inside, block


def parents_of(inner: Integers, outer: Integers, levels: int) -> Integers | None:
    """Return the level of `outer` that each level of `inner` lies in, or None if `inner` does not nest in it."""
    parent = np.zeros(levels, dtype=np.int64)
    parent[inner] = outer
    return parent if np.array_equal(parent[inner], outer) else None


def _none(levels: Integers) -> tuple[NDArray[np.bool_], Integers]:
    """Eliminate nothing."""
    return np.zeros(levels.size, dtype=bool), np.zeros(0, dtype=np.int64)


def _refuse_singular(info: int) -> None:
    if info:
        raise linalg.LinAlgError("the mixed-model equations are singular at these variances")


def _indicators(factors: Sequence[Integers], levels: Integers) -> Matrix:
    """One column per level of each factor, 1 where the row has that level."""
    n, offset = factors[0].size, np.cumsum(levels) - levels
    columns = np.column_stack([f + o for f, o in zip(factors, offset, strict=True)]).ravel()
    indptr = np.arange(0, columns.size + 1, len(factors))
    return sparse.csr_array((np.ones(columns.size), columns, indptr), shape=(n, int(levels.sum())))


def _rounded(size: Integers) -> Integers:
    """Round block sizes up to a grid of ratio 1.2 if they come in too many kinds."""
    if np.unique(size).size <= _SIZES:
        return size
    grid = np.ceil(1.2 ** np.arange(np.ceil(np.log(size.max()) / np.log(1.2)) + 1)).astype(np.int64)
    return np.asarray(grid[np.searchsorted(grid, size)])


def _batches(shape: Integers) -> list[tuple[slice, int]]:
    """Where blocks of the same size lie in the flat store."""
    sizes, count = np.unique(shape, return_counts=True)
    stop = np.cumsum(count * sizes**2)
    return [(slice(int(b - m * s**2), int(b)), int(s)) for b, m, s in zip(stop, count, sizes, strict=True)]


def _padding(offset: Integers, size: Integers, shape: Integers) -> Integers:
    """Diagonal cells of the rows that only fill a block up to its rounded size."""
    extra = shape - size
    block = np.repeat(np.arange(size.size), extra)
    place = size[block] + np.arange(block.size) - np.repeat(np.cumsum(extra) - extra, extra)
    return np.asarray(offset[block] + place * (shape[block] + 1))


def _slabs(rows: int, columns: int) -> list[slice]:
    """Cut rows into slabs that, made dense, stay small."""
    step = max(1, _CELLS // max(columns, 1))
    return [slice(i, min(i + step, rows)) for i in range(0, rows, step)]


def _scaled(matrix: Matrix, rows: Floats, columns: Floats) -> Matrix:
    """Multiply rows and columns."""
    if not sparse.issparse(matrix):
        return matrix * rows[:, None] * columns
    out = matrix.copy()
    out.data = out.data * np.repeat(rows, np.diff(out.indptr)) * columns[out.indices]
    return out


def _dense(matrix: Matrix) -> Floats:
    return np.asarray(matrix.toarray() if sparse.issparse(matrix) else matrix)


def _sum_of_products(left: Matrix, right: Floats) -> float:
    """Sum of the products of two matrices' cells."""
    if not sparse.issparse(left):
        return float(np.vdot(left, right))
    coo = left.tocoo()
    return float(coo.data @ right[coo.coords[0], coo.coords[1]])
