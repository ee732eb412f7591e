"""One revision, exactly as it was frozen."""
