"""The second step of signing in: a code of the authenticator app, or setting one up first."""
