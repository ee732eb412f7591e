"""The policies of the model gateway, one class in one file each. Their order stands in `gateway.py`."""
