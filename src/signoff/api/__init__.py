"""The JSON API: one file per resource, routes and shapes together."""
