"""What the guide tells receivers to do holds for what is sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from signoff.kit import clock
from signoff.webhooks.signing import headers, new_secret, signature

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "tell-your-programs.md"


def is_from_signoff() -> Callable[[str, dict[str, str], bytes], bool]:
    """The function of the guide, as it stands there."""
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # Our own page.
    return cast("Callable[[str, dict[str, str], bytes], bool]", names["is_from_signoff"])


def test_the_check_of_the_guide_takes_what_is_ours_and_nothing_else():
    check, secret, other = is_from_signoff(), new_secret(), new_secret()
    now = int(clock.now().timestamp())
    body = '{"type":"run.failed","data":{"é":1}}'.encode()
    sent = headers([secret], "evt_1", now, body)
    assert check(secret, sent, body)
    assert not check(other, sent, body)
    assert not check(secret, sent, body + b" ")
    assert not check(secret, {**sent, "webhook-id": "evt_2"}, body)
    assert not check(secret, {**sent, "webhook-timestamp": str(now + 1)}, body)
    assert not check(secret, headers([secret], "evt_1", now - 301, body), body)


def test_while_a_secret_changes_either_fits():
    check, before, after = is_from_signoff(), new_secret(), new_secret()
    sent = headers([after, before], "evt_1", int(clock.now().timestamp()), b"{}")
    assert check(before, sent, b"{}")
    assert check(after, sent, b"{}")


def test_the_signature_is_that_of_the_specification():
    """The example of the public specification's reference libraries."""
    given = signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330,
                      b'{"test": 2432232314}')  # fmt: skip
    assert given == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
