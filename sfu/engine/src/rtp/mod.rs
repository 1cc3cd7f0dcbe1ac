//! RTP and RTCP on opened (decrypted) packets: headers in place, sequence arithmetic, receive statistics, repair, feedback.
//!
//! Comes in: slices of packets that were authenticated. Goes out: small `Copy` views, numbers, and RTCP appended to a
//! buffer of the caller. Nothing here knows of sockets, encryption, clocks or rooms, and nothing allocates per packet.

pub mod audio_level;
pub mod cache;
pub mod extension;
pub mod header;
pub mod nack;
pub mod receive;
pub mod rtcp;
pub mod rtx;
pub mod sender_report;
pub mod sequence;
pub mod twcc;
