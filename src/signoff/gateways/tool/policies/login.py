"""A connection that signs in by OAuth: its access token stands on the call here, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

from signoff.connections.logins.refreshing import Bearer, LoginNeeded, bearer_of, renewed
from signoff.connections.logins.sending import with_bearer
from signoff.connectors.faults import SIGN_IN
from signoff.connectors.protocol import ToolAnswer
from signoff.gateways.chain import Proceed
from signoff.gateways.tool.call import Act
from signoff.gateways.tool.policies.once import NotSent
from signoff.kit.errors import ConnectorError, Fault
from signoff.kit.redact import Redactor


class Login:
    """Sends the token; one that the system refuses is refreshed once, and the call, which did nothing, made again."""

    name = "login"

    async def around(self, call: Act, proceed: Proceed[Act, ToolAnswer], /) -> ToolAnswer:
        """Return the answer, with every token of the login masked.

        Raises:
            NotSent: nobody has authorised the login, or it cannot be refreshed.
            ConnectorError: as the connector's, with its words masked.
        """
        login_id = call.facts.tool.login_id if call.facts.tool else None
        if login_id is None:
            return await proceed(call)
        bearer = await self._bearer(call, login_id)
        try:
            return await _sent(call, proceed, bearer)
        except ConnectorError as error:
            # Refused for its token, so nothing was done with it. Anything else is no reason to ask for another.
            if error.code != SIGN_IN:
                raise
        fresh = await self._bearer(call, login_id, refused=bearer)
        return await _sent(call, proceed, fresh)

    @staticmethod
    async def _bearer(call: Act, login_id: str, refused: Bearer | None = None) -> Bearer:
        store, services = call.services.store, call.services
        try:
            if refused is None:
                return await bearer_of(store, services, login_id)
            return await renewed(store, services, login_id, refused.version)
        except LoginNeeded as needed:
            raise NotSent(needed.detail, needed.code) from needed
        except Fault as fault:
            if isinstance(fault, ConnectorError):
                raise
            raise NotSent(fault.detail, "login_unreadable") from fault


async def _sent(call: Act, proceed: Proceed[Act, ToolAnswer], bearer: Bearer) -> ToolAnswer:
    used = Redactor(bearer.masks)
    facts = call.facts
    if facts.tool is None or facts.tool.login_version != bearer.version:
        # The masks of this call are older than its token.
        facts = replace(facts, redactor=facts.redactor.and_also(bearer.masks))
    sent = replace(call, config=with_bearer(call.config, bearer.token), facts=facts)
    try:
        answer = await proceed(sent)
    except ConnectorError as error:
        raise ConnectorError(used.text(error.detail), is_transient=error.is_transient, code=error.code) from None
    return ToolAnswer(used.value(answer.value), answer.is_error)
