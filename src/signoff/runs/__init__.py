"""Runs: one durable execution of one revision on one input.

The state machine is in `states.py`; every move is a conditional update, so a race has one winner. Facts of a run
(cost, tokens, calls) are copied to its row when they happen.
"""
