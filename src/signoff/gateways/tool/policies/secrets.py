"""`{{secret.NAME}}` becomes its value here and nowhere else, and is masked in everything that comes back."""

from __future__ import annotations

from dataclasses import replace

from signoff.connections.placeholders import names_in, resolved
from signoff.connections.secrets import SecretNotGranted, Use, reveal_for_call
from signoff.connectors.protocol import ToolAnswer
from signoff.gateways.chain import Proceed, Verdict
from signoff.gateways.leaks import leaking, masked_names
from signoff.gateways.tool.call import Act
from signoff.gateways.tool.policies.once import NotSent
from signoff.kit.errors import ConnectorError, Fault, Refusal
from signoff.record.actor import Actor


class Secrets:
    """Puts in the secrets that the revision lists, the agent was granted and the connection owns; anything else fails
    before the call.
    """

    name = "secrets"

    async def around(self, call: Act, proceed: Proceed[Act, ToolAnswer], /) -> ToolAnswer:
        """Return the answer, masked.

        Raises:
            NotSent: a name is not listed, not granted, not this connection's, or cannot be opened.
            ConnectorError: as the connector's, with its words masked.
        """
        in_args, in_config = names_in(call.args), names_in(call.config)
        if in_args or in_config:
            values = await self._values(call, in_args, in_config)
            # The masks of this call are older than its values: one of an outside store, one replaced a moment ago.
            facts = replace(call.facts, redactor=call.facts.redactor.and_also(values))
            args, config = resolved(call.args, values), resolved(call.config, values)
            call = replace(call, args=args, config=config, facts=facts)
        masks = call.facts.redactor
        try:
            answer = await proceed(call)
        except ConnectorError as error:
            raise ConnectorError(masks.text(error.detail), is_transient=error.is_transient, code=error.code) from None
        masked = masks.value(answer.value)
        names = masked_names(answer.value, masked)
        if names:
            call.log.closing.append(leaking(call.run, call.call.key, "result", call.call.name, names))
        return ToolAnswer(masked, answer.is_error)

    async def _values(self, call: Act, in_args: frozenset[str], in_config: frozenset[str]) -> dict[str, str]:
        unlisted = sorted(in_args - set(call.run.body.secrets))
        if unlisted:
            raise self._refused(
                call,
                f"This agent may not use the secret {', '.join(unlisted)[:200]}. List it under secrets in the agent.",
                "secret_not_listed",
            )
        tool = call.facts.tool
        try:
            found = await call.services.store.write_async(
                reveal_for_call,
                call.services.vault,
                environment_id=call.run.environment_id,
                connection_id=tool.connection_id if tool else "",
                names=sorted(in_args | in_config),
                use=_use(call, in_args),
            )
            # Outside the transaction: an outside store may take its time.
            fetched = await call.services.stores.fetch_all(found.references)
        except SecretNotGranted as refusal:
            raise self._refused(call, refusal.detail, refusal.code) from refusal
        except (Refusal, Fault) as error:
            raise self._refused(call, error.detail, "secret_unresolved") from error
        call.services.masking.remember(call.run.environment_id, fetched)
        return {**found.values, **fetched}

    def _refused(self, call: Act, reason: str, code: str) -> NotSent:
        call.log.verdicts.append(Verdict("deny", reason, policy=self.name, code=code))
        return NotSent(reason, code)


def _use(call: Act, asked: frozenset[str]) -> Use:
    run = call.run
    return Use(
        Actor("run", run.run_id, f"{run.agent_slug} r{run.revision_number}"),
        run_id=run.run_id,
        agent_id=run.agent_id,
        agent_name=run.agent_slug,
        revision_number=run.revision_number,
        requested_by=run.requested_by,
        call=call.call.key,
        asked=asked,
    )
