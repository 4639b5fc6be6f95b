"""How it is said: statements with evidence, prose, names, actions, and the checker that re-reads them."""

from personas.narrative.narrate import narrate

__all__ = ["narrate"]
