"""Two shops of 4,000 customers, made once: with the eight groups, and without groups."""

from __future__ import annotations

import pytest

from personas.simulate import simulate_shop
from tests.simulate.shop_files import Shop


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("shop")
    simulate_shop(folder)
    return Shop(folder)


@pytest.fixture(scope="session")
def plain_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("plain")
    simulate_shop(folder, structure="none")
    return Shop(folder)
