"""What the relay does with the messages that start no run: alerts asked for from below, tokens to give back, mails,
what people are told of requests.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy.orm import Session

from signoff.agents.actions import RESUMED
from signoff.approvals.actions import withdraw_for_run
from signoff.approvals.actions.expire import EXPIRED
from signoff.approvals.actions.moves import ANSWERED
from signoff.approvals.actions.request import REQUESTED
from signoff.approvals.deliveries import DELIVER
from signoff.approvals.due import ESCALATED, REMINDED
from signoff.approvals.replies import REPLY
from signoff.connections.logins.revoking import ATTEMPTS_MAX, REVOKE, revoke_at_provider
from signoff.engine import evaluating, families, hooks, incidents, notices, shadows, telling
from signoff.engine.activating import activate_one
from signoff.engine.mailing import mail_factor_gone, mail_link
from signoff.engine.releasing import look_at_one
from signoff.engine.stopping import start_queued, stop
from signoff.evaluations.actions import BEGIN
from signoff.evaluations.progress import NEXT
from signoff.gateways.services import Services
from signoff.kit.sealing import Sealer
from signoff.people.actions.factor_news import FACTOR_GONE
from signoff.people.actions.setup_links import MAIL_LINK
from signoff.record import alarms
from signoff.record.happenings import HAPPENED
from signoff.record.outbox import Message
from signoff.releases.actions import LOOK
from signoff.releases.activations import ACTIVATE
from signoff.runs.actions import CALLED_OFF, CHILD_ENDED, EVALUATION_ENDED, PARENT_ENDED, SHADOW, SHADOW_ENDED, STOP
from signoff.watch.actions import raise_alert, resolve_by_key
from signoff.watch.telling import LOOK as LOOK_AT_NOTICE
from signoff.watch.told import DELIVER as TELL_PEOPLE
from signoff.webhooks.deliveries import DELIVER as TO_WEBHOOK

Handler = Callable[[Services, Message], Awaitable[None]]


async def _raise(services: Services, message: Message) -> None:
    def work(session: Session) -> None:
        told = message.payload
        raise_alert(
            session,
            message.workspace_id,
            key=told["key"],
            kind=told["kind"],
            text=told["text"],
            # A message left by a release before has none.
            detail=told.get("detail"),
            agent_id=told.get("agent_id"),
        )

    await services.store.write_async(work)


async def _resolve(services: Services, message: Message) -> None:
    await services.store.write_async(resolve_by_key, message.workspace_id, message.payload["key"])


async def _revoke(services: Services, message: Message) -> None:
    is_last_try = message.attempts >= ATTEMPTS_MAX
    login_id, version = message.payload["login_id"], message.payload["version"]
    await revoke_at_provider(services.store, services, login_id, version, is_last_try=is_last_try)


async def _called_off(services: Services, message: Message) -> None:
    run_id = message.payload["run_id"]

    def work(session: Session) -> None:
        withdraw_for_run(session, run_id, reason="its run was called off")

    await services.store.write_async(work)


async def _mail(services: Services, message: Message) -> None:
    await mail_link(services.store, services.settings, Sealer(services.vault.keys), message.payload)


async def _factor_gone(services: Services, message: Message) -> None:
    await mail_factor_gone(services.store, services.settings, message)


HANDLERS: dict[str, Handler] = {
    alarms.RAISE: _raise,
    alarms.RESOLVE: _resolve,
    REVOKE: _revoke,
    MAIL_LINK: _mail,
    FACTOR_GONE: _factor_gone,
    CALLED_OFF: _called_off,
    STOP: stop,
    RESUMED: start_queued,
    REQUESTED: notices.plan_requested,
    REMINDED: notices.plan_reminded,
    ESCALATED: notices.plan_escalated,
    EXPIRED: notices.plan_expired,
    ANSWERED: notices.plan_answered,
    LOOK: look_at_one,
    ACTIVATE: activate_one,
    DELIVER: notices.deliver,
    REPLY: notices.reply,
    CHILD_ENDED: families.child_ended,
    PARENT_ENDED: families.parent_ended,
    SHADOW: shadows.ask,
    SHADOW_ENDED: shadows.compare,
    alarms.OPENED: incidents.open_one,
    alarms.OVER: incidents.note_over,
    BEGIN: evaluating.begin,
    NEXT: evaluating.go_on,
    EVALUATION_ENDED: evaluating.score,
    alarms.TELL: telling.note,
    LOOK_AT_NOTICE: telling.look,
    TELL_PEOPLE: telling.deliver,
    HAPPENED: hooks.plan,
    TO_WEBHOOK: hooks.deliver,
}

# What waits for somebody outside, or for runs to end.
SLOW = frozenset({REVOKE, MAIL_LINK, FACTOR_GONE, STOP, DELIVER, REPLY, TO_WEBHOOK, TELL_PEOPLE, ACTIVATE})
