"""The two doors every effect passes: to a model, to a tool.

Guards look at a call and may object; wrappers surround a call that may happen. One call is one durable step.
"""
