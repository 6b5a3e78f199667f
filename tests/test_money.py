"""Money in sentences: the cases stand in tests/money/<language>.yaml, one line each.

A case is `[sentence, budget, ...]`, or a mapping with `text`, `finds`, `asked` (the budget has just been asked
for) and `factor`. A budget is written `[add|less ][<=|>=]amount[-amount] currency[/period][ flag ...]`, where an
unknown currency is `none` and the flags are `bare`, `negative` and `absurd`.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import cn2an
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from num2words import num2words

from bot.figures import figure_value
from bot.money import Found, find_amounts, find_factor
from bot.money_text import prepare
from bot.money_vocabulary import vocabulary
from bot.say_money import say_budget, say_money
from knowledge.brief import Budget, Money
from knowledge.change import MOST_MONEY
from knowledge.numerals import MoneyWords
from knowledge.strict_yaml import read

HERE = Path(__file__).parent
LANGUAGES = ("zh-Hant", "vi", "en", "th", "ja")


@cache
def grammars() -> Mapping[str, MoneyWords]:
    found = {}
    for language in LANGUAGES:
        data, faults = read(HERE.parent / "knowledge" / "languages" / f"{language}.yaml", language)
        assert not faults
        found[language] = MoneyWords.model_validate(data["money"])
    return found


def written(found: Found) -> str:
    """A budget in the notation of the cases."""
    low, high = found.budget.low, found.budget.high
    if low is None:
        amount = f"<={found.budget.most.amount}"
    elif high is None:
        amount = f">={low.amount}"
    else:
        amount = str(low.amount) if low == high else f"{low.amount}-{high.amount}"
    period = "" if found.budget.period == "once" else f"/{found.budget.period}"
    flags = [flag for flag in ("negative", "absurd") if getattr(found, flag)]
    flags += ["bare"] if found.kind == "bare" else []
    change = "" if found.change == "set" else f"{found.change} "
    return " ".join([f"{change}{amount} {found.budget.currency or 'none'}{period}", *flags])


def cases() -> Iterator[Any]:
    for language in LANGUAGES:
        entries, faults = read(HERE / "money" / f"{language}.yaml", language)
        assert not faults
        for entry in entries:
            case = entry if isinstance(entry, dict) else {"text": entry[0], "finds": entry[1:]}
            yield pytest.param(language, case, id=f"{language}: {case['text']}")


@pytest.mark.parametrize(("language", "case"), list(cases()))
def test_case(language: str, case: dict[str, Any]) -> None:
    text = case["text"]
    found = find_amounts(text, language, grammars(), expected=case.get("asked", False))
    assert [written(one) for one in found] == case.get("finds", [])
    assert str(find_factor(text, language, grammars()) or None) == str(case.get("factor"))
    assert all(0 <= one.start < one.end <= len(text) for one in found)


# -- round trips: what independent renderers write is read back ----------------------------------------------------

ROUND_TRIPS = 5000  # in words
FIGURE_TRIPS = 800  # in each pattern
_TEENS = {"zh-Hant": 10**4, "vi": 10**5, "en": 10**3, "th": 10**4, "ja": 10**4}


def amounts(language: str, count: int) -> Iterator[int]:
    """Amounts as budgets are: one to four digits that count, then zeros; always the same ones."""
    chance = random.Random(f"money {language}")  # noqa: S311 - no secret
    for _ in range(count):
        digits = chance.randrange(1, 10 ** chance.randrange(1, 5))
        yield min(max(digits * 10 ** chance.randrange(3, 9), _TEENS[language]), 10**12)


def spoken(amount: int, language: str) -> list[str]:
    """The amount in words, by renderers that know nothing of this project."""
    if language == "zh-Hant":
        words = cn2an.an2cn(amount, "low")
        capitals = cn2an.an2cn(amount, "up")
        traditional = str.maketrans("万亿两", "萬億兩")
        return [words, words.translate(traditional), capitals, f"預算{words}左右"]
    words = num2words(amount, lang=language)
    if language == "vi":
        return [words, f"ngân sách {words} ạ"]
    if language == "en":
        return [words, f"our budget is {words} a month", words.replace(",", "").replace("-", " ")]
    if language == "ja":
        return [f"{words}円", f"予算は{words}円です"]
    return [words, f"งบ{words}บาท"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_come_back(language: str) -> None:
    wrong = []
    count = 0
    for amount in amounts(language, ROUND_TRIPS):
        for text in spoken(amount, language):
            found = find_amounts(text, language, grammars())
            count += 1
            if [one.budget.most.amount for one in found] != [amount]:
                wrong.append((amount, text, [written(one) for one in found]))
    assert len(wrong) <= count / 1000, wrong[:10]


FIGURES = {
    "zh-Hant": ("{0:,}元", "NT${0:,}", "預算{0}元", "{w}萬", "{w}萬元", "約{w}萬左右"),
    "vi": ("{v} đồng", "{v}đ", "{0} vnd", "{m}tr", "{m} triệu", "ngân sách {m}tr/tháng"),
    "en": ("${0:,}", "{0} usd", "USD {0:,}", "{k}k", "{k}k a month", "{m} million"),
    "th": ("{0:,} บาท", "฿{0:,}", "งบ {0} บาท", "{s} แสน", "{m} ล้านบาท"),
    "ja": ("{0:,}円", "¥{0:,}", "予算{0}円", "{w}万円", "約{w}万円"),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_figures_come_back(language: str) -> None:
    wrong = []
    for amount in amounts(language, FIGURE_TRIPS):
        if amount >= 10**11:
            continue
        units = {"k": 10**3, "w": 10**4, "s": 10**5, "m": 10**6}
        parts = {name: format(Decimal(amount) / unit, "f") for name, unit in units.items()}
        if language == "vi":
            parts = {name: part.replace(".", ",") for name, part in parts.items()}
        for pattern in FIGURES[language]:
            text = pattern.format(amount, v=f"{amount:,}".replace(",", "."), **parts)
            found = find_amounts(text, language, grammars())
            if [one.budget.most.amount for one in found] != [amount]:
                wrong.append((amount, text, [written(one) for one in found]))
    assert not wrong, wrong[:10]


# -- what holds for every text -------------------------------------------------------------------------------------

SNIPPETS = [
    *"0123456789 ,.-/%$+~kwmđ₫萬億元千百十兩三半多萬一月",
    *("預算", "不是", "改成", "粉絲", "不超過", "倍", "\uff0c000", "５", "円", "ではなく", "แสน", "ล้าน", "ครึ่ง", "บาท"),
    *(
        "không phải",
        "triệu",
        "tr",
        "tỷ",
        "năm",
        "mươi",
        "rưỡi",
        "lẻ",
        "gấp",
        "budget",
        "million",
        "hundred",
        "and a half",
    ),
    *("between", "to", "per month", "usd", "nt$", "followers", "double it", "\u0301", "\u200b", "İ", "\ud800", "1e999"),
]


@settings(max_examples=400, deadline=None)
@given(
    text=st.one_of(st.text(max_size=80), st.lists(st.sampled_from(SNIPPETS), max_size=30).map("".join)),
    language=st.sampled_from([*LANGUAGES, "xx"]),
    expected=st.booleans(),
)
def test_any_text_is_harmless(text: str, language: str, expected: bool) -> None:
    for one in find_amounts(text, language, grammars(), expected=expected):
        assert 0 <= one.start < one.end <= len(text)
        ends = [end.amount for end in (one.budget.low, one.budget.high) if end]
        assert ends == sorted(ends)
        assert all(end.is_finite() and 0 <= end <= MOST_MONEY for end in ends)
        assert all("E" not in str(end) for end in ends)
        assert one.absurd == (one.budget.most.amount >= MOST_MONEY)
        assert all(say_budget(one.budget, language) for language in LANGUAGES)
    factor = find_factor(text, language, grammars())
    assert factor is None or 0 < factor <= 20


@pytest.mark.parametrize("language", LANGUAGES)
def test_spans_hold_the_figures(language: str) -> None:
    text = "x\u0301 \u200b🙂 NT$３００,０００ 🙂"
    (one,) = find_amounts(text, language, grammars())
    assert text[one.start : one.end].strip() == "NT$３００,０００"
    assert one.budget == Budget(Money(Decimal(300_000), "TWD"), Money(Decimal(300_000), "TWD"))


HOSTILE = (
    *(
        "5",
        "1,",
        "1,1,1,",
        "000 ",
        "+84 ",
        "5k/1 ",
        "5 - ",
        "-5",
        "0 1",
        "5% ",
        "50k to ",
        "http://",
        "@",
        " ",
        "a\u0301\u0323",
    ),
    *(
        "一",
        "兩三",
        "萬",
        "三萬",
        "兩萬三",
        "二、",
        "多",
        "1\uff0c000",
        "預算",
        "năm ",
        "một triệu hai ",
        "không trăm ",
    ),
    *("hundred and five ", "budget 5 ", "one million, two ", "five point five ", "half a ", "double it "),
)


def calls(text: str, language: str) -> int:
    """How many function calls, of Python and of C, a text takes: the same on every run."""
    count = 0

    def count_one(*_: object) -> None:
        nonlocal count
        count += 1

    find_amounts("", language, grammars())
    sys.setprofile(count_one)
    try:
        find_amounts(text, language, grammars(), expected=True)
        find_factor(text, language, grammars())
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("snippet", HOSTILE)
def test_work_grows_with_the_text_and_no_faster(snippet: str) -> None:
    language = "vi" if any(letter in snippet for letter in "ăộô") else "zh-Hant" if snippet >= "\u2e80" else "en"
    short, long = snippet * (1000 // len(snippet)), snippet * (4000 // len(snippet))
    calls(short, language)
    assert calls(long, language) <= 4.4 * calls(short, language) + 200


def test_a_text_without_numbers_is_left_at_the_gate() -> None:
    for language, text in (
        ("zh-Hant", "想找人推保養品，該找誰？"),
        ("en", "Who should we hire?"),
        ("vi", "nên thuê ai ạ?"),
    ):
        small, _ = prepare(text)
        words = vocabulary(small, language, grammars())
        assert words is not None
        assert not words.counts(small)


# -- figures, currencies, wording ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("figure", "decimal", "scaled", "value"),
    [
        ("1,000,000", ".", False, "1000000"),
        ("1.000.000", ".", False, "1000000"),
        ("1 000 000", ",", False, "1000000"),
        ("1.500", ",", True, "1500"),
        ("1.500", ".", True, "1.5"),
        ("1.500", ".", False, "1500"),
        ("1,500", ",", True, "1.5"),
        ("1,5", ".", True, "1.5"),
        ("1,5", ".", False, None),
        ("1,5", ",", False, "1.5"),
        ("1.000,50", ".", False, "1000.5"),
        ("1,000.50", ",", False, "1000.5"),
        ("10,00,000", ".", False, "1000000"),
        (".5", ".", True, "0.5"),
        ("0.5", ",", True, "0.5"),
        ("0", ".", False, "0"),
        ("007", ".", False, None),
        ("1.2.3", ".", False, None),
        ("1,00,00", ".", False, None),
        ("1,0000", ".", False, None),
        ("0,000,000", ".", False, None),
    ],
)
def test_figures(figure: str, decimal: str, scaled: bool, value: str | None) -> None:
    assert figure_value(figure, decimal, scaled=scaled) == (None if value is None else Decimal(value))


def test_without_grammars_nothing_is_found() -> None:
    assert find_amounts("NT$300,000", "en", {}) == ()
    assert find_factor("double it", "en", {}) is None


def test_one_grammar_is_enough() -> None:
    only = {"vi": grammars()["vi"]}
    assert [written(one) for one in find_amounts("ngân sách 5tr", "vi", only)] == ["5000000 VND"]
    assert find_amounts("預算三十萬", "vi", only) == ()


def test_a_word_with_two_values_is_refused() -> None:
    with pytest.raises(ValueError, match="more than one currency: dollar"):
        MoneyWords.model_validate(
            {"numbers": {1: "one"}, "scales": {100: "hundred"}, "currencies": {"USD": "dollar", "AUD": "dollar"}}
        )
    with pytest.raises(ValueError, match="implicit names what is no scale: dozen"):
        MoneyWords.model_validate(
            {"numbers": {1: "one"}, "scales": {100: "hundred"}, "currencies": {"USD": "$"}, "implicit": "dozen"}
        )


@pytest.mark.parametrize(
    ("amount", "currency", "language", "said"),
    [
        ("300000", "TWD", "zh-Hant", "NT$300,000"),
        ("15000000", "VND", "zh-Hant", "VND 15,000,000"),
        ("50000", "USD", "zh-Hant", "US$50,000"),
        ("300000", "JPY", "zh-Hant", "JPY 300,000"),
        ("15000000", "VND", "vi", "15.000.000 ₫"),
        ("50000", "USD", "vi", "50.000 USD"),
        ("15000000", "VND", "en", "VND 15,000,000"),
        ("50000", "USD", "en", "US$50,000"),
        ("1234.5", "USD", "en", "US$1,234.50"),
        ("1234.5", "EUR", "vi", "1.234,50 EUR"),
        ("30000", "THB", "th", "฿30,000"),
        ("30000", "THB", "en", "THB 30,000"),
        ("300000", "JPY", "ja", "300,000円"),
        ("300000", None, "en", "300,000"),
        ("300000", None, "vi", "300.000"),
        ("1E+3", "USD", "xx", "US$1,000"),
    ],
)
def test_money_is_said(amount: str, currency: str | None, language: str, said: str) -> None:
    assert say_money(Money(Decimal(amount), currency), language) == said


def test_budgets_are_said() -> None:
    low, high = Money(Decimal(20_000), "TWD"), Money(Decimal(30_000), "TWD")
    assert say_budget(Budget(low, high), "en") == "NT$20,000–30,000"
    assert say_budget(Budget(high, high, "month"), "en") == "NT$30,000 a month"
    assert say_budget(Budget(None, high, "month"), "en") == "up to NT$30,000 a month"
    assert say_budget(Budget(low, None, "year"), "en") == "from NT$20,000 a year"
    assert say_budget(Budget(None, high, "month"), "zh-Hant") == "每月 NT$30,000 以內"
    assert say_budget(Budget(low, None), "zh-Hant") == "NT$20,000 以上"
    assert say_budget(Budget(None, high, "month"), "vi") == "tối đa 30.000 TWD/tháng"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_said_is_understood(language: str) -> None:
    for currency in ("TWD", "VND", "USD", "JPY", "THB", "EUR"):
        low, high = Money(Decimal(200_000), currency), Money(Decimal(3_000_000), currency)
        for budget in (Budget(high, high), Budget(low, high), Budget(None, high), Budget(high, high, "month")):
            text = say_budget(budget, language)
            assert [one.budget for one in find_amounts(text, language, grammars())] == [budget], text
