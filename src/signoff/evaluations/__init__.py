"""How good is it: what an agent's revision answers on examples, beside what serves, and whether it may ship.

A dataset holds examples, an evaluation runs a revision on all of them, evaluators score what came, and `verdict.py`
says whether the revision is promotable. Nothing here acts on the outside world.
"""
