-- How good the connections of a call were, in steps of five minutes, and the way from a media room to its call.

CREATE TABLE call_quality (
    call_id BLOB NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    bucket_at INTEGER NOT NULL,
    excellent INTEGER NOT NULL,
    good INTEGER NOT NULL,
    poor INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    PRIMARY KEY (call_id, bucket_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX call_quality_bucket ON call_quality (bucket_at);
CREATE INDEX calls_media_room ON calls (media_room_sid);
