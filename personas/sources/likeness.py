"""Customer numbers that a person would take for the same: told, never joined.

Method: ingest.md 6.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from personas.errors import count_of
from personas.estimate import Notice

if TYPE_CHECKING:
    import pyarrow as pa

INVISIBLE = "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
"""Soft hyphen, zero-width signs, marks of direction, byte-order mark."""


def alike(numbers: pa.Array | None, name: str, label: str, *, folded: bool) -> list[Notice]:
    """A remark when numbers of a text source differ by what is hardly seen; ``folded``: letter case is settled."""
    import pyarrow.compute as pc

    if numbers is None:
        return []
    texts = pc.unique(numbers).drop_null()
    texts = pc.unique(pc.utf8_lower(texts)) if folded else texts
    plain = pc.utf8_lower(pc.utf8_normalize(texts, form="NFKC"))
    plain = pc.replace_substring_regex(plain, rf"{INVISIBLE}|\s|^0+", "")
    count = len(texts) - len(pc.unique(plain))
    if not count:
        return []
    verb = "differs" if count == 1 else "differ"
    way = "" if folded else f" Those that differ by letter case are joined by sources.{name}.fold_case: true"
    return [
        Notice(
            "alike-customers",
            f"{label}: {count_of(count, 'customer number')} {verb} from another only by "
            f"letter case, blanks, width, leading zeros or signs that are not seen. They stay apart.{way}",
            count,
        )
    ]
