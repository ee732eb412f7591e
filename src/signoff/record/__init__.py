"""What happened: the audit chain, the outbox, large bodies, and the trace of runs.

Everything here is written in the transaction of the change it tells of, or the change does not happen.
"""
