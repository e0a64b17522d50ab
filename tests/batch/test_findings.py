import json
import math

import numpy as np
import pytest

from cxresearch.batch.findings import _Findings, findings, known_claims, stored
from cxresearch.checks import InputError


@pytest.fixture
def shown(monkeypatch):
    """Catch what findings displays."""
    caught = []
    monkeypatch.setattr("IPython.display.display", caught.append)
    return caught


def test_findings_store_claims_and_plain_numbers(shown):
    findings(
        claims={"L1": "not tested"},
        evidence="simulated",
        total=np.float64(1.25),
        n=np.int64(12),
        horizon=math.nan,
        visits=math.inf,
        method="Newey–West",
    )
    bundle = shown[0]._repr_mimebundle_()
    content = bundle["application/vnd.cxresearch.findings+json"]
    assert content == {
        "claims": {"L1": "not tested"},
        "evidence": "simulated",
        "numbers": {"total": 1.25, "n": 12, "horizon": None, "visits": "inf", "method": "Newey–West"},
    }
    json.dumps(content, allow_nan=False)
    assert "1.250" in bundle["text/plain"]


def test_findings_are_read_back_from_a_notebook():
    cell = {"outputs": [{"data": {"application/vnd.cxresearch.findings+json": {"claims": {}}}}, {"text": "x"}]}
    assert stored({"cells": [cell, {"source": "text"}]}) == [{"claims": {}}]


@pytest.mark.parametrize(
    ("claims", "evidence", "numbers", "message"),
    [
        ({"L1": "proven"}, "real", {}, "is not known"),
        ({"L1": "supported"}, "simulated", {}, "cannot say 'supported'"),
        ({"L1": "contradicted"}, "arithmetic", {}, "cannot say 'contradicted'"),
        ({"L99": "undecided"}, "real", {}, "not in data/claims.csv"),
        ({"M2": "supported"}, "real", {}, "is a practice"),
        ({"L1": "undecided"}, "invented", {}, "evidence='invented' is not known"),
        ({"L1": "undecided"}, "real", {"lags": [1, 2]}, "must be a single number"),
    ],
)
def test_findings_refuse_what_cannot_be_said(shown, claims, evidence, numbers, message):
    with pytest.raises(InputError) as error:
        findings(claims=claims, evidence=evidence, **numbers)
    assert message in str(error.value)
    assert not shown


def test_the_table_speaks_both_languages_and_escapes_text():
    content = {"claims": {"L1": "undecided"}, "evidence": "real", "numbers": {"best": "<b>"}}
    html = _Findings(content, known_claims(), "zh")._repr_mimebundle_()["text/html"]
    assert "无法判断" in html
    assert "&lt;b&gt;" in html
