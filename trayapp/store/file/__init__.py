"""The user's file itself: connections, migrations, the one writer. No table's meaning is known here."""
