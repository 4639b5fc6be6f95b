"""Words that pages are made of: foreign strings made harmless to read, numbers as words, lists as prose."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date, timedelta

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_INVISIBLE = {chr(code): "\ufffd" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C)}


def visible(text: str) -> str:
    """NFC text with control characters as symbols and direction marks as U+FFFD; line ends become spaces.

    >>> visible("a\\x00b")
    'a␀b'
    """
    out = []
    for ch in unicodedata.normalize("NFC", text):
        code = ord(ch)
        if ch in "\t\n\r":
            out.append(" ")
        elif code < 0x20:
            out.append(chr(0x2400 + code))
        elif 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000 or code in {0xFFFE, 0xFFFF}:
            out.append("\ufffd")
        else:
            out.append(_INVISIBLE.get(ch, ch))
    return "".join(out)


def short(text: str, longest: int = 200) -> str:
    """A name from outside, cut at 200 characters (or fewer)."""
    text = visible(text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def first_upper(text: str) -> str:
    """The first letter as a capital, the rest untouched."""
    return text[:1].upper() + text[1:]


def in_words(n: int) -> str:
    """Small counts as words, larger ones as digits.

    >>> in_words(6), in_words(14)
    ('six', '14')
    """
    return _NUMBERS[n] if 0 <= n < len(_NUMBERS) else f"{n:,}"


def and_list(items: Sequence[str]) -> str:
    """Items as prose.

    >>> and_list(["Joe", "Sarah", "Derek"])
    'Joe, Sarah and Derek'
    """
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def sentence(text: str) -> str:
    """With a capital at the start and a full stop at the end."""
    text = first_upper(text.strip())
    return text if not text or text[-1] in ".!?。" else f"{text}."


def slug(text: str) -> str:
    """Safe for an id and a file name: ``[a-z0-9-]``, at most 64 long, never empty.

    >>> slug("../Sarah 7C1E")
    'sarah-7c1e'
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain).strip("-")[:64].strip("-") or "persona"


def slugs(names: Sequence[str]) -> list[str]:
    """Slugs without a repetition: the second ``joe`` is ``joe-2``."""
    found: list[str] = []
    for name in names:
        plain, turn = slug(name), 2
        candidate = plain
        while candidate in found:
            candidate, turn = f"{plain}-{turn}", turn + 1
        found.append(candidate)
    return found


def renew_by(snapshot: date) -> date:
    """Three months after the snapshot: until then the page may be taken as current."""
    month = snapshot.month + 3
    year, month = snapshot.year + (month - 1) // 12, (month - 1) % 12 + 1
    first_of_next = date(year + month // 12, month % 12 + 1, 1)
    return min(first_of_next - timedelta(days=1), date(year, month, 1) + timedelta(days=snapshot.day - 1))
