"""What the levels of a facet are called in sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cxresearch import checks
from cxresearch.language import number


@dataclass(frozen=True, kw_only=True)
class Noun:
    """A facet's name in sentences.

    Parameters
    ----------
    one, many : str
        English: one level, several levels.
    zh : str
        Chinese.
    measure : str
        Chinese measure word.
    """

    one: str
    many: str
    zh: str
    measure: str = "个"

    def counted(self, n: float, language: str = "en") -> str:
        """Write a number of them: ``7 visits``, ``7 次到访``."""
        rounded = round(n, 1)  # a study's own sizes may be means
        said = number(rounded, 0 if rounded >= 10 or float(rounded).is_integer() else 1)
        if language == "zh":
            return f"{said} {self.measure}{self.zh}"
        return f"{said} {self.one if rounded == 1 else self.many}"

    def each(self) -> str:
        """Write ``every store`` in Chinese: ``每家门店``."""
        return f"每{self.measure}{self.zh}"

    def a(self) -> str:
        """Write ``a visit`` or ``an item``."""
        return f"{'an' if self.one[:1].lower() in 'aeiou' else 'a'} {self.one}"


_KNOWN: Final = {
    "employee": Noun(one="employee", many="employees", zh="员工", measure="名"),
    "item": Noun(one="item", many="items", zh="项目"),
    "judge": Noun(one="judge", many="judges", zh="评委", measure="名"),
    "occasion": Noun(one="occasion", many="occasions", zh="场合"),
    "outlet": Noun(one="outlet", many="outlets", zh="网点"),
    "person": Noun(one="person", many="persons", zh="人", measure="名"),
    "post": Noun(one="post", many="posts", zh="岗位"),
    "rater": Noun(one="rater", many="raters", zh="评分者", measure="名"),
    "shopper": Noun(one="shopper", many="shoppers", zh="神秘客户", measure="名"),
    "store": Noun(one="store", many="stores", zh="门店", measure="家"),
    "task": Noun(one="task", many="tasks", zh="任务"),
    "unit": Noun(one="unit", many="units", zh="单位"),
    "visit": Noun(one="visit", many="visits", zh="到访", measure="次"),
}


def nouns(facets: Sequence[str], labels: Mapping[str, Any] | None) -> dict[str, Noun]:
    """Find what each facet is called: as the caller says, as is usual, or by its column.

    Labels of other columns are passed over, so that one set of labels serves several designs.

    Raises
    ------
    InputError
        If a label is not a word or a list of up to 4.
    """
    given = dict(labels or {})
    for name, value in given.items():
        parts = [value] if isinstance(value, str) else value
        if (
            not isinstance(parts, list | tuple)
            or not 1 <= len(parts) <= 4
            or not all(isinstance(p, str) for p in parts)
        ):
            raise checks.InputError(
                f"labels[{name!r}]={value!r}: give English for one and for many, Chinese, and its measure word, as in "
                '["visit", "visits", "到访", "次"]'
            )
    return {f: _noun(f, given.get(f)) for f in facets}


def _noun(facet: str, given: Any) -> Noun:
    if given is None:
        return _KNOWN.get(facet.lower()) or Noun(one=facet, many=_plural(facet), zh=facet)
    parts = [given] if isinstance(given, str) else list(given)
    one = parts[0]
    many = parts[1] if len(parts) > 1 else _plural(one)
    zh = parts[2] if len(parts) > 2 else one
    return Noun(one=one, many=many, zh=zh, measure=parts[3] if len(parts) > 3 else "个")


def _plural(word: str) -> str:
    if len(word) < 3 or not word.isascii() or not word[-1].isalpha():
        return word
    if word[-1] == "y" and word[-2].lower() not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}es" if word[-1] in "sxz" or word[-2:] in ("ch", "sh") else f"{word}s"
