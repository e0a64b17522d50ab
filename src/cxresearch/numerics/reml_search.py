"""The likelihood of variance components as a surface, and the way to its top by average information."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize

from cxresearch.numerics.mixed_design import Design
from cxresearch.numerics.mixed_equations import Factored

Floats = NDArray[np.float64]
Method = Literal["reml", "ml"]

_FLOOR: Final = 1e-8  # smallest residual variance tried, as a share of the variance that the fixed effects leave
_FLOOR_SATURATED: Final = 1e-6  # the same where zero is a possible answer: below, rounding rules the slope
_GAIN: Final = 1e-10  # log-likelihood still to be gained below which the search ends
_HALVINGS: Final = 12


@dataclass(frozen=True, kw_only=True)
class Slope:
    """Gradient and average information of the log-likelihood, and the inverse they needed."""

    gradient: Floats
    information: Floats
    rest: Floats


class Surface:
    """The log-likelihood of one outcome as a function of the variances."""

    def __init__(self, design: Design, y: Floats, method: Method) -> None:
        self.design, self.equations, self.y, self.method = design, design.equations, y, method
        self.df = y.size - (design.basis.shape[1] if method == "reml" else 0)
        self.floor = _FLOOR_SATURATED if design.saturated else _FLOOR
        # the expected information at V = I, for the rare direction in which the average information vanishes
        self.ridge = 1e-8 * np.diag(design.overlap) / 2

    def at(self, theta: Floats) -> "Point":
        """Solve the equations at these variances."""
        factored = self.equations.at(theta[:-1] / theta[-1])
        random, fixed, residual = (a[:, 0] for a in factored.solve(self.y[:, None]))
        logdet = factored.logdet if self.method == "reml" else factored.logdet_random
        fitted = float(self.y @ residual) / theta[-1]
        value = -0.5 * (self.df * np.log(2 * np.pi * theta[-1]) + logdet + fitted)
        return Point(self, theta, factored, value, random, fixed, residual)


class Point:
    """One point on the surface."""

    def __init__(
        self,
        surface: Surface,
        theta: Floats,
        factored: Factored,
        log_likelihood: float,
        random: Floats,
        fixed: Floats,
        residual: Floats,
    ) -> None:
        self.surface, self.theta, self.factored = surface, theta, factored
        self.log_likelihood, self.random, self.fixed, self.residual = log_likelihood, random, fixed, residual
        self._slope: Slope | None = None

    @property
    def slope(self) -> Slope:
        """Gradient and information here; they cost more than the likelihood, so only on demand."""
        if self._slope is None:
            self._slope = self._differentiate()
        return self._slope

    def _differentiate(self) -> Slope:
        surface, equations, sigma2 = self.surface, self.surface.equations, float(self.theta[-1])
        rest = self.factored.rest_inverse()
        trace = self.factored.traces(rest, fixed=surface.method == "reml") / sigma2
        trace = np.append(trace, (surface.df - self.theta[:-1] @ trace) / sigma2)  # since tr(PV) = df
        working = np.zeros((equations.z.shape[1], self.theta.size))
        py = self.residual / sigma2
        zpy = equations.z.T @ py
        for k, part in enumerate(equations.part):
            working[part, k] = zpy[part]
        square = np.append((working[:, :-1] ** 2).sum(axis=0), py @ py)
        working_y = equations.z @ working
        working_y[:, -1] = py
        information = working_y.T @ self.factored.solve(working_y)[2] / (2 * sigma2)
        return Slope(gradient=(square - trace) / 2, information=(information + information.T) / 2, rest=rest)


def highest(surface: Surface, starts: list[Floats], max_iterations: int) -> tuple[Point, int, bool]:
    """Climb from each start; from equal variances too if that ends with a component at zero, where false tops lie."""
    tops = [_climb(surface, start, max_iterations) for start in starts]
    if any((top[0].theta == 0).any() for top in tops):
        tops.append(_climb(surface, np.full_like(starts[0], 1 / starts[0].size), max_iterations))
    return max(tops, key=lambda top: top[0].log_likelihood)


def _climb(surface: Surface, start: Floats, max_iterations: int) -> tuple[Point, int, bool]:
    """Go uphill until nothing is left to gain. Return the last point, the steps taken, and whether that is the top."""
    point = surface.at(start)
    for step in range(max_iterations):
        target = _target(point)
        gain = float(point.slope.gradient @ (target - point.theta))
        if gain < _GAIN:
            snap = (target == 0) & (point.theta > 0)  # what is on its way to zero arrives
            return (surface.at(np.where(snap, 0.0, point.theta)) if snap.any() else point), step, True
        higher = _search(point, target, gain)
        if higher is None:
            return point, step, gain < 1e3 * _GAIN
        point = higher
    return point, max_iterations, False


def _target(point: Point) -> Floats:
    """Maximise the quadratic model of the log-likelihood within the bounds."""
    slope, theta = point.slope, point.theta
    lower = np.zeros_like(theta)
    lower[-1] = max(point.surface.floor, theta[-1] / 10)
    information = slope.information + np.diag(point.surface.ridge)
    unit = 1 / np.sqrt(np.diag(information))
    root = linalg.cholesky(information * np.outer(unit, unit) + 1e-14 * np.eye(theta.size))
    wish = root @ ((theta - lower) / unit) + linalg.solve_triangular(root, slope.gradient * unit, trans="T")
    return np.asarray(lower + unit * optimize.nnls(root, wish)[0])


def _search(point: Point, target: Floats, gain: float) -> Point | None:
    """Walk towards the target, halving the step while likelihood is lost; then try an EM step; then give up."""
    slack = 1e-12 * max(1.0, abs(point.log_likelihood))  # rounding
    share = 1.0
    for _ in range(_HALVINGS):
        trial = point.surface.at(point.theta + share * (target - point.theta))
        if trial.log_likelihood >= point.log_likelihood + 1e-4 * share * gain - slack:
            return trial
        share /= 2
    size = np.append(point.surface.equations.levels, point.surface.y.size)
    expected = point.theta + 2 * point.theta**2 * point.slope.gradient / size
    trial = point.surface.at(np.maximum(expected, np.append(np.zeros(size.size - 1), point.surface.floor)))
    return trial if trial.log_likelihood > point.log_likelihood else None
