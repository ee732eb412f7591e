"""Sign in with e-mail address and password, and sign out."""
