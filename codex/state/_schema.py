"""The tables of the index. A change of them is a new version: an index of another version is made anew."""

VERSION = 1

SCHEMA = """
CREATE TABLE files (
  path TEXT PRIMARY KEY, size INTEGER, changed_ns INTEGER,
  thread_id TEXT, segment_id TEXT, later INTEGER,
  created_at REAL, updated_at REAL,
  archived INTEGER, cwd TEXT, preview TEXT, source TEXT, originator TEXT, model_provider TEXT,
  branch TEXT, parent_id TEXT, forked_from TEXT, base TEXT
) WITHOUT ROWID;
CREATE INDEX files_thread ON files (thread_id, later, segment_id);
CREATE INDEX files_updated ON files (archived, updated_at, thread_id);
CREATE INDEX files_created ON files (archived, created_at, thread_id);
CREATE INDEX files_base ON files (base) WHERE base IS NOT NULL;
CREATE INDEX files_parent ON files (parent_id) WHERE parent_id IS NOT NULL;
CREATE TABLE names (thread_id TEXT PRIMARY KEY, name TEXT) WITHOUT ROWID;
CREATE TABLE names_file (size INTEGER, changed_ns INTEGER);
"""

# Files that are no rollouts are kept with an empty thread id, so that they are not read again each time.
UPSERT = "INSERT OR REPLACE INTO files VALUES (" + ", ".join("?" * 18) + ")"
TOUCH = "UPDATE files SET size = ?, changed_ns = ?, updated_at = ? WHERE path = ?"

# The last segment of every thread.
CURRENT = """
SELECT f.thread_id, f.path, f.created_at, f.updated_at, f.cwd, f.preview, n.name, f.archived, f.source, f.originator,
       f.model_provider, f.branch, f.parent_id, f.forked_from
FROM files f LEFT JOIN names n ON n.thread_id = f.thread_id
WHERE f.thread_id <> '' AND NOT EXISTS (
  SELECT 1 FROM files g
  WHERE g.thread_id = f.thread_id AND (g.later, g.segment_id) > (f.later, f.segment_id)
)
"""

AGENTS = """
WITH RECURSIVE below(id) AS (
  SELECT thread_id FROM files WHERE parent_id = ?1
  UNION SELECT f.thread_id FROM files f JOIN below ON f.parent_id = below.id
) SELECT id FROM below WHERE id <> ?1
"""

BUILDERS = """
SELECT DISTINCT f.thread_id FROM files f JOIN files g ON g.segment_id = f.base
WHERE g.thread_id = ? AND f.thread_id <> ?
"""
