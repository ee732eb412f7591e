"""Connections: links to outside systems, the tools they offer, and the secrets they need.

A tool is pinned by the hash of its definition when it is accepted; a changed tool is refused until someone looks.
Secrets are encrypted, bound to a connection's hosts, and can be replaced but never read back.
"""
