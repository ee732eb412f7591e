"""Memories: what an agent keeps between runs, for each person apart or shared by all.

Entries say which run wrote them and with which label. They are data: no rule is looked for in them, and none is
loosened by them; a text that reads like a rule is flagged, so that somebody looks. Whose memory it is stays as it is
once the agent has run in production; moving it is an action of its own. Each environment has its own memory.
"""
