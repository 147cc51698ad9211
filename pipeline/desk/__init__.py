"""The door: an agency hands in exports by a link, a mailbox or a chat archive, and learns at once whether they are right.

Nothing is published here: what was accepted lies in the inbox, and the night reads it as it reads everything there.
"""
