"""Posting what people are told."""
