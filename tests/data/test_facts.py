"""The project's facts: held to a schema, and unchanged unless the change is meant.

A fact that is changed on purpose changes its hash here, in the same commit.
"""

import hashlib
import json
from pathlib import Path

import pandera.pandas as pa
import pytest

import cxresearch as cx

SHA256 = {
    "attitude_questions.csv": "739df336f9d6e852d3439528fd154c98eaced714ce20ce9f56a558cad445f655",
    "claims.csv": "370545880d25137cdf9682a99da6daaef3a0d9ca0abcb0d48ff6a5923afd579f",
    "complaint_classes.csv": "63cf0191ec886a71e0586b9d8ed4bc3e2f7e3bf963601e1fe1c80c3df9899168",
    "hospice_measures.csv": "b7c39186f3d85ce7331efd3e8b0cc2d96ee0d56cbe861844e2364631fc458b01",
    "published/attitude_alpha.json": "b6b040d56fa696de57530d9995c7c0ba0b64f1f5974d0411db7b274121804a0d",
    "published/brennan_2001.json": "01167088535e2be15cce8a2529355a4253d76871d6fda0f6e122cbe35cd95e43",
    "published/gwet_4_raters.json": "c8c60b836cb74b9f36145caa38bde8a1527b7a0e979cc30e8f8daf0e06d86b50",
    "published/gwet_contingency_3x3.json": "64955c43623f28f95ac2af82af2cc2a395f8b9466deef76af10502d30a72c0cd",
    "published/housing_polr.json": "72007db6b8cc84a068aab7530a0a37a2f5d2bc3d969e27dc7d15e0683e0d1d7e",
    "published/krippendorff_2011_example_c.json": "8d34d0ec663710718c8f8be77d2891c658d3a55ba94d99313ad23c0d26c09d64",
    "published/lme4_insteval.json": "0492927f38b0d957ee559ebe61382ddc0d5257e86f1f8c4090edc83ea747fe7a",
    "published/lme4_penicillin.json": "5abb28d2677c5519e018af05094bc4485449b6daa9ae9b9e17f827c6dfe194a9",
    "published/lmg_swiss.json": "710fc561433d9cd40338c2ffef0d9929e1e9790dad9eb325644828042f1bbf99",
    "published/newey_west_thatcher.json": "a8ce94400e1774a7b48379b35641c167101a1707979453d9900d77a571581855",
    "published/panel_within.json": "4a080957e4a934a37835f1773876014a82cc012f9c8a2978697cab80487e57fc",
    "published/shrout_fleiss_1979.json": "857bd1513f0d0cc0c01588c3cc17786e1e765a11da70935b4c961985bcbb78d1",
    "touchpoint_groups.csv": "aa8fbaa83b28c89c350068057c68650934b73ddab895b186bed0995614bf2c5f",
    "touchpoints.csv": "db6af35fc7538967a68996727e38a525f2364f07c4175e823a9c47f1b1af30bd",
}

TEXT = pa.Column("str", pa.Check.str_matches(r"^\S(.*\S)?$"))
CHINESE = pa.Column("str", pa.Check.str_matches(r"^[^A-Za-z]*[\u4e00-\u9fff]"))
CODE = pa.Column("str", pa.Check.str_matches(r"^[a-z][a-z_]*[a-z]$"), unique=True)
ORDER = pa.Column("int64", unique=True)

CLAIMS = [f"{topic}{i}" for topic, last in (("L", 10), ("M", 6), ("T", 12), ("V", 12)) for i in range(1, last + 1)]
TOPICS = {"L": "loyalty", "M": "mystery_shopping", "T": "touchpoints", "V": "voice"}

SCHEMAS = {
    "touchpoints": {
        "id": CODE,
        "stage": pa.Column("str", pa.Check.isin(["marketing", "product", "service", "brand"])),
        "stage_zh": pa.Column("str", pa.Check.isin(["营销环节", "产品环节", "服务环节", "品牌传播环节"])),
        "english": TEXT,
        "chinese": CHINESE,
        "order": ORDER,
    },
    "touchpoint_groups": {
        "id": CODE,
        "english": TEXT,
        "chinese": CHINESE,
        "stage": pa.Column("str", pa.Check.isin(["marketing", "product", "service", "brand"])),
        "seven_p": pa.Column(
            "str", pa.Check.isin(["product", "price", "place", "promotion", "people", "environment", "process"])
        ),
        "four_factor": pa.Column("str", pa.Check.isin(["product", "price", "channel", "competitors"])),
    },
    "complaint_classes": {"id": CODE, "english": TEXT, "chinese": CHINESE, "order": ORDER},
    "attitude_questions": {"code": CODE, "english": TEXT, "chinese": CHINESE},
    "hospice_measures": {
        "code": CODE,
        "english": TEXT,
        "chinese": CHINESE,
        "role": pa.Column("str", pa.Check.isin(["component", "composite", "separate"])),
    },
    "claims": {
        "id": pa.Column("str", pa.Check.isin(CLAIMS), unique=True),
        "topic": pa.Column("str", pa.Check.isin(list(TOPICS.values()))),
        "kind": pa.Column("str", pa.Check.isin(["claim", "practice"])),
        "english": TEXT,
        "chinese": CHINESE,
        "study": TEXT,
        "notebook": pa.Column("str", pa.Check.str_matches(r"^[a-z_]+/[a-z_]+$"), nullable=True),
    },
}


@pytest.mark.parametrize("name", SHA256)
def test_facts_are_unchanged(root: Path, name: str) -> None:
    assert hashlib.sha256((root / "data" / name).read_bytes()).hexdigest() == SHA256[name]


def test_every_fact_is_pinned(root: Path) -> None:
    files = [*(root / "data").glob("*.csv"), *(root / "data" / "published").glob("*.json")]
    assert {file.relative_to(root / "data").as_posix() for file in files} == set(SHA256)


@pytest.mark.parametrize("name", SCHEMAS)
def test_facts_fit_their_schema(name: str) -> None:
    frame = cx.read(name)
    pa.DataFrameSchema(SCHEMAS[name], strict=True, ordered=True).validate(frame)
    if "order" in frame:
        assert frame["order"].tolist() == list(range(1, len(frame) + 1))
    assert frame["english"].is_unique
    assert frame["chinese"].is_unique


@pytest.mark.parametrize("name", SCHEMAS)
def test_facts_are_utf8_without_a_mark_and_with_plain_line_ends(root: Path, name: str) -> None:
    raw = (root / "data" / f"{name}.csv").read_bytes()
    assert not raw.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in raw
    assert raw.endswith(b"\n")
    raw.decode("utf-8")


def test_twenty_five_touchpoints_in_four_stages() -> None:
    frame = cx.read("touchpoints")
    stages = frame.groupby(["stage", "stage_zh"], sort=False).size()
    assert dict(stages) == {
        ("marketing", "营销环节"): 5,
        ("product", "产品环节"): 4,
        ("service", "服务环节"): 14,
        ("brand", "品牌传播环节"): 2,
    }


def test_claims_are_those_of_the_domain_in_order() -> None:
    frame = cx.read("claims")
    assert frame["id"].tolist() == CLAIMS
    assert frame["topic"].tolist() == [TOPICS[i[0]] for i in CLAIMS]


def test_claims_point_to_the_notebooks_that_test_them() -> None:
    notebooks = cx.read("claims").set_index("id")["notebook"].dropna()
    assert notebooks["L1"] == "loyalty/satisfaction_lags"
    assert notebooks["L6"] == notebooks["L10"] == "loyalty/retention_economics"
    assert notebooks["M1"] == "mystery_shopping/agreement"
    assert notebooks["T1"] == "touchpoints/benchmark"


def test_hospice_measures_are_those_of_the_data() -> None:
    measures = cx.read("hospice_measures")
    assert sorted(measures["code"]) == sorted(cx.read("cms_patient_care")["measure"].unique())
    assert measures["role"].value_counts().to_dict() == {"component": 7, "composite": 1, "separate": 1}


def test_published_tables_say_where_they_come_from(root: Path) -> None:
    for file in (root / "data" / "published").glob("*.json"):
        table = json.loads(file.read_text(encoding="utf-8"))
        assert table["source"], file.name
        assert table["match"], file.name


def test_the_dictionary_describes_every_file_and_column(root: Path) -> None:
    words = (root / "data" / "README.md").read_text(encoding="utf-8")
    for file in SHA256:
        assert f"`{Path(file).name}`" in words, file
    for name, columns in SCHEMAS.items():
        section = words.split(f"## `{name}.csv`")[1].split("\n## ")[0]
        for column in columns:
            assert f"| `{column}` |" in section, (name, column)
