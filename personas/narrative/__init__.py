"""How it is said: statements with evidence, prose, names, actions, and the checker that re-reads them."""

from personas.narrative.narrate import narrate
from personas.narrative.words import check_words

__all__ = ["check_words", "narrate"]
