"""Set up an authenticator app as second factor, get new recovery codes, turn it off."""
