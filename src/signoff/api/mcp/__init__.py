"""Signoff as an MCP server at `/mcp`, for coding agents: the operations of the API as tools.

A tool is an operation under its own name, with its parameters and body as arguments; `withheld.py` says which are none,
and why. A call is a request like any: `calls.py` sends it through the whole application, with the key that was given,
so every right, limit and rule holds as for everybody. `server.py` speaks the protocol with the MCP library, without
sessions.
"""
