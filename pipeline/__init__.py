"""Terukur: from the exports that admins download by hand to measured, comparable figures."""
