"""The families of features: which sides of a customer are measured. Another package adds one by an entry point."""

from __future__ import annotations

from personas.features.feature import FeatureFamily
from personas.registry import Registry

__all__ = ["FAMILIES"]


def _built_in() -> tuple[FeatureFamily, ...]:
    """The ten families of this package, in the order of the feature dictionary."""
    from personas.features.families import channel, customer, influence, loyalty, product, purchase, service

    return (
        purchase.FAMILY,
        product.FAMILY,
        channel.FAMILY,
        loyalty.FAMILY,
        service.FAMILY,
        influence.FAMILY,
        customer.DEMOGRAPHICS,
        customer.GEOGRAPHY,
        customer.PSYCHOGRAPHICS,
        customer.FIRMOGRAPHICS,
    )


FAMILIES: Registry[FeatureFamily] = Registry("feature family", _built_in, "personas.features")
"""Every family by name; other packages join through the entry-point group ``personas.features``."""
