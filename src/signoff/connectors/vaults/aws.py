"""AWS Secrets Manager, by AWS's Python client. Imported when a reference to it is first read."""

from __future__ import annotations

import json
import threading
from importlib import import_module
from typing import Any, cast

from signoff.connectors.vaults.faults import BAD_VALUE, NOT_THERE, REFUSED, UNREACHABLE, store_fault
from signoff.connectors.vaults.reference import Reference
from signoff.kit.errors import ConnectorError
from signoff.settings import AwsSecrets

_NOT_THERE = frozenset({"ResourceNotFoundException", "InvalidRequestException", "InvalidParameterException"})
_REFUSED = frozenset(
    {
        "AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException",
        "DecryptionFailure",
    }
)  # fmt: skip


class AwsStore:
    """One region's Secrets Manager."""

    def __init__(self, settings: AwsSecrets, timeout_seconds: float) -> None:
        self._settings = settings
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._client: Any = None

    def read(self, reference: Reference) -> str:
        """Return the secret's text, or a member of it. Blocks.

        Raises:
            ConnectorError: it is not there, AWS refuses, or it cannot be reached.
        """
        # Loaded when it is first needed: most never do.
        exceptions: Any = import_module("botocore.exceptions")
        try:
            answer: Any = self._made().get_secret_value(SecretId=reference.path)
        except exceptions.ClientError as error:
            raise _told(reference, error) from error
        except exceptions.NoCredentialsError as error:
            raise store_fault(REFUSED, reference, "Signoff has no AWS credentials.") from error
        except exceptions.BotoCoreError as error:
            raise store_fault(UNREACHABLE, reference, f"AWS did not answer ({type(error).__name__}).") from error
        text: Any = answer.get("SecretString")
        if not isinstance(text, str):
            raise store_fault(BAD_VALUE, reference, "it holds bytes; Signoff takes text.")
        return _member(text, reference) if reference.field else text

    def _made(self) -> Any:
        with self._lock:
            if self._client is None:
                boto3: Any = import_module("boto3.session")
                config: Any = import_module("botocore.config")
                own = self._settings
                # The client's own search for settings would otherwise win over what the operator wrote for Signoff.
                self._client = boto3.Session().client(
                    "secretsmanager",
                    region_name=own.region,
                    endpoint_url=own.endpoint_url,
                    aws_access_key_id=own.access_key_id,
                    aws_secret_access_key=own.secret_access_key.get_secret_value() if own.secret_access_key else None,
                    config=config.Config(
                        connect_timeout=self._timeout_seconds,
                        read_timeout=self._timeout_seconds,
                        retries={"total_max_attempts": 2},
                    ),
                )
            return self._client


def _member(text: str, reference: Reference) -> str:
    try:
        found: Any = json.loads(text)
    except ValueError:
        raise store_fault(BAD_VALUE, reference, "it is not JSON, so it has no members; leave out #field.") from None
    value = cast("dict[str, Any]", found).get(reference.field) if isinstance(found, dict) else None
    if not isinstance(value, str):
        raise store_fault(NOT_THERE, reference, f"there is no text under {reference.field}.")
    return value


def _told(reference: Reference, error: Any) -> ConnectorError:
    code = str(error.response.get("Error", {}).get("Code", ""))[:100]
    if code in _NOT_THERE:
        return store_fault(NOT_THERE, reference, f"AWS has no such secret here ({code}).")
    if code in _REFUSED:
        return store_fault(REFUSED, reference, f"AWS does not let Signoff read it ({code}).")
    return store_fault(UNREACHABLE, reference, f"AWS answered {code or 'an error'}.")
