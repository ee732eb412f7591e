"""What follows when an agent first serves production: it is looked at each day until so many good days in a row (its
first week), then each week; and once it has served for a month, as a whole.

Days are those of the workspace's time zone. A machine judges what signals say; that outputs were read only a person can
say. The engine looks at what is due.
"""
