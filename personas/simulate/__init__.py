"""Shops and worlds whose truth is known: eight planted groups, one continuous population, or arrays with no groups.

``simulate_shop`` writes ordinary files as a small shop exports them, with the truth beside them; ``simulate_world``
makes arrays for tests of the statistics.
"""

from __future__ import annotations

from personas.simulate.groups import GROUPS
from personas.simulate.market import simulate_market
from personas.simulate.shop import simulate_shop
from personas.simulate.worlds import WORLDS, planted_world, simulate_world

__all__ = ["GROUPS", "WORLDS", "planted_world", "simulate_market", "simulate_shop", "simulate_world"]
