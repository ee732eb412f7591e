"""One executable check for each acceptance row of the specifications, from outside: API, command line, browser."""
