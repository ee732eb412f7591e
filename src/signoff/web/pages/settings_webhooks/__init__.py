"""Webhooks: where events are told to, what became of each message, and their signing secrets."""
