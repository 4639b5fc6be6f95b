"""How fast the product is against the script that anybody would write today: ``python -m benchmarks``."""
