"""The statements with which every leg begins and ends, built once: building one costs more than running it."""

from __future__ import annotations

from typing import cast

from sqlalchemy import Table, bindparam, insert, null, update

from signoff.tables.base import Json, Moment
from signoff.tables.prepared import Prepared
from signoff.tables.runs import Effect, Leg, Step

_legs = cast("Table", Leg.__table__)
_steps = cast("Table", Step.__table__)
_effects = cast("Table", Effect.__table__)
_moment = bindparam("moment", type_=Moment)

ADD_LEG = Prepared(insert(_legs))
_end = (
    update(_legs)
    .where(_legs.c.run_id == bindparam("of_run"), _legs.c.number == bindparam("of_leg"), _legs.c.state == "running")
    .values(state=bindparam("to_state"), ended_at=_moment, holds=bindparam("with_holds", type_=Json), relies_on=null())
)
END_LEG = Prepared(_end)
END_OWN_LEG = Prepared(_end.where(_legs.c.worker == bindparam("of_worker")))
CUT_OFF_STEPS = Prepared(
    update(_steps)
    .where(_steps.c.run_id == bindparam("of_run"), _steps.c.state == "running")
    .values(state="stopped", code="cut_off", reason=bindparam("words"), ended_at=_moment)
)
CUT_OFF_EFFECTS = Prepared(
    update(_effects)
    .where(_effects.c.run_id == bindparam("of_run"), _effects.c.state == "intended")
    .values(state="unknown", reason=bindparam("words"), ended_at=_moment)
    .returning(_effects.c.key, _effects.c.workspace_id, _effects.c.tool)
)
