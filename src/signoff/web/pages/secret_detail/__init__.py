"""One secret: its versions, the agents that may use it, who did, when it runs out; and what changes it."""
