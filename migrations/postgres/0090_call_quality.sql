-- How good the connections of a call were, in steps of five minutes, and the way from a media room to its call.

CREATE TABLE call_quality (
    call_id UUID NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    bucket_at BIGINT NOT NULL,
    excellent BIGINT NOT NULL,
    good BIGINT NOT NULL,
    poor BIGINT NOT NULL,
    lost BIGINT NOT NULL,
    PRIMARY KEY (call_id, bucket_at)
);
CREATE INDEX call_quality_bucket ON call_quality (bucket_at);
CREATE INDEX calls_media_room ON calls (media_room_sid);
