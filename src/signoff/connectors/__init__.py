"""Connectors: one folder per kind of outside system; the only rooms that reach the network.

`protocol.py` is what every kind implements, `pool.py` keeps links open, `net.py` is the one way to speak HTTP.
What comes back from outside is data: cleaned, limited, never evaluated.
"""
