"""The command `terukur`: what a person types, and what they are told."""
