"""What is refused about limits."""

from __future__ import annotations

from signoff.kit.errors import Malformed


class LimitsOutOfOrder(Malformed):
    """A day would be allowed more than its week, or a week more than its month. The text says what to change first."""

    status = 400
