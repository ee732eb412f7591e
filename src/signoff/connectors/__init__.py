"""Connectors: one folder per kind of outside system; the only rooms that reach the network.
"""
