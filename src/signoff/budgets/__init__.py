"""Budgets: what may be spent, what is held for calls under way, and what was spent.

An estimate is reserved in one conditional update before a call and settled after it, so no number of workers can
overshoot by more than one call.
"""
