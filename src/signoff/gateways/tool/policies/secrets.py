"""`{{secret.NAME}}` becomes its value here and nowhere else, and is masked in everything that comes back."""

from __future__ import annotations

from dataclasses import replace

from signoff.connections.placeholders import names_in, resolved
from signoff.connections.secrets import reveal_for_call
from signoff.connectors.protocol import ToolAnswer
from signoff.gateways.chain import Proceed
from signoff.gateways.tool.call import Act
from signoff.gateways.tool.policies.once import NotSent
from signoff.kit.errors import ConnectorError, Fault, Refusal
from signoff.kit.redact import Redactor


class Secrets:
    """Puts in the secrets that the revision lists and the connection owns; anything else fails before the call."""

    name = "secrets"

    async def around(self, call: Act, proceed: Proceed[Act, ToolAnswer], /) -> ToolAnswer:
        """Return the answer, masked.

        Raises:
            NotSent: a name is not listed, not this connection's, or cannot be opened.
            ConnectorError: as the connector's, with its words masked.
        """
        in_args, in_config = names_in(call.args), names_in(call.config)
        values: dict[str, str] = {}
        if in_args or in_config:
            values = await self._values(call, in_args, in_config)
            call = replace(call, args=resolved(call.args, values), config=resolved(call.config, values))
        used = Redactor(values)
        try:
            answer = await proceed(call)
        except ConnectorError as error:
            words = call.facts.redactor.text(used.text(error.detail))
            raise ConnectorError(words, is_transient=error.is_transient, code=error.code) from None
        return ToolAnswer(call.facts.redactor.value(used.value(answer.value)), answer.is_error)

    async def _values(self, call: Act, in_args: frozenset[str], in_config: frozenset[str]) -> dict[str, str]:
        unlisted = sorted(in_args - set(call.run.body.secrets))
        if unlisted:
            raise NotSent(
                f"This agent may not use the secret {', '.join(unlisted)[:200]}. List it under secrets in the agent.",
                "secret_not_granted",
            )
        tool = call.facts.tool
        try:
            return await call.services.store.write_async(
                reveal_for_call,
                call.services.vault,
                environment_id=call.run.environment_id,
                connection_id=tool.connection_id if tool else "",
                names=sorted(in_args | in_config),
            )
        except (Refusal, Fault) as error:
            raise NotSent(error.detail, "secret_unresolved") from error
