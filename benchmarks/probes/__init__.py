"""Programs that measure one thing once: `python -m benchmarks.probes.<name> '<json>'`, one line of JSON out."""
