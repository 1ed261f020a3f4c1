"""The bookkeeping tables, version by version. PRAGMA user_version counts the entries already applied."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE _sync_endpoints (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        table_name TEXT,
        mapping TEXT,
        status TEXT NOT NULL DEFAULT 'enqueued',
        attempts INTEGER NOT NULL DEFAULT 0,
        generation INTEGER NOT NULL DEFAULT 0,
        last_enqueued TEXT,
        last_attempt TEXT,
        last_success TEXT,
        next_due TEXT,
        next_override TEXT,
        blocked_by TEXT NOT NULL DEFAULT '',
        stop_reason TEXT NOT NULL DEFAULT '',
        problem_title TEXT NOT NULL DEFAULT '',
        problem_cause TEXT NOT NULL DEFAULT '',
        problem_next TEXT NOT NULL DEFAULT '',
        sentence TEXT NOT NULL DEFAULT '',
        held INTEGER NOT NULL DEFAULT 0,
        rows INTEGER,
        found TEXT,
        cursor TEXT,
        etag TEXT,
        last_modified TEXT,
        digest TEXT,
        asked TEXT,
        last_full TEXT
    );
    CREATE TABLE _sync_columns (
        endpoint INTEGER NOT NULL,
        position INTEGER NOT NULL,
        path TEXT NOT NULL,
        "column" TEXT NOT NULL,
        type TEXT NOT NULL,
        PRIMARY KEY (endpoint, path)
    );
    CREATE TABLE _sync_runs (
        run INTEGER PRIMARY KEY,
        endpoint TEXT NOT NULL,
        name TEXT NOT NULL,
        "table" TEXT NOT NULL,
        started TEXT NOT NULL,
        finished TEXT NOT NULL,
        status TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        added INTEGER NOT NULL DEFAULT 0,
        changed INTEGER NOT NULL DEFAULT 0,
        deleted INTEGER NOT NULL DEFAULT 0,
        unchanged INTEGER NOT NULL DEFAULT 0,
        held INTEGER NOT NULL DEFAULT 0,
        requests INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL DEFAULT 0,
        warnings TEXT NOT NULL DEFAULT '[]',
        sentence TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX _sync_runs_endpoint ON _sync_runs (endpoint, run);
    CREATE TABLE _sync_changes (
        run INTEGER NOT NULL,
        "table" TEXT NOT NULL,
        key NOT NULL,
        kind TEXT NOT NULL,
        before TEXT,
        after TEXT
    );
    CREATE INDEX _sync_changes_run ON _sync_changes (run);
    CREATE INDEX _sync_changes_key ON _sync_changes ("table", key);
    CREATE TABLE _sync_held (
        endpoint INTEGER NOT NULL,
        key NOT NULL,
        kept INTEGER NOT NULL,
        PRIMARY KEY (endpoint, key)
    );
    CREATE TABLE _sync_meta (name TEXT PRIMARY KEY, value TEXT);
    """,
    """
    CREATE TABLE _sync_suspects (
        endpoint INTEGER NOT NULL,
        key NOT NULL,
        PRIMARY KEY (endpoint, key)
    ) WITHOUT ROWID;
    """,
    """
    ALTER TABLE _sync_endpoints ADD COLUMN anchor TEXT;
    ALTER TABLE _sync_endpoints ADD COLUMN anchored TEXT NOT NULL DEFAULT '';
    ALTER TABLE _sync_endpoints ADD COLUMN watched TEXT NOT NULL DEFAULT '';
    ALTER TABLE _sync_endpoints ADD COLUMN arrived TEXT NOT NULL DEFAULT '';
    """,
    # Until this moment user_version is that of the file as it was found: 0 for a new one.
    """
    CREATE TABLE _sync_grants (
        endpoint TEXT NOT NULL,
        what TEXT NOT NULL,
        destinations TEXT NOT NULL,
        PRIMARY KEY (endpoint, what)
    ) WITHOUT ROWID;
    INSERT INTO _sync_meta SELECT 'grants owed', '' FROM pragma_user_version WHERE user_version > 0;
    """,
    # What the columns beside it say in English, as ids and arguments in JSON; NULL in rows of older versions.
    """
    ALTER TABLE _sync_runs ADD COLUMN messages TEXT;
    ALTER TABLE _sync_endpoints ADD COLUMN messages TEXT;
    """,
    # Whether the table may differ from what is known of it: 0 no, 1 another program wrote to the file, 2 likely.
    """
    ALTER TABLE _sync_endpoints ADD COLUMN doubted INTEGER NOT NULL DEFAULT 0;
    """,
    """
    ALTER TABLE _sync_runs ADD COLUMN evidence TEXT;
    ALTER TABLE _sync_endpoints ADD COLUMN evidence TEXT;
    """,
)
