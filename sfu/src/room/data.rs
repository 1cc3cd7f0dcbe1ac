//! Data packets: who they say they are from, and to whom they go.
//!
//! A packet is edited on the wire level: the few fields that are ours to say are replaced, everything else stays as the
//! client wrote it, also what this version does not know. It is serialized once, whatever the number of receivers.

use bytes::Bytes;
use sfu_engine::api::Command;
use sfu_engine::api::DataChannelKind;
use sfu_engine::api::TransportId;
use signaling_proto::Message as _;
use signaling_proto::limits;
use signaling_proto::proto;

use super::Room;
use super::participant::Participant;

/// Most receivers that one packet may name.
const MAX_DESTINATIONS: usize = 1_024;

/// Field numbers of `DataPacket`.
mod field {
    pub(super) const KIND: u32 = 1;
    pub(super) const USER: u32 = 2;
    pub(super) const SPEAKER: u32 = 3;
    pub(super) const PARTICIPANT_IDENTITY: u32 = 4;
    pub(super) const DESTINATION_IDENTITIES: u32 = 5;
    pub(super) const TRANSCRIPTION: u32 = 7;
    pub(super) const SEQUENCE: u32 = 16;
    pub(super) const PARTICIPANT_SID: u32 = 17;
    /// Of `UserPacket`, deprecated there but still read by old clients.
    pub(super) const USER_PARTICIPANT_SID: u32 = 1;
    pub(super) const USER_DESTINATION_SIDS: u32 = 3;
    pub(super) const USER_PARTICIPANT_IDENTITY: u32 = 5;
    pub(super) const USER_DESTINATION_IDENTITIES: u32 = 6;
}

/// One field of a protobuf message, as it lies in the buffer.
struct WireField<'a> {
    number: u32,
    /// Tag and value.
    whole: &'a [u8],
    /// The content of a length-delimited field.
    content: &'a [u8],
    /// The value of a varint field.
    value: u64,
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

/// The next field; `None` at the end. An error is what no protobuf writer makes.
fn next_field<'a>(bytes: &mut &'a [u8]) -> Result<Option<WireField<'a>>, Malformed> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let start = *bytes;
    let tag = varint(bytes).ok_or(Malformed)?;
    let number = u32::try_from(tag >> 3).map_err(|_| Malformed)?;
    let (content, value) = match tag & 7 {
        0 => (&[][..], varint(bytes).ok_or(Malformed)?),
        1 => (take(bytes, 8).ok_or(Malformed)?, 0),
        2 => {
            let length = varint(bytes).and_then(|length| usize::try_from(length).ok()).ok_or(Malformed)?;
            (take(bytes, length).ok_or(Malformed)?, 0)
        }
        5 => (take(bytes, 4).ok_or(Malformed)?, 0),
        _ => return Err(Malformed),
    };
    let whole = start.get(..start.len() - bytes.len()).ok_or(Malformed)?;
    Ok(Some(WireField { number, whole, content, value }))
}

fn put_bytes(out: &mut Vec<u8>, number: u32, content: &[u8]) {
    put_varint(out, u64::from(number << 3 | 2));
    put_varint(out, content.len() as u64);
    out.extend_from_slice(content);
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Not protobuf, or beyond a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// A packet after inspection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) bytes: Vec<u8>,
    pub(super) sequence: u32,
    /// Identities; empty: everybody.
    pub(super) to_identities: Vec<String>,
    /// Participant ids, from old clients.
    pub(super) to_sids: Vec<String>,
    pub(super) transcription: bool,
    /// Only servers say who speaks.
    pub(super) forged: bool,
}

/// Who a packet is from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sender<'a> {
    pub(super) sid: &'a str,
    pub(super) identity: &'a str,
    /// May name another participant as the author (agents speak for the people that they transcribe).
    pub(super) may_speak_for_others: bool,
}

/// Reads a packet and writes into it who it is from and how it travels.
pub(super) fn stamp(payload: &[u8], sender: Sender<'_>, kind: proto::data_packet::Kind) -> Result<Packet, Malformed> {
    let mut packet = Packet {
        bytes: Vec::with_capacity(payload.len() + sender.sid.len() + sender.identity.len() + 8),
        sequence: 0,
        to_identities: Vec::new(),
        to_sids: Vec::new(),
        transcription: false,
        forged: false,
    };
    let mut author = sender.identity.as_bytes();
    let mut rest = payload;
    while let Some(part) = next_field(&mut rest)? {
        match part.number {
            field::KIND | field::PARTICIPANT_SID => continue,
            field::PARTICIPANT_IDENTITY => {
                if sender.may_speak_for_others && !part.content.is_empty() {
                    author = part.content;
                }
                continue;
            }
            field::DESTINATION_IDENTITIES => push_name(&mut packet.to_identities, part.content)?,
            field::SEQUENCE => packet.sequence = part.value as u32,
            field::TRANSCRIPTION => packet.transcription = true,
            field::SPEAKER => packet.forged = true,
            field::USER => {
                let user = stamp_user(part.content, sender, &mut packet)?;
                put_bytes(&mut packet.bytes, field::USER, &user);
                continue;
            }
            _ => {}
        }
        packet.bytes.extend_from_slice(part.whole);
    }
    if kind == proto::data_packet::Kind::Lossy {
        put_varint(&mut packet.bytes, u64::from(field::KIND << 3));
        put_varint(&mut packet.bytes, kind as u64);
    }
    put_bytes(&mut packet.bytes, field::PARTICIPANT_IDENTITY, author);
    put_bytes(&mut packet.bytes, field::PARTICIPANT_SID, sender.sid.as_bytes());
    Ok(packet)
}

fn stamp_user(user: &[u8], sender: Sender<'_>, packet: &mut Packet) -> Result<Vec<u8>, Malformed> {
    let mut out = Vec::with_capacity(user.len() + sender.sid.len() + sender.identity.len() + 8);
    let mut rest = user;
    while let Some(part) = next_field(&mut rest)? {
        match part.number {
            field::USER_PARTICIPANT_SID | field::USER_PARTICIPANT_IDENTITY => continue,
            field::USER_DESTINATION_SIDS => push_name(&mut packet.to_sids, part.content)?,
            field::USER_DESTINATION_IDENTITIES => push_name(&mut packet.to_identities, part.content)?,
            _ => {}
        }
        out.extend_from_slice(part.whole);
    }
    put_bytes(&mut out, field::USER_PARTICIPANT_SID, sender.sid.as_bytes());
    put_bytes(&mut out, field::USER_PARTICIPANT_IDENTITY, sender.identity.as_bytes());
    Ok(out)
}

fn push_name(names: &mut Vec<String>, content: &[u8]) -> Result<(), Malformed> {
    if names.len() >= MAX_DESTINATIONS || content.len() > limits::NAME_BYTES {
        return Err(Malformed);
    }
    names.push(String::from_utf8(content.to_vec()).map_err(|_| Malformed)?);
    Ok(())
}

impl Room {
    /// A packet from a participant's data channel.
    pub(super) fn handle_data(&mut self, transport: TransportId, channel: DataChannelKind, payload: &[u8]) {
        let Some(key) = self.transports.get(&transport).copied() else { return };
        let Some(sender) = self.participants.get_mut(&key) else { return };
        let kind = match channel {
            DataChannelKind::Reliable => proto::data_packet::Kind::Reliable,
            DataChannelKind::Lossy => proto::data_packet::Kind::Lossy,
            // Nothing announced a data track, so nobody waits for its frames.
            DataChannelKind::DataTrack => return count_dropped("data_track"),
        };
        if !sender.permission.can_publish_data {
            return count_dropped("not_allowed");
        }
        let agent = sender.kind == proto::participant_info::Kind::Agent as i32;
        let from = Sender { sid: &sender.sid, identity: &sender.identity, may_speak_for_others: agent };
        let packet = match stamp(payload, from, kind) {
            Ok(packet) if payload.len() <= limits::DATA_PACKET_BYTES && !packet.forged => packet,
            _ => return count_dropped("malformed"),
        };
        if packet.transcription && !agent {
            return count_dropped("not_allowed");
        }
        if channel == DataChannelKind::Reliable && packet.sequence != 0 {
            if packet.sequence <= sender.last_reliable {
                return count_dropped("duplicate");
            }
            sender.last_reliable = packet.sequence;
        }
        self.deliver(packet, channel, |receiver| receiver.key != key);
    }

    /// A packet of the server API.
    pub(super) fn send_server_data(&self, request: proto::SendDataRequest) {
        let kind = request.kind();
        let channel = match kind {
            proto::data_packet::Kind::Reliable => DataChannelKind::Reliable,
            proto::data_packet::Kind::Lossy => DataChannelKind::Lossy,
        };
        let user = proto::UserPacket {
            payload: request.data,
            destination_sids: request.destination_sids.clone(),
            destination_identities: request.destination_identities.clone(),
            topic: request.topic,
            nonce: request.nonce,
            ..proto::UserPacket::default()
        };
        let packet = proto::DataPacket {
            kind: kind as i32,
            destination_identities: request.destination_identities.clone(),
            value: Some(proto::data_packet::Value::User(user)),
            ..proto::DataPacket::default()
        };
        let packet = Packet {
            bytes: packet.encode_to_vec(),
            sequence: 0,
            to_identities: request.destination_identities,
            to_sids: request.destination_sids,
            transcription: false,
            forged: false,
        };
        self.deliver(packet, channel, |_| true);
    }

    fn deliver(&self, packet: Packet, channel: DataChannelKind, eligible: impl Fn(&Participant) -> bool) {
        let everybody = packet.to_identities.is_empty() && packet.to_sids.is_empty();
        let to: Vec<TransportId> = self
            .participants
            .values()
            .filter(|p| {
                eligible(p)
                    && p.is_receiving()
                    && (everybody || packet.to_identities.contains(&p.identity) || packet.to_sids.contains(&p.sid))
            })
            .map(Participant::receiving)
            .collect();
        if !to.is_empty() {
            self.worker.send(Command::SendData { to: to.into(), channel, payload: Bytes::from(packet.bytes) });
        }
    }
}

fn count_dropped(reason: &'static str) {
    metrics::counter!("plenum_data_packets_dropped_total", "reason" => reason).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::data_packet::Kind;
    use proto::data_packet::Value;

    const ALICE: Sender<'static> = Sender { sid: "PA_a", identity: "alice", may_speak_for_others: false };

    fn user_packet() -> proto::DataPacket {
        proto::DataPacket {
            participant_identity: "mallory".to_owned(),
            participant_sid: "PA_m".to_owned(),
            destination_identities: vec!["bob".to_owned()],
            sequence: 7,
            value: Some(Value::User(proto::UserPacket {
                participant_sid: "PA_m".to_owned(),
                participant_identity: "mallory".to_owned(),
                payload: b"hello".to_vec(),
                topic: Some("t".to_owned()),
                ..proto::UserPacket::default()
            })),
            ..proto::DataPacket::default()
        }
    }

    #[test]
    fn the_sender_is_who_the_server_says() {
        let packet = stamp(&user_packet().encode_to_vec(), ALICE, Kind::Lossy).unwrap();
        assert_eq!(packet.to_identities, ["bob"]);
        assert_eq!(packet.sequence, 7);
        let read = proto::DataPacket::decode(packet.bytes.as_slice()).unwrap();
        assert_eq!((read.participant_sid.as_str(), read.participant_identity.as_str()), ("PA_a", "alice"));
        assert_eq!(read.kind(), Kind::Lossy);
        assert_eq!(read.destination_identities, ["bob"]);
        assert_eq!(read.sequence, 7);
        let Some(Value::User(user)) = read.value else { panic!("not a user packet") };
        assert_eq!((user.participant_sid.as_str(), user.participant_identity.as_str()), ("PA_a", "alice"));
        assert_eq!((user.payload.as_slice(), user.topic.as_deref()), (&b"hello"[..], Some("t")));
    }

    #[test]
    fn what_is_not_known_stays_as_it_is() {
        let mut payload = Vec::new();
        put_bytes(&mut payload, 99, b"newer");
        let packet = stamp(&payload, ALICE, Kind::Reliable).unwrap();
        assert!(packet.bytes.windows(5).any(|window| window == b"newer"));
    }

    #[test]
    fn an_agent_may_speak_for_another() {
        let agent = Sender { may_speak_for_others: true, ..ALICE };
        let packet = stamp(&user_packet().encode_to_vec(), agent, Kind::Reliable).unwrap();
        let read = proto::DataPacket::decode(packet.bytes.as_slice()).unwrap();
        assert_eq!((read.participant_identity.as_str(), read.participant_sid.as_str()), ("mallory", "PA_a"));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_stop_it(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = stamp(&bytes, ALICE, Kind::Reliable);
        }

        #[test]
        fn every_cut_is_refused_or_read(at in 0_usize..60) {
            let bytes = user_packet().encode_to_vec();
            let _ = stamp(bytes.get(..at.min(bytes.len())).unwrap(), ALICE, Kind::Reliable);
        }
    }
}
