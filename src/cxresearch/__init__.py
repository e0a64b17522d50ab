"""Claims about customer experience, put to the test on your own data.

``import cxresearch as cx`` costs next to nothing: each name below is loaded when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cxresearch.batch.findings import findings as findings
    from cxresearch.data import simulate as simulate
    from cxresearch.data.catalog import datasets as datasets
    from cxresearch.data.sources import read as read
    from cxresearch.loyalty.attrition import attrition as attrition
    from cxresearch.loyalty.carry_over import carry_over as carry_over
    from cxresearch.loyalty.contagion import leaving_clusters as leaving_clusters
    from cxresearch.loyalty.economics import retention_value as retention_value
    from cxresearch.loyalty.fading import fading as fading
    from cxresearch.loyalty.lags import distributed_lags as distributed_lags
    from cxresearch.loyalty.leaving import leaving_reasons as leaving_reasons
    from cxresearch.loyalty.mediation import mediation as mediation
    from cxresearch.loyalty.processes import process_carry_over as process_carry_over
    from cxresearch.loyalty.series import series_lags as series_lags
    from cxresearch.loyalty.streaks import streak_hazard as streak_hazard
    from cxresearch.mystery_shopping.agreement import agreement as agreement
    from cxresearch.mystery_shopping.consistency import internal_consistency as internal_consistency
    from cxresearch.mystery_shopping.generalizability import g_study as g_study
    from cxresearch.mystery_shopping.intraclass import icc as icc
    from cxresearch.mystery_shopping.key_posts import key_posts as key_posts
    from cxresearch.mystery_shopping.rectification import rectification as rectification
    from cxresearch.mystery_shopping.rectification_change import reliable_change as reliable_change
    from cxresearch.touchpoints.allocate import allocate as allocate
    from cxresearch.touchpoints.benchmark import benchmark as benchmark
    from cxresearch.touchpoints.compensation import compensation as compensation
    from cxresearch.touchpoints.drivers import drivers as drivers
    from cxresearch.touchpoints.moments_of_truth import moments_of_truth as moments_of_truth
    from cxresearch.touchpoints.peak_end import peak_end as peak_end
    from cxresearch.touchpoints.priorities import priorities as priorities

__version__ = "0.1.0"

_HOMES = {
    "agreement": "mystery_shopping.agreement",
    "allocate": "touchpoints.allocate",
    "attrition": "loyalty.attrition",
    "benchmark": "touchpoints.benchmark",
    "carry_over": "loyalty.carry_over",
    "compensation": "touchpoints.compensation",
    "datasets": "data.catalog",
    "distributed_lags": "loyalty.lags",
    "drivers": "touchpoints.drivers",
    "fading": "loyalty.fading",
    "findings": "batch.findings",
    "g_study": "mystery_shopping.generalizability",
    "icc": "mystery_shopping.intraclass",
    "internal_consistency": "mystery_shopping.consistency",
    "key_posts": "mystery_shopping.key_posts",
    "leaving_clusters": "loyalty.contagion",
    "leaving_reasons": "loyalty.leaving",
    "mediation": "loyalty.mediation",
    "moments_of_truth": "touchpoints.moments_of_truth",
    "peak_end": "touchpoints.peak_end",
    "priorities": "touchpoints.priorities",
    "process_carry_over": "loyalty.processes",
    "read": "data.sources",
    "rectification": "mystery_shopping.rectification",
    "reliable_change": "mystery_shopping.rectification_change",
    "retention_value": "loyalty.economics",
    "series_lags": "loyalty.series",
    "streak_hazard": "loyalty.streaks",
}
_MODULES = {"simulate": "data.simulate"}

__all__ = [*_HOMES, *_MODULES, "__version__"]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    elif name in _MODULES:
        value = import_module(f"{__name__}.{_MODULES[name]}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
