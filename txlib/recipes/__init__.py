"""Runs that are too long for a notebook: scripts, and the records that they leave."""
