"""Posts what people are told to services: Slack, Microsoft Teams, PagerDuty, any address that takes JSON.

No tool of an agent comes here. Every address is checked where it is connected to, as for all outgoing requests; every
text is sent as plain text, so that nothing in it becomes a link, a mention or a button.
"""
