"""The words of the mails Signoff sends to people. Plain text; names in it are data and change nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from signoff.kit.text import shortened

_NAME_CHARS = 80


def subject_of(purpose: str, workspace: str) -> str:
    """Return the subject of a mail with a one-time link."""
    if purpose == "not_me":
        return "A second factor was set up for your account on Signoff"
    if purpose == "invitation":
        return f"You are invited to {_name(workspace)} on Signoff"
    return "Choose a new password for Signoff"


def text_of(purpose: str, *, name: str, workspace: str, link: str, lifetime: timedelta) -> str:
    """Return the text of a mail with a one-time link; `lifetime` is what is left of it."""
    good_for = f"It works once, and for {_span(lifetime)}."
    if purpose == "invitation":
        return (
            f"Hello {_name(name)},\n\n"
            f"you are invited to work in {_name(workspace)} on Signoff, where its AI agents are run and watched.\n\n"
            f"Open this link to choose a password and come in:\n\n{link}\n\n"
            f"{good_for} If you did not expect this, you need not do anything: nobody comes in without the link.\n"
        )
    why = (
        "somebody, probably you, asked for a new password for your account on Signoff."
        if purpose == "forgotten"
        else f"an administrator of {_name(workspace)} sends you this so that you can choose a new password for Signoff."
    )
    return (
        f"Hello {_name(name)},\n\n{why}\n\n"
        f"Open this link to choose it:\n\n{link}\n\n"
        f"{good_for} All your sessions end when you use it. If you did not ask for it, do nothing: your password stays "
        "as it is. Nobody at Signoff ever asks you for the link.\n"
    )


def factor_notice(*, name: str, at: datetime, link: str, lifetime: timedelta) -> str:
    """Return the text that tells a person of a second factor, and what to do when they did not set it up."""
    return (
        f"Hello {_name(name)},\n\n"
        "an authenticator app was set up as second factor for your account on Signoff, on "
        f"{at.astimezone(UTC):%d %B %Y at %H:%M} UTC. From now on, signing in with your password takes its code.\n\n"
        "If that was you, there is nothing to do.\n\n"
        "If it was not you, somebody knows your password. Open this link: it takes that app and its recovery codes "
        f"away, ends all sessions, and lets you choose a new password:\n\n{link}\n\n"
        f"It works once, and for {_span(lifetime)}; after that, ask an administrator of your workspace to reset your "
        "second factor. Change the password wherever else you use it. Nobody at Signoff ever asks you for the link.\n"
    )


FACTOR_GONE_SUBJECT = "Your second factor on Signoff was taken away"


def factor_gone(*, name: str, how: str, at: datetime) -> str:
    """Return the text that tells a person that they sign in with their password alone from now on."""
    who = (
        "by somebody who was signed in as you and gave a code of it"
        if how == "turned_off"
        else "by an administrator of your workspace, or by whoever runs this installation, and all your sessions ended"
    )
    return (
        f"Hello {_name(name)},\n\n"
        f"the second factor of your account on Signoff was taken away on {at.astimezone(UTC):%d %B %Y at %H:%M} UTC, "
        f"{who}. Its recovery codes went with it: until you set another up, your password alone signs in.\n\n"
        "If you did that, or asked for it, there is nothing to do.\n\n"
        "If not, sign in now, choose another password, which ends all other sessions, and set an app up anew, both on "
        "your Profile; then tell an administrator of your workspace.\n"
    )


def _name(text: str) -> str:
    return shortened(" ".join(text.split()), _NAME_CHARS)


def _span(lifetime: timedelta) -> str:
    minutes = max(int(lifetime.total_seconds() // 60), 1)
    if minutes < 120:
        return "1 minute" if minutes == 1 else f"{minutes} minutes"
    hours = minutes // 60
    return f"{hours} hours" if hours < 72 else f"{hours // 24} days"
