"""The runbook of one agent, to read, to print, and to take away as Markdown."""
