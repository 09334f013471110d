"""Tests of accounts that are kept in a directory."""
