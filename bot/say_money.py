"""Saying money: one fixed pattern per language and currency, which nobody can take for another amount."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from knowledge.brief import Budget, Money, Period

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class _Manner:
    """How one language says money; `marks` are the patterns of single currencies, `other` that of the rest."""

    marks: Mapping[str, str]
    at_most: str
    at_least: str
    periods: Mapping[Period, str]
    other: str = "{code} {amount}"
    groups: str = ","
    decimal: str = "."


_MANNERS = {
    "zh-Hant": _Manner(
        marks={"TWD": "NT${amount}", "USD": "US${amount}"},
        at_most="{money} 以內",
        at_least="{money} 以上",
        periods={"once": "{money}", "month": "每月 {money}", "year": "每年 {money}"},
    ),
    "vi": _Manner(
        marks={"VND": "{amount} ₫"},
        at_most="tối đa {money}",
        at_least="từ {money}",
        periods={"once": "{money}", "month": "{money}/tháng", "year": "{money}/năm"},
        other="{amount} {code}",
        groups=".",
        decimal=",",
    ),
    "en": _Manner(
        marks={"TWD": "NT${amount}", "USD": "US${amount}"},
        at_most="up to {money}",
        at_least="from {money}",
        periods={"once": "{money}", "month": "{money} a month", "year": "{money} a year"},
    ),
    "th": _Manner(
        marks={"THB": "฿{amount}", "USD": "US${amount}"},
        at_most="ไม่เกิน {money}",
        at_least="ตั้งแต่ {money}",
        periods={"once": "{money}", "month": "{money} ต่อเดือน", "year": "{money} ต่อปี"},
    ),
    "ja": _Manner(
        marks={"JPY": "{amount}円", "USD": "US${amount}", "TWD": "NT${amount}"},
        at_most="{money}以内",
        at_least="{money}以上",
        periods={"once": "{money}", "month": "月額{money}", "year": "年額{money}"},
    ),
}


def say_money(money: Money, language: str) -> str:
    """An amount as `language` writes it (as English does where it is unknown), to the cent.

    Without a currency it is the figures alone.
    """
    manner = _MANNERS.get(language, _MANNERS["en"])
    return _with_currency(_figures(money.amount, manner), money.currency, manner)


def say_budget(budget: Budget, language: str) -> str:
    """A budget with its ends and its period: "NT$200,000–300,000", "up to US$5,000 a month"."""
    manner = _MANNERS.get(language, _MANNERS["en"])
    low, high = budget.low, budget.high
    figures = _figures(budget.most.amount, manner)
    if low is not None and high is not None and low.amount != high.amount:
        figures = f"{_figures(low.amount, manner)}–{figures}"
    said = _with_currency(figures, budget.currency, manner)
    if low is None or high is None:
        # The pattern of the period is the outer one only where it comes first: 每月 NT$5,000 以內.
        bound = manner.at_most if low is None else manner.at_least
        period = manner.periods[budget.period]
        if bound.startswith("{money}"):
            return period.format(money=bound.format(money=said))
        return bound.format(money=period.format(money=said))
    return manner.periods[budget.period].format(money=said)


def _with_currency(figures: str, currency: str | None, manner: _Manner) -> str:
    if currency is None:
        return figures
    return manner.marks.get(currency, manner.other).format(amount=figures, code=currency)


def _figures(amount: Decimal, manner: _Manner) -> str:
    rounded = amount.quantize(_CENT, ROUND_HALF_UP) if amount.is_finite() and abs(amount) < 10**20 else amount
    whole = rounded == rounded.to_integral_value()
    plain = format(rounded.to_integral_value() if whole else rounded, ",f")
    return plain.translate({ord(","): manner.groups, ord("."): manner.decimal})
