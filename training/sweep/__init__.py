"""Searching the fields of a recipe for the values that do best on the validation part."""
