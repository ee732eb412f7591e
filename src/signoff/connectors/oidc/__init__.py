"""Speaks to OpenID Connect providers: what they say of themselves, their keys, a code for an ID token, logging out.

Nothing here knows people or workspaces. Every request goes through the guarded client, follows no redirect, and takes
a small answer only. What a provider says is checked before it is believed; signatures and claims by Authlib.
"""
