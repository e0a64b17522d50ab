"""R² of all subsets of predictors, and what each predictor is credited with.

Own code, because the libraries that could do it refit each of the 2^p subsets by least squares (pingouin), which
ends at about 15 predictors. Here a subset costs one Schur complement of a small matrix, computed for many
subsets at once, level by level: letting predictor j into the states "subsets of the predictors before j" doubles
their number and takes one row off their matrices. A block of states that would outgrow the processor's cache is
halved and finished one half after the other, so memory stays at some 20 MB however many subsets there are, and no
list of 2^p values is kept.

A *player* is a set of columns that enters together: one predictor, the indicator columns of a category, or a
group of predictors.
"""

from collections.abc import Callable, Iterator, Sequence
from math import factorial
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Player = Sequence[int]

DEPENDENT: Final = 1e-10
"""Share of a column's variance left by the columns already in, below which nothing is left and it adds nothing."""

_BLOCK: Final = 2**16  # numbers in a block of states: half a megabyte, which stays in the cache
_FEWEST: Final = 32  # matrices taken together at least, so that the first levels are worth an array operation


def shapley_r2(corr: Floats, players: Sequence[Player] | None = None, *, others: int = 0) -> Floats:
    """Split R² over players: the mean gain in R² from entering a player, over all orders of entering (LMG).

    Parameters
    ----------
    corr : array, shape (m, m) or (reps, m, m)
        Correlation matrix, or a stack of them; the last row and column belong to the outcome.
    players : sequence of sequences of int, optional
        Columns of each player, no column twice; by default every predictor by itself. Columns of no player
        are left out of the regression.
    others : int
        The first `others` players are whole groups; the remaining players are the members of one more group, which
        enter one right after the other. What is returned are then the members' Owen values. With 0 they are
        Shapley values: LMG, which is the same as general dominance.

    Returns
    -------
    array, shape (players - others,) or (reps, players - others)
        What each player from number `others` on is credited with. Without `others` it sums to R².

    Notes
    -----
    Exact up to rounding. Time doubles with each player: about 0.02 µs per subset, 25 players in a second and 30
    in half a minute. A column that the columns before it determine (`DEPENDENT`) adds nothing, so duplicated
    predictors share their credit evenly.

    References
    ----------
    Lindeman, Merenda & Gold (1980), Introduction to Bivariate and Multivariate Analysis, 119 ff.;
    Owen (1977), Values of games with a priori unions; Azen & Budescu (2003), Psychological Methods 8, 129-148.
    """
    stack, columns = _in_order(corr, players)
    if not 0 <= others < len(columns):
        raise ValueError(f"others={others} of {len(columns)} players")
    widths = [len(player) for player in columns]
    step = _together(widths)
    credit = np.concatenate([_credit(stack[i : i + step], widths, others) for i in range(0, len(stack), step)])
    return credit[0] if np.ndim(corr) == 2 else credit


def owen_r2(corr: Floats, groups: Sequence[Sequence[Player]]) -> list[Floats]:
    """Split R² over groups, and each group's part over its members (Owen values).

    Parameters
    ----------
    corr : array, shape (m, m) or (reps, m, m)
        As in `shapley_r2`.
    groups : sequence of groups
        A group is a sequence of players.

    Returns
    -------
    list of arrays, one per group, shape (members,) or (reps, members)
        The members' values; they sum to what the group, as one player, is credited with.
    """
    whole = [[j for player in group for j in player] for group in groups]
    return [
        shapley_r2(corr, [*whole[:k], *whole[k + 1 :], *group], others=len(groups) - 1)
        for k, group in enumerate(groups)
    ]


def shapley_of(value: Callable[[int], float], players: Sequence[int], *, others: int = 0) -> Floats:
    """Split any value of sets over players, as `shapley_r2` splits R²; `value` is called once per subset.

    Parameters
    ----------
    value : callable
        Value of a set of columns, which are given as the bits of an integer.
    players : sequence of int
        Columns of each player, as bits.
    others : int
        As in `shapley_r2`.

    Returns
    -------
    array, shape (players - others,)
    """
    inside = (np.arange(2 ** len(players))[:, None] >> np.arange(len(players))) & 1
    values = np.array([value(int(row @ np.array(players))) for row in inside])
    gain, rest = _weights(others, len(players) - others)
    h, s = inside[:, :others].sum(1), inside[:, others:].sum(1)
    return np.asarray(inside[:, others:].T @ (gain[h, s] * values) - rest[h, s] @ values)


def r2_of_subsets(corr: Floats, players: Sequence[Player] | None = None) -> Floats:
    """Return R² of every subset; bit j of the position says whether player j is in: 2^players numbers."""
    stack, columns = _in_order(corr, players)
    r2 = np.empty(2 ** len(columns))
    for left, block, taken in _blocks(stack, [len(player) for player in columns]):
        r2[_bits([1 << player for player in block]) + sum(1 << player for player in taken)] = 1 - left[:, 0]
    return r2


def r2_full(corr: Floats) -> Floats:
    """Return R² with every predictor in, for a correlation matrix or a stack of them; the outcome comes last."""
    stack, columns = _in_order(corr, None)
    rows = _rows(stack)
    for _ in columns:
        rows = _entered(rows)
    return np.asarray(1 - rows[0][0] if np.ndim(corr) == 3 else 1 - rows[0][0, 0])


def relative_weights(corr: Floats) -> Floats:
    """Split R² by Johnson's relative weights: through the orthogonal variables closest to the predictors.

    Parameters
    ----------
    corr : array, shape (m, m) or (reps, m, m)
        As in `shapley_r2`.

    Returns
    -------
    array, shape (m - 1,) or (reps, m - 1)
        Weights that sum to R². Predictors that determine each other share their credit evenly.

    References
    ----------
    Johnson (2000), Multivariate Behavioral Research 35, 1-19.
    """
    stack = np.asarray(corr, dtype=float)
    values, vectors = np.linalg.eigh(stack[..., :-1, :-1])
    kept = values > DEPENDENT
    root = np.sqrt(np.where(kept, values, 0))
    inverse = np.divide(1, root, out=np.zeros_like(root), where=kept)
    across = np.swapaxes(vectors, -1, -2)
    loadings = (vectors * root[..., None, :]) @ across
    slopes = (vectors * inverse[..., None, :]) @ across @ stack[..., :-1, -1:]
    return np.asarray((loadings**2 @ slopes**2)[..., 0])


def slopes(corr: Floats) -> Floats:
    """Return standardised slopes of the regression on all predictors, NaN where they determine each other.

    Parameters
    ----------
    corr : array, shape (m, m) or (reps, m, m)
        As in `shapley_r2`.

    Returns
    -------
    array, shape (m - 1,) or (reps, m - 1)
    """
    stack = np.asarray(corr, dtype=float)
    inner = stack[..., :-1, :-1]
    singular = np.linalg.eigvalsh(inner)[..., 0] <= DEPENDENT
    safe = np.where(singular[..., None, None], np.eye(inner.shape[-1]), inner)
    solved = np.linalg.solve(safe, stack[..., :-1, -1:])[..., 0]
    return np.asarray(np.where(singular[..., None], np.nan, solved))


def collinearity(corr: Floats) -> tuple[float, Floats]:
    """Say how far predictors are from determining each other.

    Parameters
    ----------
    corr : array, shape (p, p)
        Correlation matrix of the predictors, without the outcome.

    Returns
    -------
    condition : float
        Condition number of the standardised predictors, the square root of the ratio of the extreme eigenvalues:
        1 if they are uncorrelated, infinite if one is determined by others. Above 30 is Belsley's rule of thumb.
    inflation : array, shape (p,)
        Variance inflation factors: 1 for a predictor that moves on its own, infinite for a determined one.

    References
    ----------
    Belsley, Kuh & Welsch (1980), Regression Diagnostics, chapter 3.
    """
    values, vectors = np.linalg.eigh(corr)
    kept = values > DEPENDENT
    condition = float(np.sqrt(values[-1] / values[0])) if kept.all() else float("inf")
    inflation = vectors[:, kept] ** 2 @ (1 / values[kept])
    determined = (vectors[:, ~kept] ** 2).sum(1) > 1e-8
    return condition, np.where(determined, np.inf, inflation)


def _in_order(corr: Floats, players: Sequence[Player] | None) -> tuple[Floats, list[list[int]]]:
    """Return a stack of matrices whose columns come in the order of the players, the outcome last."""
    stack = np.asarray(corr, dtype=float)
    stack = stack[None] if stack.ndim == 2 else stack
    last = stack.shape[1] - 1
    columns = [[j] for j in range(last)] if players is None else [list(player) for player in players]
    order = [*(j for player in columns for j in player), last]
    return stack[:, order][:, :, order], columns


def _rows(stack: Floats) -> list[Floats]:
    """Return the upper triangles, row by row; the matrices run along the last axis."""
    return [np.ascontiguousarray(stack[:, i, i:].T) for i in range(stack.shape[1])]


def _pivot(rows: list[Floats], inverse: Floats) -> Floats:
    inverse[:] = 0
    np.divide(1, rows[0][0], out=inverse, where=rows[0][0] > DEPENDENT)
    return np.asarray(rows[0][1:] * inverse)


def _entered(rows: list[Floats]) -> list[Floats]:
    """Sweep the first column out of the others: the states once it is in the regression."""
    scaled = _pivot(rows, np.empty(rows[0].shape[1]))
    return [row - scaled[i] * rows[0][i + 1 :] for i, row in enumerate(rows[1:])]


def _doubled(rows: list[Floats], width: int, into: list[Floats], inverse: Floats) -> list[Floats]:
    """Let the first player in or not: states without it come first, states with it after them."""
    n = rows[0].shape[1]
    if width == 1:
        scaled = _pivot(rows, inverse)
        for i, (row, out) in enumerate(zip(rows[1:], into, strict=True)):
            out[:, :n] = row
            within = out[:, n:]
            np.multiply(scaled[i], rows[0][i + 1 :], out=within)
            np.subtract(row, within, out=within)
        return into
    entered = rows
    for _ in range(width):
        entered = _entered(entered)
    for row, within, out in zip(rows[width:], entered, into, strict=True):
        out[:, :n], out[:, n:] = row, within
    return into


def _blocks(stack: Floats, widths: Sequence[int]) -> Iterator[tuple[Floats, tuple[int, ...], tuple[int, ...]]]:
    """Yield the outcome's unexplained share for all subsets, block by block.

    Yields
    ------
    left : array, shape (2^len(block), reps)
        Unexplained share, valid until the next block; bit k of the row says whether player ``block[k]`` is in.
    block : tuple of int
        Players that vary within a block, the same for every block.
    taken : tuple of int
        Which of the remaining players are in.
    """
    reps = len(stack)
    store: dict[int, tuple[list[Floats], Floats]] = {}

    def walk(rows: list[Floats], k: int, block: tuple[int, ...], taken: tuple[int, ...]) -> Iterator[
        tuple[Floats, tuple[int, ...], tuple[int, ...]]
    ]:  # fmt: skip
        if k == len(widths):
            yield rows[0].reshape(-1, reps), block, taken
            return
        n, left = rows[0].shape[1], len(rows) - widths[k]
        if block and n * left * (left + 1) > _BLOCK:
            half = n // 2
            yield from walk([row[:, :half] for row in rows], k, block[:-1], taken)
            yield from walk([row[:, half:] for row in rows], k, block[:-1], (*taken, block[-1]))
            return
        if k not in store:  # every visit of a depth has the same shape, and its predecessor is finished
            store[k] = [np.empty((left - i, 2 * n)) for i in range(left)], np.empty(n)
        yield from walk(_doubled(rows, widths[k], *store[k]), k + 1, (*block, k), taken)

    yield from walk(_rows(stack), 0, (), ())


def _together(widths: Sequence[int]) -> int:
    """Return how many matrices of a stack make up one block."""
    left = sum(widths) + 1 - np.cumsum(widths)
    largest = (2.0 ** np.arange(1, len(widths) + 1) * left * (left + 1) / 2).max()
    return max(_FEWEST, int(_BLOCK // largest))


def _weights(others: int, members: int) -> tuple[Floats, Floats]:
    """Return, by how many others and members are in, the weight of a set in a gain and in what it is measured from.

    A member's value is the sum over sets with it of ``gain``, less the sum over all sets of ``rest``.
    """
    outer = np.array([factorial(h) * factorial(others - h) / factorial(others + 1) for h in range(others + 1)])
    inner = np.array([factorial(s) * factorial(members - 1 - s) / factorial(members) for s in range(members)])
    rest = outer[:, None] * np.append(inner, 0)
    return rest + outer[:, None] * np.insert(inner, 0, 0), rest


def _bits(values: Sequence[int]) -> NDArray[np.intp]:
    """Return the sum of the values that are in, for every subset; bit k of the position belongs to value k."""
    sums = np.zeros(1, dtype=np.intp)
    for value in values:
        sums = np.concatenate([sums, sums + value])
    return sums


def _credit(stack: Floats, widths: Sequence[int], others: int) -> Floats:
    gain, rest = _weights(others, len(widths) - others)
    tables: dict[tuple[int, int], tuple[Floats, Floats]] = {}
    players = np.zeros((len(widths), len(stack)))
    base = np.zeros(len(stack))
    block: tuple[int, ...] = ()
    total, weighted = np.zeros((0, 0)), np.zeros((0, 0))
    for left, block, taken in _blocks(stack, widths):  # the players of a block are always the same
        if not total.size:
            total, weighted = np.zeros(left.shape), np.empty(left.shape)
            h, s = _bits([k < others for k in block]), _bits([k >= others for k in block])
        inside = sum(k < others for k in taken), sum(k >= others for k in taken)
        if inside not in tables:
            here = h + inside[0], s + inside[1]
            tables[inside] = gain[here][:, None], rest[here]
        np.multiply(tables[inside][0], left, out=weighted)
        total += weighted
        players[list(taken)] += weighted.sum(0)
        base += tables[inside][1] @ left
    for bit, k in enumerate(block):
        players[k] = total.reshape(-1, 2, 2**bit, len(stack))[:, 1].sum((0, 1))
    return np.asarray((base - players)[others:].T)
