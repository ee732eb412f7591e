"""HashiCorp Vault, KV version 2, by its Python client. Imported when a reference to it is first read."""

from __future__ import annotations

import threading
from typing import Any, cast

from signoff.connectors.vaults.faults import BAD_VALUE, NOT_THERE, REFUSED, UNREACHABLE, store_fault
from signoff.connectors.vaults.reference import Reference
from signoff.kit.errors import ConnectorError
from signoff.settings import HashicorpVault


class HashicorpStore:
    """One Vault, signed in to with a token, or with an AppRole whose token is renewed by signing in again."""

    def __init__(self, settings: HashicorpVault, timeout_seconds: float) -> None:
        self._settings = settings
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._client: Any = None

    def read(self, reference: Reference) -> str:
        """Return the field of the newest version. Blocks.

        Raises:
            ConnectorError: it is not there, Vault refuses, or it cannot be reached.
        """
        import hvac.exceptions  # noqa: PLC0415  # Loaded when it is first needed: most never do.

        client = self._signed_in(reference)
        try:
            return self._field(client, reference)
        except hvac.exceptions.Forbidden as error:
            if self._settings.token is not None:
                raise store_fault(REFUSED, reference, "Vault does not let Signoff's token read it.") from error
        # A token of an AppRole runs out; signing in anew tells whether that was it.
        client = self._signed_in(reference, anew=client)
        try:
            return self._field(client, reference)
        except hvac.exceptions.Forbidden as error:
            raise store_fault(REFUSED, reference, "Vault does not let Signoff's role read it.") from error

    def _field(self, client: Any, reference: Reference) -> str:
        import hvac.exceptions  # noqa: PLC0415
        import requests  # noqa: PLC0415

        mount, _, path = reference.path.partition("/")
        try:
            answer: Any = client.secrets.kv.v2.read_secret_version(
                path=path, mount_point=mount, raise_on_deleted_version=True
            )
            data: Any = answer["data"]["data"]
        except hvac.exceptions.Forbidden:
            raise
        except hvac.exceptions.InvalidPath as error:
            raise store_fault(NOT_THERE, reference, "there is no such path in Vault.") from error
        except (hvac.exceptions.VaultDown, hvac.exceptions.InternalServerError, requests.RequestException) as error:
            raise store_fault(UNREACHABLE, reference, f"Vault did not answer ({type(error).__name__}).") from error
        except (hvac.exceptions.VaultError, KeyError, TypeError, ValueError) as error:
            raise store_fault(BAD_VALUE, reference, f"Vault answered otherwise ({type(error).__name__}).") from error
        value = cast("dict[str, Any]", data).get(reference.field) if isinstance(data, dict) else None
        if not isinstance(value, str):
            raise store_fault(NOT_THERE, reference, f"there is no text under {reference.field}.")
        return value

    def _signed_in(self, reference: Reference, anew: Any = None) -> Any:
        with self._lock:
            # Of several that were refused at once, one signs in for all.
            if self._client is None or self._client is anew:
                self._client = self._sign_in(reference)
            return self._client

    def _sign_in(self, reference: Reference) -> Any:
        import hvac  # noqa: PLC0415
        import hvac.exceptions  # noqa: PLC0415
        import requests  # noqa: PLC0415

        own = self._settings
        client: Any = hvac.Client(
            url=own.url,
            token=own.token.get_secret_value() if own.token else "",
            namespace=own.namespace,
            timeout=max(1, round(self._timeout_seconds)),
            verify=str(own.ca_file) if own.ca_file else True,
            # A redirect would carry the token elsewhere.
            allow_redirects=False,
        )
        if own.token is not None:
            return client
        secret_id = own.role_secret_id.get_secret_value() if own.role_secret_id else None
        try:
            client.auth.approle.login(role_id=own.role_id, secret_id=secret_id)
        except (hvac.exceptions.InvalidRequest, hvac.exceptions.Forbidden, hvac.exceptions.Unauthorized) as error:
            raise store_fault(REFUSED, reference, "Vault refused Signoff's AppRole.") from error
        except (hvac.exceptions.VaultError, requests.RequestException, KeyError, ValueError) as error:
            raise _unreachable(reference, error) from error
        return client


def _unreachable(reference: Reference, error: Exception) -> ConnectorError:
    return store_fault(UNREACHABLE, reference, f"signing in to Vault failed ({type(error).__name__}).")
