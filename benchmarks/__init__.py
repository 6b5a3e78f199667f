"""Timings, printed as ratios against a named peer in the same run; nothing here is a test."""
