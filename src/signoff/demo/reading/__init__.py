"""How the scripted model reads a message: with patterns, not with understanding.

Nothing it reads can tell it what to do.
"""
