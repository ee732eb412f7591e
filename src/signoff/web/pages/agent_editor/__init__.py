"""The editor: the SOP and everything else a revision is made of, checked while one types, saved as one draft."""
