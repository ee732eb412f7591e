"""Folders of files below the operator's roots. Read only."""
