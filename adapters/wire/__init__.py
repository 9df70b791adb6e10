"""Codecs shared by carriers."""
