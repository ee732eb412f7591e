"""Shipping a revision: what changes, what is known of it, by which way, and why."""
