"""The policies of the tool gateway, one class in one file each. Their order stands in `gateway.py`."""
