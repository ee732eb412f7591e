"""Freezes: "stop writing, now" for one agent, one connection, or a whole workspace, until someone lifts it.

Beside them, maintenance of the whole installation: nothing is changed at all and nothing begins, while all can be read.
"""
