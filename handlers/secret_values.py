"""Secret values: which settings are secret, and a text without any of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote, quote_plus, unquote, urlsplit

from pydantic import BaseModel, SecretStr

HIDDEN = "[secret]"
# What is shorter stands in too many words by chance, and protects nothing.
_SHORTEST = 4


def places(model: type[BaseModel]) -> tuple[tuple[str, str], ...]:
    """Every secret setting as (section, key)."""
    found: list[tuple[str, str]] = []
    for section, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found += ((section, key) for key, one in inner.model_fields.items() if one.annotation is SecretStr)
    return tuple(found)


def values(settings: BaseModel) -> tuple[str, ...]:
    """Every secret that is set; of an address also its password alone."""
    found: list[str] = []
    for section, key in places(type(settings)):
        value = getattr(getattr(settings, section), key).get_secret_value()
        if value:
            found += (value, *_passwords(value))
    return tuple(found)


def scrubber(secrets: Iterable[str]) -> Callable[[str], str]:
    """A function that hides secrets in a text, also as an address, JSON or Python would write them."""
    forms = {form for secret in secrets for form in _forms(secret) if len(form) >= _SHORTEST}
    if not forms:
        return lambda text: text
    # The longest first: one secret may be a part of another.
    pattern = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))))
    return lambda text: pattern.sub(HIDDEN, text)


def _forms(secret: str) -> Iterator[str]:
    plain = secret.encode("utf-8", "replace")
    yield from (quote(plain, safe=""), quote(plain), quote_plus(plain))
    # A line of the log is escaped once more when it is written, whatever is in it.
    for written in (secret, repr(secret)[1:-1]):
        yield from (written, json.dumps(written)[1:-1], json.dumps(written, ensure_ascii=False)[1:-1])


def _passwords(value: str) -> tuple[str, ...]:
    """The password in a database's address, and the part of a Telegram token that is not the bot's number."""
    number, colon, rest = value.partition(":")
    if colon and number.isdecimal():
        return (rest,)
    try:
        written = urlsplit(value).password if "://" in value else None
    except ValueError:
        return ()
    return (written, unquote(written)) if written else ()
