"""The model gateway: the one door to a model."""
