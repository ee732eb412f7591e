"""Sends Signoff's own mails: one plain text message at a time, through the server the operator named.

No tool of an agent comes here, and no address: who is written to is decided by the rooms, the server by the operator.
"""
