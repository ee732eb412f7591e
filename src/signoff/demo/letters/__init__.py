"""The sample mail: what a small company's accounts-payable inbox looks like in one bad week.

Made by code, always the same.
"""
