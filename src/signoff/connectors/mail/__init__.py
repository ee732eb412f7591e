"""Folders of mail: `.eml` files, Maildir, mbox, Apple's `.emlx`. Read only.

Mail from outside is malformed as often as not. A message is never read whole into memory: `structure.py` finds where
its parts are, and only what is shown is decoded. Whatever is wrong becomes a sentence in `problems`; nothing is lost.
"""
