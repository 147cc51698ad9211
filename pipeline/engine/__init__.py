"""SQL files in, checked tables out: the one room that talks to a database."""
