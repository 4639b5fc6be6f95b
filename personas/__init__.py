"""Segments that are really there, and persona cards whose every sentence can be checked."""
