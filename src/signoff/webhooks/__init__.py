"""Webhooks: addresses that a workspace has its events told to, and what became of every message.

What happens is told by the rooms where it happens (`record/happenings.py`), in their transaction. Here it is decided
which webhooks want it, what they are sent, and when it is tried again; the engine sends. A message is signed in the
form of Standard Webhooks, and told at least once: the same id and the same bytes however often it is sent.
"""
