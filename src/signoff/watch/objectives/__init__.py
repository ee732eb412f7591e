"""Service level objectives as data: what is promised (`slo.toml`), how it is measured, how fast its budget burns."""
