"""MCP servers: over streamable HTTP, and as programs that the operator's settings file names.

The protocol is the official client's. Ours are the two ends of it: `stdio.py` (a program that floods, hangs, prints
garbage or dies stays bounded and is reaped), `http.py` (the guarded client), and `session.py` (one task owns the
session, others borrow it).
"""
