"""What is protected: columns that describe a persona but never form one by default, groups too small to show, and
columns that point at single people or tell what nobody may be sorted by.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from personas.sources.canonical import CANONICAL

PROTECTED: tuple[str, ...] = tuple(
    dict.fromkeys(column.name for columns in CANONICAL.values() for column in columns if column.protected)
)
"""Canonical columns that are protected, over all tables."""
SMALL_CELL = 5
"""A count of fewer customers than this may point at single people: no level of a protected column is shown with it."""
MOST = 0.8
"""Share of values that must look alike before a column is taken for what they look like."""

_IDENTIFYING = {
    "e-mail": r"e ?mail|courriel|correo|correio|e ?posta|邮箱|メール",
    "phone": r"phone|telefon|telephone|tel|mobile|handy|telefono|celular|fax|电话|電話",
    "birth date": r"birth ?date|date of birth|birthday|dob|geburtsdatum|geburtstag|date de naissance"
    r"|fecha de nacimiento"
    r"|data di nascita|dogum tarihi|geboortedatum|data de nascimento",
    "address": r"address|adresse|anschrift|street|strasse|rue|calle|direccion|indirizzo|adres|endereco|house number"
    r"|hausnummer|zip|zip code|postal code|postcode|plz|postleitzahl|code postal|codigo postal|ip|ip address"
    r"|latitude|longitude|city and street",
    "name": r"^name$|(?:first|last|full|family|given|middle|customer|billing|shipping|contact|buyer|user) ?name"
    r"|surname|vorname|nachname|familienname|prenom|nom|nombre|apellidos?"
    r"|nome|cognome|sobrenome|ad soyad|soyad|voornaam|achternaam|姓名|氏名",
    "free text": r"notes?|comments?|remarks?|message|description|bemerkung|kommentar|notiz|commentaire|comentario|"
    r"nota|commento|opmerking|yorum|customer note",
    "payment": r"iban|bic|card number|card last4|account number|kontonummer|tax id|vat id|ssn|passport|national id",
}
_SPECIAL = {
    "health": r"health|disease|diagnos\w*|illness|disab\w*|gesundheit|krank\w*|behinder\w*|sante|maladie|handicap|salud"
    r"|enfermedad|salute|malattia|saglik|engelli|pregnan\w*|schwanger\w*|allerg\w*|medication",
    "religion": r"religio\w*|confession|konfession|faith|church|kirche|religione|din|geloof|denomination",
    "politics": r"politic\w*|party membership|partei\w*|parti politique|partido|vote|voting",
    "origin": r"ethnic\w*|race|racial|herkunft|ethnie|origine ethnique|etnia|raza|razza|nationality|nationalitat|caste",
    "sexual life": r"sexual\w*|orientation|sexualit\w*|lgbt\w*",
    "union membership": r"union|trade union|gewerkschaft|syndicat|sindicato|sindacato|vakbond|sendika",
    "biometric or genetic data": r"biometric\w*|genetic\w*|dna|fingerprint|face ?id",
}
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")
_PHONE = re.compile(r"(?:\+|00|\(?0)[\d ()./-]{6,18}")
_IP = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")


def identifying(name: str, values: Sequence[str] = ()) -> str:
    """What a column tells of a single person (e-mail, phone, name ...), by its name or its values, or nothing.

    >>> identifying("Billing E-mail"), identifying("x", ["a@b.org", "c@d.org"]), identifying("region")
    ('e-mail', 'e-mail', '')
    """
    return _by_name(name, _IDENTIFYING) or _by_values(values)


def special(name: str) -> str:
    """The special category of a column by its name (health, religion ...), or nothing.

    >>> special("Religion"), special("colour")
    ('religion', '')
    """
    return _by_name(name, _SPECIAL)


def _by_name(name: str, words: dict[str, str]) -> str:
    plain = plain_name(name)
    return next((kind for kind, pattern in words.items() if re.search(rf"(?:^| )(?:{pattern})(?:$| )", plain)), "")


def plain_name(name: str) -> str:
    """Small letters without accents, words apart by one blank; camelCase opened."""
    opened = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    bare = "".join(c for c in unicodedata.normalize("NFKD", opened.casefold()) if not unicodedata.combining(c))
    return re.sub(r"\bper \w+\b", "", " ".join(re.sub(r"[\W_]+", " ", bare.replace("ı", "i")).split())).strip()


def _by_values(values: Sequence[str]) -> str:
    filled = [value.strip() for value in values if value and value.strip()]
    if len(filled) < 2:
        return ""
    for kind, fits in (("e-mail", _EMAIL.fullmatch), ("phone", _PHONE.fullmatch), ("address", _IP.fullmatch)):
        if sum(bool(fits(value)) for value in filled) >= MOST * len(filled):
            return kind
    distinct = set(filled)
    if len(distinct) > MOST * len(filled) and sum(len(v) for v in distinct) > 40 * len(distinct):
        return "free text"
    return ""
