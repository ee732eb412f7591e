"""Make an agent: from a form, or from the YAML another workspace exported."""
