"""What a browser calls itself, in words a person knows: "Firefox on Linux"."""

from __future__ import annotations

# Order matters: most of them also call themselves by the names further down.
_BROWSERS = (
    ("edg/", "Edge"),
    ("opr/", "Opera"),
    ("firefox/", "Firefox"),
    ("chromium/", "Chromium"),
    ("headlesschrome/", "Chromium"),
    ("chrome/", "Chrome"),
    ("safari/", "Safari"),
)
_SYSTEMS = (
    ("iphone", "iPhone"),
    ("ipad", "iPad"),
    ("android", "Android"),
    ("windows", "Windows"),
    ("mac os", "macOS"),
    ("cros", "ChromeOS"),
    ("linux", "Linux"),
)


def browser_words(user_agent: str) -> str:
    """Return a short name; the beginning of what was sent when nothing in it is known."""
    text = user_agent.lower()
    browser = next((name for part, name in _BROWSERS if part in text), "")
    system = next((name for part, name in _SYSTEMS if part in text), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or user_agent[:60].strip() or "Unknown browser"
