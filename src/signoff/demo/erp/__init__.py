"""A small ERP: the outside system the demo's agent works in.

It has its own SQLite file and knows nothing of Signoff. Money is kept in hundredths of the currency's unit.
"""
