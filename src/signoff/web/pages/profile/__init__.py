"""A person's own page: name, time zone, looks, password, second factor, and the browsers they are signed in with."""
