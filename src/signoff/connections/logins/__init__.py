"""Logins: how a connection signs in by OAuth. Set up, authorised by a person, kept fresh, given back.

The tokens are sealed like secrets, bound to the hosts the connection led to when it was authorised, opened for one
call at a time, and replaced under a lease, so that one refresh token is never used by two workers.
"""
