"""Measurements beside the peers: `python -m benchmarks [name …]`. Ratios count, taken in one run on one machine.

Every probe is a process of its own, so that none warms or burdens another; probes that are compared take turns.
"""
