"""Ground: small pure things that would make sense in any other program.

Nothing here knows the product, the database or the network.
"""
