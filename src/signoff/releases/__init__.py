"""The act of shipping: one release at a time for an agent in an environment, from the request to the day it settled.

A release carries one revision, a strategy, a reason, who asked and who signed, the evidence as it was, and a timeline.
What serves is one row (`deployments/`); a release moves it, and nothing else does. Evidence comes from `watch/` and
the rooms below. The engine looks at what is due; people and the API call the same verbs.
"""
