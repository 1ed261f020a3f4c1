"""The user's file itself: connections, migrations, the one writer; damage, what is saved of it, and backups.

Of tables only those of the bookkeeping are known here, and how they must be made; not what their rows mean.
"""
