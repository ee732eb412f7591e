"""Why a single sign-on was refused: a stable code for the log and the audit, a sentence for the person."""

from __future__ import annotations

from signoff.kit.errors import Refusal

AGAIN = "Start again from the sign-in page."
ADMIN = "An administrator of the workspace sees the exact reason in its audit log."

# What a reason that is not listed is told as: details of a forged answer help only whoever forged it.
_OTHER = f"The answer of the identity provider does not hold. {AGAIN} {ADMIN}"
_SENTENCES: dict[str, str] = {
    "unknown_provider": "There is no such way to sign in, or it is switched off.",
    "provider_disabled": "There is no such way to sign in, or it is switched off.",
    "not_this_browser": f"This sign-in was not begun in this browser, or was begun again in another tab. {AGAIN}",
    "wrong_state": f"This answer does not belong to the sign-in that was begun in this browser. {AGAIN}",
    "other_provider": f"This answer came to the address of another identity provider. {AGAIN}",
    "used_before": f"This answer was used before. {AGAIN}",
    "too_late": f"It took too long between leaving for the identity provider and coming back. {AGAIN}",
    "no_code": f"The identity provider sent no code along. {AGAIN}",
    "provider_error": f"The identity provider did not sign you in. {AGAIN}",
    "denied": "The identity provider says that you, or it, declined. Nothing was done.",
    "provider_unreachable": f"The identity provider could not be reached in time. Try again in a moment. {ADMIN}",
    "bad_discovery": f"What the identity provider says of itself cannot be used. {ADMIN}",
    "bad_keys": f"What the identity provider says of itself cannot be used. {ADMIN}",
    "no_secret": f"Signoff cannot prove to the identity provider who it is. {ADMIN}",
    "code_refused": f"The identity provider does not take its own code back. {AGAIN} {ADMIN}",
    "token_expired": f"The identity provider's answer is too old. Is its clock right? {AGAIN}",
    "token_from_the_future": f"The identity provider's answer is dated in the future. Is its clock right? {AGAIN}",
    "no_email": "The identity provider tells no e-mail address for your account, so nobody here is known by it. "
    "Its administrator can add the e-mail address to what this application is told.",
    "email_not_verified": "The identity provider does not say that your e-mail address is verified, so it is not taken "
    "for you. Verify it there, then sign in again.",
    "not_a_member": "You are not a member of this workspace. Ask one of its administrators to invite you.",
    "member_removed": "You were removed from this workspace. An administrator can add you again.",
    "domain_not_allowed": "Your e-mail address is not of a domain whose people may join this workspace by themselves. "
    "Ask one of its administrators to invite you.",
    "already_linked": "Another account of this identity provider is linked to this e-mail address. "
    "An administrator can unlink it under Settings, Single sign-on.",
    "no_role": "None of your groups gives you a role in this workspace. Ask an administrator which group does.",
    "owner_not_vouched": "An owner has not confirmed this identity provider as it is set up now, so it lets no owner "
    "in. Sign in with your password, and confirm it under Settings, Single sign-on.",
}


class SsoRefused(Refusal):
    """A sign-in through an identity provider came to nothing.

    Args:
        reason: the stable code.
        about: what exactly, for log and audit; never a token or what a person entered.
    """

    status = 403

    def __init__(self, reason: str, about: str = "") -> None:
        super().__init__(_SENTENCES.get(reason, _OTHER), code="sso_refused", extra={"reason": reason})
        self.reason = reason
        self.about = about
