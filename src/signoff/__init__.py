"""Signoff takes an AI agent from "it worked when I tried it" to production, and keeps it there."""

__version__ = "0.1.0"
