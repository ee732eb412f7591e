"""The first page: is it running, is it working, what does it cost, what needs me."""
