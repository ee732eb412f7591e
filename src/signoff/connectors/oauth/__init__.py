"""Speaking OAuth 2 to providers: where they are, getting and giving back tokens, becoming a client.

Only requests and the reading of answers; what is kept of them is decided in `connections.logins`. All that arrives is
untrusted, and limited in size and time.
"""
