"""Deployments: which revision serves an agent in an environment.

Exactly one does. A run keeps the revision it started with, whatever is switched meanwhile.
"""
