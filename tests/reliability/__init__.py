"""Faults on purpose: kills, full disks, interruptions, hostile names; ``python -m tests.reliability`` reports them."""
