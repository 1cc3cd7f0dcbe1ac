-- Breakouts: rooms that belong to a call of their parent, and who is sent to which.

CREATE TABLE breakouts (
    room_id BLOB NOT NULL PRIMARY KEY REFERENCES rooms (id) ON DELETE CASCADE,
    call_id BLOB NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    parent_room_id BLOB NOT NULL,
    position INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('prepared', 'open', 'closing', 'closed')),
    created_at INTEGER NOT NULL,
    opened_at INTEGER,
    closes_at INTEGER
) STRICT;
CREATE UNIQUE INDEX breakouts_position ON breakouts (call_id, position) WHERE state <> 'closed';
CREATE INDEX breakouts_live ON breakouts (state) WHERE state IN ('open', 'closing');

CREATE TABLE breakout_assignments (
    call_id BLOB NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    subject_id BLOB NOT NULL,
    room_id BLOB NOT NULL REFERENCES breakouts (room_id) ON DELETE CASCADE,
    PRIMARY KEY (call_id, subject_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX breakout_assignments_room ON breakout_assignments (room_id);
